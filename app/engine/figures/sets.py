"""Writing figures: rows of a set made, dropped and carried over to other records, in sets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Select, select

from app.engine import policy
from app.engine.changes import Changes, sets
from app.engine.figures.source import Source


def fill(
    changes: Changes,
    entity: str,
    record_id: int,
    columns: Mapping[str, Any],
    source: Select[Any],
) -> int:
    """Make records of the entity out of a statement, in the database; how many. Raises NotFound.

    `record_id`: the record for which they are worked out, by the reference that the entity names so.

    `columns`: what each field gets, an expression over what `source` selects from. They are worked out
    and not typed, can be worked out again, and so stand in no history; no rule of the entity is asked,
    and no right of the person: whoever may have them worked out has been asked before.
    """
    return sets.fill(changes, Source(entity).definition, record_id, columns, source)


def drop(changes: Changes, entity: str, record_id: int) -> int:
    """Take away, without trace, the records that were filled in for one record; how many."""
    return sets.drop(changes, Source(entity).definition, record_id)


def assign(changes: Changes, entity: str, fields: Sequence[str], statement: Select[Any]) -> int:
    """Give fields of records new values, with their history, so that it can be undone; how many.

    `statement` selects the id, the values that the records have now and the ones that they are to
    have, both in the order of `fields`; rows where nothing differs are left alone.
    """
    return sets.assign(changes, Source(entity).definition, fields, statement)


def keep(changes: Changes, entity: str, values: Mapping[str, Any], ids: Sequence[int]) -> int:
    """Note on records, in fields that nobody writes, what is worked out for them; of how many.

    As with derived fields it is no change of the record: its version and its history stay.
    """
    return sets.keep(changes, Source(entity).definition, values, ids)


def looked_up(changes: Changes, statement: Select[Any]) -> list[Any]:
    """The rows of a statement over every record, in the transaction that is under way."""
    return _all(changes, statement)


def newest(changes: Changes, source: Source, *conditions: Any, order: str) -> Any:
    """The id of the record that meets the conditions and comes last in an order; or None."""
    last = source[order].desc()
    statement = select(source["id"]).where(source.live, *conditions)
    rows = _all(changes, statement.order_by(last, source["id"].desc()).limit(1))
    return rows[0][0] if rows else None


def _all(changes: Changes, statement: Select[Any]) -> list[Any]:
    why = "figures are of the whole; who may see which is decided when they are read"
    with policy.unrestricted(why, changes.session.connection()) as session:
        return list(session.execute(statement))
