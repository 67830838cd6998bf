"""XLSX workbooks out of columns: typed, with widths, a frozen header and an autofilter, streamed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, tzinfo
from decimal import Decimal
from itertools import chain
from operator import itemgetter
from pathlib import Path
from typing import Any, Literal

import rustpy_xlsxwriter
from flask_babel import lazy_gettext as _
from rustpy_xlsxwriter import Format

from app.engine.tables.marks import MARKED, mark
from app.engine.tables.problems import TableProblem

ColumnKind = Literal["text", "integer", "decimal", "money", "date", "datetime", "boolean"]

Batch = Sequence[Sequence[Any]]
"""Columns of values, all of one length."""

_ROWS = 1_048_575
_CHARACTERS = 32_767
_DIGITS = 15
# Excel counts a 29 February 1900 that never was; days before it are written as text.
_FIRST_DAY = date(1900, 3, 1)
_FIRST_MOMENT = datetime(1900, 3, 1)  # noqa: DTZ001  (a spreadsheet's moments have no zone)
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
_first = itemgetter(slice(0, 1))


@dataclass(frozen=True)
class Column:
    """A column of a file: its header and what its values are."""

    header: str
    kind: ColumnKind = "text"


@dataclass
class Sheet:
    """A sheet to be written; `count` is the number of its rows once it has been."""

    name: str
    columns: Sequence[Column]
    batches: Iterable[Batch]
    zone: tzinfo = UTC
    count: int = 0
    ready: bool = False
    """Whether the values are cells already, made by `sheet_column`."""

    def records(self) -> Iterator[dict[str, Any]]:
        """The rows as the writer takes them. Raises TableProblem for what no sheet can hold."""
        keys = self.keys()
        for batch in self.batches:
            ready = batch
            if not self.ready:
                kinds = [column.kind for column in self.columns]
                ready = [sheet_column(k, v, self.zone) for k, v in zip(kinds, batch, strict=True)]
            for row in zip(*ready, strict=True):
                self.count += 1
                yield dict(zip(keys, row, strict=True))
            if self.count > _ROWS:
                raise TableProblem(
                    _("A sheet holds at most %(count)s rows. Export as CSV.", count=_ROWS)
                )

    def keys(self) -> list[str]:
        """The headers, no two alike."""
        return _distinct([mark(column.header) for column in self.columns])


def write_sheets(path: Path, sheets: Sequence[Sheet]) -> None:
    """Write a workbook.

    What Excel cannot hold exactly (20-digit numbers, days before March 1900) is written as text.
    Raises TableProblem for more rows or longer cells than a sheet can hold.
    """
    names = _distinct([sheet_name(sheet.name) for sheet in sheets])
    rustpy_xlsxwriter.write_worksheets(
        [
            (name, _with_header(sheet.records(), sheet.keys()))
            for name, sheet in zip(names, sheets, strict=True)
        ],
        str(path),
        freeze_panes={"general": {"row": 1, "col": 0}},
        autofilter={"general": True},
        header_format=dict.fromkeys(names, Format().set_bold()),
        column_widths=dict(zip(names, map(_widths, sheets), strict=True)),
        column_formats=dict(zip(names, map(_formats, sheets), strict=True)),
    )


def _with_header(
    records: Iterator[dict[str, Any]], keys: Sequence[str]
) -> Iterator[dict[str, Any]]:
    """Without any record the header would not be written either."""
    return chain([next(records, dict.fromkeys(keys))], records)


# -- values --------------------------------------------------------------------------------


def sheet_column(kind: ColumnKind, values: Sequence[Any], zone: tzinfo = UTC) -> Sequence[Any]:
    """Values of a kind as cells; a value of another type goes by its type. Raises TableProblem."""
    if kind == "text":
        return _texts(values)
    by_type = _by_type(zone)
    return [
        by_type[type(value)](value) if type(value) in by_type else _text(str(value))
        for value in values
    ]


def _texts(values: Sequence[Any]) -> Sequence[Any]:
    """A column of texts is looked over as a whole: it hardly ever holds one to be marked."""
    distinct = set(values)
    distinct.discard(None)
    plain = (
        all(type(value) is str for value in distinct)
        and MARKED.isdisjoint(map(_first, distinct))
        and max(map(len, distinct), default=0) <= _CHARACTERS
    )
    return values if plain else list(map(_text, values))


def _by_type(zone: tzinfo) -> dict[type, Callable[[Any], Any]]:
    def exact(value: datetime) -> Any:
        local = value.astimezone(zone).replace(tzinfo=None) if value.tzinfo else value
        if local >= _FIRST_MOMENT and local.microsecond == 0:
            return local
        return local.isoformat(" ")

    return {
        str: _text,
        type(None): lambda value: None,
        bool: lambda value: value,
        int: lambda value: value if abs(value) < 10**_DIGITS else str(value),
        float: lambda value: value,
        Decimal: _number,
        date: lambda value: value if value >= _FIRST_DAY else value.isoformat(),
        datetime: exact,
    }


def _text(value: Any) -> Any:
    if value is None:
        return None
    if type(value) is not str:  # what a column of texts holds beside them, such as a subclass
        value = str(value)
    text = mark(value)
    if len(text) > _CHARACTERS:
        raise TableProblem(
            _(
                "A cell holds more than %(count)s characters, which XLSX cannot. Export as CSV.",
                count=_CHARACTERS,
            )
        )
    return text


def _number(value: Decimal) -> Any:
    digits = len(value.as_tuple().digits)
    if digits <= _DIGITS and value.is_finite() and abs(value.adjusted()) < 100:
        return float(value)
    return format(value, "f")


# -- looks ---------------------------------------------------------------------------------


def _widths(sheet: Sheet) -> list[float]:
    return [_width(column) for column in sheet.columns]


def _width(column: Column) -> float:
    """Wide enough for the values and for the header with its filter button, in characters."""
    header = sum(2 if ord(letter) > 0x2E80 else 1 for letter in column.header) + 4
    return min(max(_WIDTHS[column.kind], float(header)), _WIDEST)


def _formats(sheet: Sheet) -> dict[str, Format]:
    return {
        key: Format().set_num_format(_FORMATS[column.kind])
        for key, column in zip(sheet.keys(), sheet.columns, strict=True)
        if column.kind in _FORMATS
    }


def sheet_name(name: str) -> str:
    """A name that Excel takes: at most 31 characters, without its reserved signs."""
    allowed = "".join(letter for letter in name if letter not in "[]:*?/\\'" and letter >= " ")
    return allowed[:27].strip() or "Sheet1"


def _distinct(names: Sequence[str]) -> list[str]:
    seen: dict[str, int] = {}
    found = []
    for name in names:
        seen[name] = seen.get(name, 0) + 1
        number = seen[name]
        found.append(name if number == 1 else f"{name} ({number})")
    return found
