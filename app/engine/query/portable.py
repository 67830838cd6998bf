"""Wide rows read in bulk: each as one value, taken apart in C, put right a column at a time.

A row of forty columns costs the layers above the database more than the database needs to find it.
So SQLite gives each row as one JSON text, PostgreSQL as one array of texts; what JSON cannot hold
exactly (decimals, moments) goes as text.
"""

from __future__ import annotations

import datetime
import decimal
from collections.abc import Callable, Sequence
from typing import Any

import orjson
from sqlalchemy import (
    BigInteger,
    Boolean,
    ColumnElement,
    Integer,
    LargeBinary,
    Select,
    cast,
    func,
    select,
    type_coerce,
)
from sqlalchemy import Text as TextColumn
from sqlalchemy.dialects.postgresql import array
from sqlalchemy.types import JSON, NullType, String

from app.engine.adapters.database import ExactDecimal, UtcDateTime
from app.engine.adapters.vault import Sealed
from app.engine.fields import Field

_MOST_ARGUMENTS = 90
"""SQLite takes at most about a hundred arguments for one function."""

Columns = list[Sequence[Any]]
"""The columns of some rows, all of one length."""


class RowReader:
    """Reads rows of these fields; `columns` are what to select."""

    def __init__(self, fields: Sequence[Field], model: Any, dialect: str) -> None:
        expressions = [field.expression(model) for field in fields]
        self.columns: list[Any]
        self._sqlite = dialect == "sqlite"
        if self._sqlite:
            made = [_in_json(expression) for expression in expressions]
            starts = range(0, len(made), _MOST_ARGUMENTS)
            parts = [func.json_array(*made[at : at + _MOST_ARGUMENTS]) for at in starts]
            self.columns = [cast(part, LargeBinary) for part in parts]
        else:
            texts = array([_in_text(expression) for expression in expressions])
            self.columns = [type_coerce(texts, NullType())]
        self._readers = [None if self._sqlite else _reader(e) for e in expressions]

    def select(self, *more: Any) -> Select[Any]:
        """A statement of these columns, with others before them."""
        return select(*more, *self.columns)

    def columns_of(self, batch: Sequence[Sequence[Any]]) -> Columns:
        """The columns of selected rows, alike for both databases."""
        if self._sqlite:
            return list(zip(*_parsed(batch), strict=True))
        columns = zip(*[row[0] for row in batch], strict=True)
        return [
            column if read is None else [None if value is None else read(value) for value in column]
            for column, read in zip(columns, self._readers, strict=True)
        ]


def _parsed(batch: Sequence[Sequence[bytes]]) -> list[list[Any]]:
    if len(batch[0]) == 1:
        rows: list[list[Any]] = orjson.loads(b"[%b]" % b",".join([row[0] for row in batch]))
        return rows
    return [[value for part in row for value in orjson.loads(part)] for row in batch]


def _in_json(expression: ColumnElement[Any]) -> ColumnElement[Any]:
    if isinstance(expression.type, JSON):
        return func.json(type_coerce(expression, TextColumn))
    return expression


def _in_text(expression: ColumnElement[Any]) -> ColumnElement[Any]:
    if isinstance(expression.type, UtcDateTime):
        expression = func.to_char(func.timezone("UTC", expression), "YYYY-MM-DD HH24:MI:SS.US")
    return cast(expression, TextColumn)


def _reader(expression: ColumnElement[Any]) -> Callable[[str], Any] | None:
    """From PostgreSQL's text to what JSON would have had."""
    match expression.type:
        case JSON():
            return orjson.loads
        case Boolean():
            return "true".__eq__
        case ExactDecimal() | UtcDateTime() | String():
            return None
        case BigInteger() | Integer():
            return int
    return None


def restorer(field: Field, model: Any, dialect: str) -> Callable[[Any], Any] | None:
    """From what `columns_of` gives to the field's own value; None where they are the same."""
    if field.custom:
        return field.from_database
    kind = field.expression(model).type
    if isinstance(kind, Sealed):
        return kind.opened
    if isinstance(kind, UtcDateTime):
        return moment
    if isinstance(kind, ExactDecimal):
        if dialect == "sqlite":
            scale = -kind.scale
            return lambda value: decimal.Decimal(value).scaleb(scale)
        return decimal.Decimal
    if field.type_name == "date":
        return datetime.date.fromisoformat
    return bool if field.type_name == "boolean" else None


def moment(text: str) -> datetime.datetime:
    """A moment out of the text that both databases give for one."""
    return datetime.datetime.fromisoformat(text).replace(tzinfo=datetime.UTC)
