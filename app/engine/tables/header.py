"""Which row of a table is its header, and the names its columns go by."""

from __future__ import annotations

import re
from typing import Any

from flask_babel import lazy_gettext as _

from app.engine.errors import ValueProblem
from app.engine.parsing import cell_text, clean, header_key, is_empty
from app.engine.tables.marks import unmark

_RawRow = tuple[int, int, list[Any]]

_LOOKED_AT = 20
# A header is made of words: a cell that is a number, a date or an amount speaks against one.
_VALUE = re.compile(r"[\s\d.,:/¥$€%()+-]*\d[\s\d.,:/¥$€%()+-]*")


def find_header(rows: list[_RawRow]) -> int:
    """Index of the header: below titles, which have one cell where the table has three or more."""
    filled = [sum(not is_empty(cell) for cell in cells) for _first, _last, cells in rows]
    widest = max(filled[:_LOOKED_AT])
    if widest < 3:
        return 0
    return next((index for index, count in enumerate(filled) if count > 1), 0)


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
