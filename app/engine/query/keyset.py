"""Keyset paging: a page starts after the last row of the one before, wherever that is.

NULL sorts lowest on every database: an order by a field that may be empty is read in two parts,
so that each part is one walk along the index.
"""

from __future__ import annotations

import base64
import datetime
import decimal
import json
import re
from dataclasses import dataclass
from typing import Any

from flask_babel import lazy_gettext as _
from sqlalchemy import ColumnElement, tuple_

from app.engine.errors import ValueProblem
from app.engine.fields.reference import MAX_IDENTIFIER

_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


@dataclass(frozen=True)
class Cursor:
    """Where a page starts: the sort value and id of the row before it, and the direction.

    `order` is the order that it was made for, such as `-yearly_amount`.
    """

    value: Any
    record_id: int
    backward: bool
    order: str

    def __str__(self) -> str:
        raw = json.dumps([_to_json(self.value), self.record_id, int(self.backward), self.order])
        return base64.urlsafe_b64encode(raw.encode()).decode().rstrip("=")

    @classmethod
    def parse(cls, text: str) -> Cursor:
        """Raises ValueProblem for what we did not make."""
        try:
            raw = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
            value, record_id, backward, order = json.loads(raw)
            return cls(_from_json(value), int(record_id), bool(backward), str(order))
        except (ValueError, TypeError, ArithmeticError, RecursionError):
            raise _nowhere() from None

    def check(self, order: str, expression: ColumnElement[Any] | None) -> None:
        """Raises ValueProblem when it was made for another order, or not by us."""
        known = 0 < self.record_id <= MAX_IDENTIFIER and self.order == order
        if not known or not self._comparable(expression):
            raise _nowhere()

    def _comparable(self, expression: ColumnElement[Any] | None) -> bool:
        """Whether the database can compare the value with what is sorted by."""
        match self.value:
            case None:
                return True
            case datetime.datetime() if self.value.tzinfo is None:
                return False
            case str() if _UNSTORABLE.search(self.value):
                return False
            case int() if abs(self.value) > MAX_IDENTIFIER:
                return False
        return expression is not None and type(self.value) is expression.type.python_type


def _nowhere() -> ValueProblem:
    return ValueProblem(_("This address does not lead to a page."))


@dataclass(frozen=True)
class Part:
    """One walk: its condition; `constant` when the sort value is the same throughout (NULL)."""

    clause: ColumnElement[bool] | None
    constant: bool
    last: bool


def parts_all(expression: ColumnElement[Any] | None, descending: bool) -> list[Part]:
    """The parts of the whole order, in their order."""
    if expression is None:
        return [Part(None, True, True)]
    filled, empty = expression.is_not(None), expression.is_(None)
    if descending:
        return [Part(filled, False, False), Part(empty, True, True)]
    return [Part(empty, True, False), Part(filled, False, True)]


def parts_after(
    expression: ColumnElement[Any] | None, id_column: Any, at: Cursor, descending: bool
) -> list[Part]:
    """The parts of the order behind the cursor."""
    beyond_id = id_column < at.record_id if descending else id_column > at.record_id
    if expression is None:
        return [Part(beyond_id, True, True)]
    empty = expression.is_(None)
    if at.value is None:
        rest = Part(empty & beyond_id, True, descending)
        return [rest] if descending else [rest, Part(expression.is_not(None), False, True)]
    here = tuple_(expression, id_column)
    there = tuple_(_typed(expression, at.value), _typed(id_column, at.record_id))
    beyond = here < there if descending else here > there
    rest = Part(expression.is_not(None) & beyond, False, not descending)
    return [rest, Part(empty, True, True)] if descending else [rest]


def _typed(column: Any, value: Any) -> Any:
    from sqlalchemy import literal

    return literal(value, column.type)


def _to_json(value: Any) -> Any:
    match value:
        case datetime.datetime():
            return {"t": value.isoformat()}
        case datetime.date():
            return {"d": value.isoformat()}
        case decimal.Decimal():
            return {"n": str(value)}
        case _:
            return value


def _from_json(value: Any) -> Any:
    match value:
        case {"t": str(text)}:
            return datetime.datetime.fromisoformat(text)
        case {"d": str(text)}:
            return datetime.date.fromisoformat(text)
        case {"n": str(text)}:
            return decimal.Decimal(text)
        case dict() | list():
            raise ValueError("not a cursor")
        case _:
            return value
