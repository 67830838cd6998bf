"""Reads one sheet of a workbook in a process of its own and prints its rows as lines of JSON.

A sheet with one cell at its far corner makes the reading library ask for half a terabyte and abort;
here that ends this process and not the one that serves people. Run by its path, so that it loads
nothing of the application. Arguments: file, sheet ("" for the first with rows), bytes of memory,
seconds of work.

First line: {"sheets", "sheet", "height", "width", "merged"} or {"problem"}; then lists of rows, in
which a date or time is a list of its kind and its ISO text. "merged": of the first rows, each block
as its first row and column and its last, from 0, columns counted like those of the rows.
"""

from __future__ import annotations

import datetime
import itertools
import resource
import sys
from collections.abc import Iterator
from typing import Any

import orjson
import python_calamine

_ROWS_A_LINE = 500
_HEAD_ROWS = 25
_MOST_MERGED = 2000


def main(path: str, sheet: str, memory: int, seconds: int) -> None:
    """Print the sheet, or the problem that keeps it from being read."""
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    try:
        workbook = python_calamine.CalamineWorkbook.from_path(path)
        names = _visible(workbook)
        chosen = _choose(workbook, names, sheet)
    except python_calamine.PasswordError:
        return _print({"problem": "password"})
    except python_calamine.CalamineError:
        return _print({"problem": "damaged"})
    if chosen is None:
        return _print({"problem": "no sheet", "sheets": names})
    _print(
        {
            "sheets": names,
            "sheet": chosen.name,
            "height": chosen.total_height,
            "width": chosen.total_width,
            "merged": _merged(chosen),
        }
    )
    rows = chosen.iter_rows()
    while batch := list(itertools.islice(rows, _ROWS_A_LINE)):
        _print(batch)
    return None


def _visible(workbook: python_calamine.CalamineWorkbook) -> list[str]:
    """The sheets that hold cells and that the author shows, in order."""
    return [
        sheet.name
        for sheet in workbook.sheets_metadata
        if sheet.typ == python_calamine.SheetTypeEnum.WorkSheet
        and sheet.visible == python_calamine.SheetVisibleEnum.Visible
    ]


def _choose(
    workbook: python_calamine.CalamineWorkbook, names: list[str], wanted: str
) -> python_calamine.CalamineSheet | None:
    """The sheet asked for; without a wish the first that holds anything, else the first."""
    if wanted:
        return workbook.get_sheet_by_name(wanted) if wanted in names else None
    sheets: Iterator[Any] = (workbook.get_sheet_by_name(name) for name in names)
    first = None
    for sheet in sheets:
        if sheet.total_height:
            return sheet  # type: ignore[no-any-return]
        first = first or sheet
    return first


def _merged(sheet: python_calamine.CalamineSheet) -> list[tuple[int, int, int, int]]:
    """The merged blocks among the rows where a header may be."""
    try:
        blocks = sheet.merged_cell_ranges or ()
    except python_calamine.CalamineError:
        return []
    left = sheet.start[1] if sheet.start else 0
    return [
        (top, first - left, bottom, last - left)
        for (top, first), (bottom, last) in itertools.islice(blocks, _MOST_MERGED)
        if top < _HEAD_ROWS and first >= left
    ]


def _plain(value: Any) -> Any:
    kind = "moment" if isinstance(value, datetime.datetime) else type(value).__name__
    return [kind, str(value) if isinstance(value, datetime.timedelta) else value.isoformat()]


def _print(value: Any) -> None:
    line = orjson.dumps(
        value,
        default=_plain,
        option=orjson.OPT_APPEND_NEWLINE | orjson.OPT_PASSTHROUGH_DATETIME,
    )
    sys.stdout.buffer.write(line)
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
