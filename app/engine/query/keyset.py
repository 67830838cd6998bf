"""Keyset paging: a page starts after the last row of the one before, wherever that is.

NULL sorts lowest on every database: an order by a field that may be empty is read in two parts,
so that each part is one walk along the index. Fields that are sorted by after it are sorted within
its equal values as the walk goes.
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
from sqlalchemy import ColumnElement, false, literal, or_, tuple_

from app.engine.errors import ValueProblem
from app.engine.fields.reference import MAX_IDENTIFIER

_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


@dataclass(frozen=True)
class Key:
    """One of the values that are sorted by, and its direction."""

    expression: ColumnElement[Any]
    descending: bool


Keys = tuple[Key, ...]
"""What an order sorts by, the first before the others; nothing when it is by id alone.

The id breaks all ties, in the direction of the first key unless the order says another one.
"""


@dataclass(frozen=True)
class Cursor:
    """Where a page starts: the sort values and id of the row before it, and the direction.

    `order` is the order that it was made for, such as `-yearly_amount,name`.
    """

    values: tuple[Any, ...]
    record_id: int
    backward: bool
    order: str

    def __str__(self) -> str:
        values = [_to_json(value) for value in self.values]
        raw = json.dumps([values, self.record_id, int(self.backward), self.order])
        return base64.urlsafe_b64encode(raw.encode()).decode().rstrip("=")

    @classmethod
    def parse(cls, text: str) -> Cursor:
        """Raises ValueProblem for what we did not make."""
        try:
            raw = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
            values, record_id, backward, order = json.loads(raw)
            if not isinstance(values, list):
                raise _nowhere()
            read = tuple(_from_json(value) for value in values)
            return cls(read, int(record_id), bool(backward), str(order))
        except (ValueError, TypeError, ArithmeticError, RecursionError):
            raise _nowhere() from None

    def check(self, order: str, keys: Keys) -> None:
        """Raises ValueProblem when it was made for another order, or not by us."""
        known = 0 < self.record_id <= MAX_IDENTIFIER and self.order == order
        if not known or len(self.values) != len(keys):
            raise _nowhere()
        if not all(_comparable(v, k.expression) for v, k in zip(self.values, keys, strict=True)):
            raise _nowhere()


def _comparable(value: Any, expression: ColumnElement[Any]) -> bool:
    """Whether the database can compare the value with what is sorted by."""
    match value:
        case None:
            return True
        case datetime.datetime() if value.tzinfo is None:
            return False
        case str() if _UNSTORABLE.search(value):
            return False
        case int() if abs(value) > MAX_IDENTIFIER:
            return False
    return type(value) is expression.type.python_type


def _nowhere() -> ValueProblem:
    return ValueProblem(_("This address does not lead to a page."))


@dataclass(frozen=True)
class Part:
    """One walk: its condition, and what is still sorted by in it; the rest is the same throughout.

    `filled`: the first of the keys has a value throughout, so that any index of it serves.
    """

    clause: ColumnElement[bool] | None
    keys: Keys
    last: bool
    filled: bool = False


def parts_all(keys: Keys) -> list[Part]:
    """The parts of the whole order, in their order."""
    if not keys:
        return [Part(None, (), True)]
    first, rest = keys[0].expression, keys[1:]
    filled, empty = first.is_not(None), first.is_(None)
    if keys[0].descending:
        return [Part(filled, keys, False, True), Part(empty, rest, True)]
    return [Part(empty, rest, False), Part(filled, keys, True, True)]


def parts_after(keys: Keys, id_column: Any, at: Cursor, descending: bool) -> list[Part]:
    """The parts of the order behind the cursor; `descending`: the way of the ids."""
    beyond_id = id_column < at.record_id if descending else id_column > at.record_id
    if not keys:
        return [Part(beyond_id, (), True)]
    first, value, rest = keys[0].expression, at.values[0], keys[1:]
    down = keys[0].descending
    empty = first.is_(None)
    tied = _behind(rest, at.values[1:], beyond_id)
    if value is None:
        part = Part(empty & tied, rest, down)
        return [part] if down else [part, Part(first.is_not(None), keys, True, True)]
    there = _typed(first, value)
    if rest or down != descending:
        nearly = first <= there if down else first >= there  # what an index is asked for
        beyond = nearly & (_past(keys[0], value) | ((first == there) & tied))
    else:
        here, mark = tuple_(first, id_column), tuple_(there, _typed(id_column, at.record_id))
        beyond = here < mark if down else here > mark
    part = Part(first.is_not(None) & beyond, keys, not down, True)
    return [part, Part(empty, rest, True)] if down else [part]


def _behind(
    keys: Keys, values: tuple[Any, ...], beyond_id: ColumnElement[bool]
) -> ColumnElement[bool]:
    """Which rows come after these values, among those that are the same in all before."""
    found = beyond_id
    for key, value in reversed(list(zip(keys, values, strict=True))):
        same = key.expression.is_(None)
        if value is not None:
            same = key.expression == _typed(key.expression, value)
        found = (same & found) | _past(key, value)
    return found


def _past(key: Key, value: Any) -> ColumnElement[bool]:
    """Which rows have another value that comes later; nothing is the lowest of all."""
    if value is None:
        return false() if key.descending else key.expression.is_not(None)
    there = _typed(key.expression, value)
    past: ColumnElement[bool] = key.expression > there
    if key.descending:
        past = or_(key.expression < there, key.expression.is_(None))
    return past


def _typed(column: Any, value: Any) -> Any:
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
