"""Columns as the database can write them into JSON itself: read in bulk, put right by column.

A wide row costs a driver more than the database needs to find it. So each row comes as one JSON
text, which is taken apart in C; what JSON cannot hold exactly (decimals, moments) goes as text.
"""

from __future__ import annotations

import datetime
import decimal
from collections.abc import Callable, Sequence
from typing import Any

import orjson
from sqlalchemy import ColumnElement, LargeBinary, Numeric, String, cast, func, type_coerce
from sqlalchemy import Text as TextColumn
from sqlalchemy.types import JSON

from app.engine.adapters.database import ExactDecimal, UtcDateTime
from app.engine.fields import Field

_MOST_ARGUMENTS = 90
"""Both databases take at most about a hundred arguments for one function."""

_MOMENT = "YYYY-MM-DD HH24:MI:SS.US"


def portable_columns(
    fields: Sequence[Field], model: Any, dialect: str
) -> list[ColumnElement[bytes]]:
    """What to select: JSON texts that together hold the values of the fields."""
    made = [_portable(field.expression(model), dialect) for field in fields]
    parts = [made[at : at + _MOST_ARGUMENTS] for at in range(0, len(made), _MOST_ARGUMENTS)]
    if dialect == "sqlite":
        return [cast(func.json_array(*part), LargeBinary) for part in parts]
    return [
        func.convert_to(cast(func.json_build_array(*part), TextColumn), "UTF8") for part in parts
    ]


def _portable(expression: ColumnElement[Any], dialect: str) -> ColumnElement[Any]:
    kind = expression.type
    if dialect == "sqlite":
        if isinstance(kind, JSON):
            return func.json(type_coerce(expression, TextColumn))
        return expression
    if isinstance(kind, UtcDateTime):
        return func.to_char(func.timezone("UTC", expression), _MOMENT)
    if isinstance(kind, (ExactDecimal, Numeric)):
        return cast(expression, String)
    return expression


def rows_of(batch: Sequence[Sequence[bytes]]) -> list[list[Any]]:
    """The values of selected rows, still as JSON has them."""
    if not batch:
        return []
    if len(batch[0]) == 1:
        rows: list[list[Any]] = orjson.loads(b"[%b]" % b",".join([row[0] for row in batch]))
        return rows
    return [[value for part in row for value in orjson.loads(part)] for row in batch]


def restorer(field: Field, model: Any, dialect: str) -> Callable[[Any], Any] | None:
    """From what JSON has to the field's own value; None where they are the same."""
    if field.custom:
        return field.from_database
    kind = field.expression(model).type
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
