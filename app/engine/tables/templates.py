"""Workbooks to fill in: headers, one row as an example, and the choices to pick from in each cell."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import xlsxwriter
from xlsxwriter.utility import xl_col_to_name

from app.engine.tables.sheets import sheet_name

ROWS = 10_000
"""So far down are cells prepared."""

_LONGEST_NOTE = 255
_WIDEST = 40
_TEXT = "@"
_DAY, _MOMENT = "yyyy-mm-dd", "yyyy-mm-dd hh:mm"


@dataclass(frozen=True)
class TemplateColumn:
    """A column to be filled in. `choices`: what its cells may hold; `only`: and nothing else."""

    header: str
    example: Any = None
    note: str = ""
    required: bool = False
    choices: Sequence[str] = ()
    only: bool = False


def write_template(
    path: Path, columns: Sequence[TemplateColumn], sheet: str, choices_sheet: str
) -> None:
    """Write the workbook; the choices stand on a sheet of their own, where people can read them."""
    options = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    with xlsxwriter.Workbook(str(path), options) as book:
        first = book.add_worksheet(sheet_name(sheet))
        chosen = [column for column in columns if column.choices]
        name = sheet_name(choices_sheet)
        places = _write_choices(book, name, chosen) if chosen else {}
        plain, needed = book.add_format({"bold": True}), book.add_format(
            {"bold": True, "bg_color": "#FDE9D9"}
        )  # fmt: skip
        first.freeze_panes(1, 0)
        for index, column in enumerate(columns):
            first.set_column(index, index, _width(column), _format(book, column.example))
            first.write_string(0, index, column.header, needed if column.required else plain)
            if column.note:
                first.write_comment(0, index, column.note)
            if column.example is not None:
                first.write(1, index, column.example)
            if column.choices:
                first.data_validation(1, index, ROWS, index, _rule(column, places[column.header]))


def _write_choices(book: Any, name: str, columns: Sequence[TemplateColumn]) -> dict[str, str]:
    """The sheet with a column of choices for each; the range of each by its header."""
    sheet = book.add_worksheet(name)
    bold = book.add_format({"bold": True})
    sheet.freeze_panes(1, 0)
    places = {}
    for index, column in enumerate(columns):
        sheet.set_column(index, index, _width(column))
        sheet.write_string(0, index, column.header, bold)
        sheet.write_column(1, index, column.choices)
        letter = xl_col_to_name(index)
        places[column.header] = f"='{name}'!${letter}$2:${letter}${len(column.choices) + 1}"
    return places


def _rule(column: TemplateColumn, place: str) -> dict[str, Any]:
    """A list to pick from; where others may be written too, the spreadsheet only asks."""
    return {
        "validate": "list",
        "source": place,
        "error_type": "stop" if column.only else "warning",
        "input_message": column.note[:_LONGEST_NOTE],
    }


def _format(book: Any, example: Any) -> Any:
    """Text stays as it is typed: a spreadsheet would round a code of 18 digits."""
    if isinstance(example, datetime.datetime):
        return book.add_format({"num_format": _MOMENT})
    if isinstance(example, datetime.date):
        return book.add_format({"num_format": _DAY})
    return None if isinstance(example, int) else book.add_format({"num_format": _TEXT})


def _width(column: TemplateColumn) -> int:
    longest = max((column.header, str(column.example or ""), *column.choices[:50]), key=len)
    return min(sum(2 if ord(letter) > 0x2E80 else 1 for letter in longest) + 4, _WIDEST)
