"""CSV and XLSX files out of rows: streamed at constant memory, typed, formulas made harmless."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, date, datetime, tzinfo
from decimal import Decimal
from itertools import islice
from pathlib import Path
from typing import Any

from app.engine.tables.marks import mark
from app.engine.tables.sheets import Batch, Column, Sheet, write_sheets

_BATCH = 500


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
            yield [plain[type(v)](v) if type(v) in plain else mark(str(v)) for v in row]

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
    """Write one sheet, see `sheets`; the number of rows. Raises TableProblem."""
    only = Sheet(sheet, columns, _batches(rows), zone)
    write_sheets(path, [only])
    return only.count


def _batches(rows: Iterable[Sequence[Any]]) -> Iterator[Batch]:
    iterator = iter(rows)
    while part := list(islice(iterator, _BATCH)):
        yield list(zip(*part, strict=True))


def _plain_values(zone: tzinfo) -> dict[type, Callable[[Any], Any]]:
    """What a CSV cell shows of each type of value."""

    def local(value: datetime) -> str:
        here = value.astimezone(zone).replace(tzinfo=None) if value.tzinfo else value
        return here.isoformat(" ")

    return {
        str: mark,
        type(None): lambda value: "",
        bool: lambda value: "TRUE" if value else "FALSE",
        int: lambda value: value,
        float: lambda value: value,
        Decimal: lambda value: format(value, "f"),
        date: date.isoformat,
        datetime: local,
    }
