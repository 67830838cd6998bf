"""CSV and XLSX files out of rows: streamed at constant memory, typed, formulas made harmless."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, tzinfo
from decimal import Decimal
from itertools import chain
from pathlib import Path
from typing import Any, Literal

import rustpy_xlsxwriter
from flask_babel import lazy_gettext as _
from rustpy_xlsxwriter import Format

from app.engine.tables.marks import mark
from app.engine.tables.problems import TableProblem

ColumnKind = Literal["text", "integer", "decimal", "money", "date", "datetime", "boolean"]

_XLSX_ROWS = 1_048_575
_XLSX_CHARACTERS = 32_767
_XLSX_DIGITS = 15
# Excel counts a 29 February 1900 that never was; days before it are written as text.
_XLSX_FIRST_DAY = date(1900, 3, 1)
_FORMATS: dict[str, str] = {
    "integer": "0",
    "decimal": "#,##0.######",
    "money": "#,##0.00",
    "date": "yyyy-mm-dd",
    "datetime": "yyyy-mm-dd hh:mm:ss",
}
_WIDTHS: dict[str, float] = {
    "text": 18.0,
    "integer": 10.0,
    "decimal": 14.0,
    "money": 16.0,
    "date": 12.0,
    "datetime": 20.0,
    "boolean": 8.0,
}
_WIDEST = 60.0


@dataclass(frozen=True)
class Column:
    """A column of a file: its header and what its values are."""

    header: str
    kind: ColumnKind = "text"


def write_csv(
    path: Path,
    columns: Sequence[Column],
    rows: Iterable[Sequence[Any]],
    zone: tzinfo = UTC,
) -> int:
    """Write UTF-8 with a byte order mark, which Excel needs to see Chinese; the number of rows.

    Moments are written in `zone`. Formulas are marked, see `marks`.
    """
    count = 0

    def counted() -> Iterator[list[Any]]:
        nonlocal count
        plain = _plain_values(zone)
        for row in rows:
            count += 1
            yield [plain[type(v)](v) if type(v) in plain else _other(v) for v in row]

    with path.open("w", encoding="utf-8-sig", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow([mark(column.header) for column in columns])
        writer.writerows(counted())
    return count


def write_xlsx(
    path: Path,
    columns: Sequence[Column],
    rows: Iterable[Sequence[Any]],
    zone: tzinfo = UTC,
    sheet: str = "Sheet1",
) -> int:
    """Write one sheet with typed columns, widths, a frozen header and an autofilter.

    What Excel cannot hold exactly (20-digit numbers, days before March 1900) is written as text.
    Raises TableProblem for more rows or longer cells than a sheet can hold. The number of rows.
    """
    keys = _distinct([mark(column.header) for column in columns])
    count = 0

    def records() -> Iterator[dict[str, Any]]:
        nonlocal count
        cell = _xlsx_values(zone)
        for row in rows:
            count += 1
            if count > _XLSX_ROWS:
                raise TableProblem(
                    _("A sheet holds at most %(count)s rows. Export as CSV.", count=_XLSX_ROWS)
                )
            values = [cell[type(v)](v) if type(v) in cell else _other(v) for v in row]
            yield dict(zip(keys, values, strict=True))

    stream = records()
    # Without any record the header would not be written either.
    first = next(stream, dict.fromkeys(keys))
    rustpy_xlsxwriter.write_worksheet(
        chain([first], stream),
        str(path),
        sheet_name=_sheet_name(sheet),
        freeze_row=1,
        autofilter=True,
        header_format=Format().set_bold(),
        column_widths=[_width(column) for column in columns],
        column_formats={
            key: Format().set_num_format(_FORMATS[column.kind])
            for key, column in zip(keys, columns, strict=True)
            if column.kind in _FORMATS
        },
    )
    return count


def _plain_values(zone: tzinfo) -> dict[type, Callable[[Any], Any]]:
    """What a CSV cell shows of each type of value."""
    return {
        str: mark,
        type(None): lambda value: "",
        bool: lambda value: "TRUE" if value else "FALSE",
        int: lambda value: value,
        float: lambda value: value,
        Decimal: lambda value: format(value, "f"),
        date: date.isoformat,
        datetime: lambda value: _local(value, zone).isoformat(" "),
    }


def _xlsx_values(zone: tzinfo) -> dict[type, Callable[[Any], Any]]:
    """What an XLSX cell holds of each type of value."""

    def moment(value: datetime) -> Any:
        local = _local(value, zone)
        exact = local.date() >= _XLSX_FIRST_DAY and local.microsecond % 1000 == 0
        return local if exact else local.isoformat(" ")

    return {
        str: _xlsx_text,
        type(None): lambda value: None,
        bool: lambda value: value,
        int: lambda value: value if abs(value) < 10**_XLSX_DIGITS else str(value),
        float: lambda value: value,
        Decimal: _xlsx_number,
        date: lambda value: value if value >= _XLSX_FIRST_DAY else value.isoformat(),
        datetime: moment,
    }


def _other(value: Any) -> Any:
    """A subclass (an enumeration's member, a lazy or safe string) as the text it stands for."""
    return mark(str(value))


def _xlsx_text(value: str) -> str:
    text = mark(value)
    if len(text) > _XLSX_CHARACTERS:
        raise TableProblem(
            _(
                "A cell holds more than %(count)s characters, which XLSX cannot. Export as CSV.",
                count=_XLSX_CHARACTERS,
            )
        )
    return text


def _xlsx_number(value: Decimal) -> Any:
    digits = len(value.as_tuple().digits)
    if digits <= _XLSX_DIGITS and value.is_finite() and abs(value.adjusted()) < 100:
        return value
    return format(value, "f")


def _local(value: datetime, zone: tzinfo) -> datetime:
    return value.astimezone(zone).replace(tzinfo=None) if value.tzinfo else value


def _width(column: Column) -> float:
    """Wide enough for the values and for the header with its filter button, in characters."""
    header = sum(2 if ord(letter) > 0x2E80 else 1 for letter in column.header) + 4
    return min(max(_WIDTHS[column.kind], float(header)), _WIDEST)


def _sheet_name(name: str) -> str:
    """A name that Excel takes: at most 31 characters, without its reserved signs."""
    allowed = "".join(letter for letter in name if letter not in "[]:*?/\\'" and letter >= " ")
    return allowed[:31].strip() or "Sheet1"


def _distinct(headers: list[str]) -> list[str]:
    seen: dict[str, int] = {}
    names = []
    for header in headers:
        seen[header] = seen.get(header, 0) + 1
        number = seen[header]
        names.append(header if number == 1 else f"{header} ({number})")
    return names
