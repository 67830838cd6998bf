"""A column holds one of many values, sent as one parameter: however many, the statement is the same.

Given thousands of parameters, SQLAlchemy takes longer to write the statement than the database to
answer it.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import orjson
from sqlalchemy import ColumnElement, and_, any_, bindparam, cast, func, literal, select
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.types import Integer, String, Text

from app.engine.adapters.database import dialect_name

_FEW = 20


def among(column: ColumnElement[Any], values: Collection[Any]) -> ColumnElement[bool]:
    """The condition that the column holds one of the values."""
    listed = list(values)
    plain = isinstance(column.type, (String, Integer)) and {*map(type, listed)} <= {str, int}
    if len(listed) <= _FEW or not plain:
        return column.in_(listed)
    sent = orjson.dumps(listed).decode()
    if dialect_name() == "sqlite":
        given = func.json_each(sent).table_valued("value")
        return column.in_(select(given.c.value))
    if isinstance(column.type, Integer):
        return column == any_(bindparam(None, listed, ARRAY(column.type), unique=True))
    # An array of thousands of texts takes the driver longer than the database.
    texts = func.jsonb_array_elements_text(cast(literal(sent, Text), JSONB)).column_valued()
    return column.in_(select(texts))


def begun_with(column: ColumnElement[Any], words: Collection[str]) -> ColumnElement[bool] | None:
    """The condition that the column holds one of these texts, or one with further words behind it.

    None where the database may order texts otherwise than by their characters, or would go through
    the table for it: PostgreSQL.
    """
    if dialect_name() != "sqlite":
        return None
    sent = orjson.dumps(list(words)).decode()
    given = func.json_each(sent).table_valued("value").c.value
    return and_(column >= given, column < given.concat("!"))  # the next character after a blank
