"""Walking an order: the ids of a page, of a place in the order, and how many there are at most."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import ColumnElement, Select, case, func, select

from app.engine import policy
from app.engine.adapters.database import db
from app.engine.query.keyset import Cursor, Key, Keys, Part, parts_after, parts_all
from app.engine.search import WeighedSearch


@dataclass(frozen=True)
class Selection:
    """Which records: conditions on the model, a search, the trash or not."""

    model: Any
    clauses: tuple[ColumnElement[bool], ...]
    search: WeighedSearch | None
    trash: bool
    scoped: bool
    """Whether the viewer's row scope takes any of these records away."""

    def walked(self) -> Selection:
        """The same with conditions that no index is chosen for: the order's own index is walked.

        For conditions that many records meet, on SQLite: it would sort all of those instead.
        """
        opaque = tuple(case((clause, 1), else_=0) == 1 for clause in self.clauses)
        return replace(self, clauses=opaque)

    def ids(self, part: Part | None = None) -> Select[Any]:
        """The ids of the selection, searched for apart; of one part of the order."""
        statement = select(self.model.id).where(*self.clauses)
        if part is not None and part.clause is not None:
            statement = statement.where(part.clause)
        return statement

    def run(self, statement: Select[Any]) -> list[int]:
        return list(db.session.scalars(self.optioned(statement)))

    def optioned(self, statement: Select[Any]) -> Select[Any]:
        return statement.execution_options(**{policy.WITH_TRASH: self.trash})


@dataclass(frozen=True)
class Order:
    """What is sorted by; the id alone when there are no keys. The id breaks ties."""

    keys: Keys
    descending: bool

    def turned(self) -> Order:
        """The same the other way round."""
        keys = tuple(Key(key.expression, not key.descending) for key in self.keys)
        return Order(keys, not self.descending)


def ids_from(selection: Selection, order: Order, at: Cursor | None, limit: int) -> list[int]:
    """The next ids behind the cursor, or from the beginning."""
    model = selection.model
    if at and at.backward:
        order = order.turned()
    if selection.search is not None and not order.keys:
        statement = selection.search.ordered(
            selection.ids(),
            model.id,
            descending=order.descending,
            beyond=at.record_id if at else None,
        )
        return selection.run(statement.limit(limit))
    parts = parts_after(order.keys, model.id, at, order.descending) if at else parts_all(order.keys)
    ids: list[int] = []
    for part in parts:
        if len(ids) < limit:
            statement = _ordered(selection, part, order.descending)
            ids += selection.run(statement.limit(limit - len(ids)))
    return ids


def ids_at(selection: Selection, order: Order, limit: int, offset: int) -> list[int]:
    """The ids at a place in the order: walked in an index, without the rows before them."""
    if selection.search is not None and not order.keys:
        statement = selection.search.ordered(
            selection.ids(), selection.model.id, descending=order.descending
        )
        return selection.run(statement.limit(limit).offset(offset))
    ids: list[int] = []
    for part in parts_all(order.keys):
        statement = _ordered(selection, part, order.descending)
        found = selection.run(statement.limit(limit - len(ids)).offset(offset))
        ids += found
        if len(ids) >= limit or part.last:
            break
        offset = 0 if found else offset - _count(selection, statement.order_by(None))
    return ids


def capped_count(selection: Selection, cap: int) -> int:
    """How many there are, counted up to `cap`."""
    statement = selection.ids()
    if selection.search is not None:
        if not selection.clauses and not selection.scoped:
            # What is in the trash has no search entry.
            return db.session.scalar(selection.optioned(selection.search.counted(cap))) or 0
        statement = selection.search.narrow(statement, selection.model.id)
    return _count(selection, statement.limit(cap))


def _count(selection: Selection, statement: Select[Any]) -> int:
    counting = select(func.count()).select_from(statement.subquery())
    return db.session.scalar(selection.optioned(counting)) or 0


def _ordered(selection: Selection, part: Part, descending: bool) -> Select[Any]:
    statement = selection.ids(part)
    if selection.search is not None:
        statement = statement.where(selection.search.condition(selection.model.id))
    return statement.order_by(*ordering(part.keys, selection.model.id, descending, part.filled))


def ordering(
    keys: Keys, id_column: Any, descending: bool, filled: bool = False
) -> list[ColumnElement[Any]]:
    """What to order by: nothing is lowest on every database, and the id ends it.

    `filled`: the first key has a value throughout. Saying where nothing goes would keep PostgreSQL
    from its index.
    """
    orders = [
        key.expression.desc().nulls_last() if key.descending else key.expression.asc().nulls_first()
        for key in keys
    ]
    if filled:
        first = keys[0]
        orders[0] = first.expression.desc() if first.descending else first.expression.asc()
    return [*orders, id_column.desc() if descending else id_column.asc()]
