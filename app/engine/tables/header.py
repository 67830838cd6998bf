"""Which row of a table is its header, and the names its columns go by."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, NamedTuple

from flask_babel import lazy_gettext as _

from app.engine.errors import ValueProblem
from app.engine.parsing import cell_text, clean, header_key, is_empty
from app.engine.tables.marks import unmark

_RawRow = tuple[int, int, list[Any]]

_LOOKED_AT = 20
# A header is made of words: a cell that is a number, a date or an amount speaks against one.
_VALUE = re.compile(r"[\s\d.,:/¥$€%()+-]*\d[\s\d.,:/¥$€%()+-]*")


class Merged(NamedTuple):
    """A block of merged cells; rows and columns count from 0."""

    top: int
    first: int
    bottom: int
    last: int


def find_header(rows: list[_RawRow], merged: Sequence[Merged] = ()) -> int:
    """Index of the header: below titles, which have one cell where the table has three or more.

    It is below a row of merged cells too that heads groups of columns.
    """
    filled = [sum(not is_empty(cell) for cell in cells) for _first, _last, cells in rows]
    widest = max(filled[:_LOOKED_AT])
    if widest < 3:
        return 0
    grouping = [_heads_groups(row, merged) for row in rows[:-1]] + [False]
    found = zip(filled, grouping, strict=True)
    return next((i for i, (count, groups) in enumerate(found) if count > 1 and not groups), 0)


def _heads_groups(row: _RawRow, merged: Sequence[Merged]) -> bool:
    """Whether a row says nothing but what stands in merged cells, some of them over several columns."""
    line, _last, cells = row
    starting = {block.first: block for block in merged if block.top == line - 1}
    if not any(block.last > block.first for block in starting.values()):
        return False
    return all(index in starting for index, cell in enumerate(cells) if not is_empty(cell))


def with_merged(header: _RawRow, rows: Sequence[_RawRow], merged: Sequence[Merged]) -> _RawRow:
    """The header with the names of columns that begin in merged cells above it."""
    first, last, cells = header[0], header[1], list(header[2])
    above = {row[0] - 1: row[2] for row in rows}
    for block in merged:
        reaches = block.top < first - 1 <= block.bottom and block.first == block.last
        if reaches and block.first < len(cells) and is_empty(cells[block.first]):
            source = above.get(block.top, [])
            cells[block.first] = source[block.first] if block.first < len(source) else ""
    return first, last, cells


def looks_like_header(cells: list[Any]) -> bool:
    """Whether a row names columns: text only, no two alike, nothing that is a value."""
    texts = [cell for cell in cells if not is_empty(cell)]
    if not texts or not all(isinstance(cell, str) for cell in texts):
        return False
    keys = [header_key(cell) for cell in texts]
    return len(set(keys)) == len(keys) and not any(_VALUE.fullmatch(cell) for cell in texts)


def name_columns(rows: list[_RawRow], has_header: bool) -> tuple[list[str], list[Any]]:
    """Distinct names, in order, and warnings. `rows[0]` is the header where there is one."""
    width = _used_width(rows)
    if not has_header:
        return [_generated(index) for index in range(width)], []
    header = [*rows[0][2], *[""] * width][:width]
    names: list[str] = []
    seen: set[str] = set()
    warnings: list[Any] = []
    for index, cell in enumerate(header):
        name = _name(cell)
        if not name:
            name = _generated(index)
            warnings.append(_("Column %(number)s has no header.", number=index + 1))
        elif name in seen:
            warnings.append(_("The header “%(name)s” stands twice.", name=name))
        names.append(_distinct(name, seen))
    return names, warnings


def _used_width(rows: list[_RawRow]) -> int:
    """Up to the last column with anything in the first rows: separators at line ends make none."""
    header = rows[0][2]
    width = len(header)
    while width > 1 and all(
        len(cells) < width or is_empty(cells[width - 1]) for _first, _last, cells in rows
    ):
        width -= 1
    return width


def _name(cell: Any) -> str:
    try:
        return clean(unmark(cell_text(cell)))[:200]
    except ValueProblem:
        return ""


def _generated(index: int) -> str:
    return f"column_{index + 1}"


def _distinct(name: str, seen: set[str]) -> str:
    distinct, number = name, 1
    while distinct in seen:
        number += 1
        distinct = f"{name} ({number})"
    seen.add(distinct)
    return distinct
