"""Text and tables of workbooks (XLSX, XLSB, XLS, ODS): the sheets that their author shows."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any

import python_calamine

from app.engine.contents.readers.output import Pages, Unreadable, clean

ROWS = 200
COLUMNS = 50
SHEETS = 20
"""Of a workbook so much is shown as tables."""

CELL = 500
_WIDEST = 20_000
"""Cells between the first and the last of a row: a sheet of more is a trap."""


def read(path: str, pages: Pages, **_options: Any) -> None:
    """A sheet's name, then its rows. Raises Unreadable."""
    for name, rows in _sheets(path):
        pages.paragraph(name)
        for cells in rows:
            line = "\t".join(cells).strip()
            if line:
                pages.paragraph(line)
        pages.turn()


def show(path: str, **_options: Any) -> Iterator[dict[str, Any]]:
    """Each sheet's first rows as a table. Raises Unreadable."""
    for name, rows in islice(_sheets(path), SHEETS):
        first = [[clean(cell)[:CELL] for cell in row[:COLUMNS]] for row in islice(rows, ROWS + 1)]
        yield {"table": first[:ROWS], "name": name, "cut": len(first) > ROWS}


def _sheets(path: str) -> Iterator[tuple[str, Iterator[list[str]]]]:
    try:
        workbook = python_calamine.CalamineWorkbook.from_path(path)
        for told in workbook.sheets_metadata:
            if (
                told.typ == python_calamine.SheetTypeEnum.WorkSheet
                and told.visible == python_calamine.SheetVisibleEnum.Visible
            ):
                sheet = workbook.get_sheet_by_name(told.name)
                if sheet.total_width > _WIDEST:
                    raise Unreadable("too_large")
                yield told.name, _rows(sheet)
    except python_calamine.PasswordError as error:
        raise Unreadable("encrypted") from error
    except python_calamine.CalamineError as error:
        raise Unreadable("damaged") from error


def _rows(sheet: python_calamine.CalamineSheet) -> Iterator[list[str]]:
    for row in sheet.iter_rows():
        yield [_cell(value) for value in row]


def _cell(value: Any) -> str:
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)
