"""Which records hold given values: what imports compare a file's rows with, a batch at a time."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import select, tuple_

from app.engine import policy
from app.engine.adapters.database import db
from app.engine.fields import Field
from app.engine.registry import EntityDefinition

_MOST_VALUES = 5000
"""In one statement; SQLite takes some 30,000."""


def matching(
    definition: EntityDefinition, field: Field, values: Collection[Any], most: int | None = None
) -> list[Any]:
    """The records whose field holds one of the values, as far as the viewer may see them."""
    if not values:
        return []
    policy.plain_field(definition, field.name)
    model: Any = definition.model
    compared = [field.comparable(value) for value in values]
    statement = (
        select(model)
        .where(field.expression(model).in_(compared))
        .order_by(model.id)
        .limit(most)
        .execution_options(populate_existing=True)
    )
    return list(db.session.scalars(statement))


def holding(
    definition: EntityDefinition, field: Field, values: Collection[Any], by_order: bool = False
) -> list[tuple[int, Any]]:
    """Id and value of the records whose field holds one of the values, the oldest first.

    `by_order`: the values are what the field is sorted by, such as pinyin.
    """
    policy.plain_field(definition, field.name)
    model: Any = definition.model
    held = field.expression(model)
    compared = field.sort_expression(model) if by_order else held
    listed = list(values)
    found: list[tuple[int, Any]] = []
    for start in range(0, len(listed), _MOST_VALUES):
        part = listed[start : start + _MOST_VALUES]
        rows = db.session.execute(select(model.id, held).where(compared.in_(part)))
        found += [(int(record_id), value) for record_id, value in rows]
    return sorted(found)


def taken(
    definition: EntityDefinition, fields: Sequence[Field], values: Collection[tuple[Any, ...]]
) -> dict[tuple[Any, ...], int]:
    """Which of the values a record holds, whoever may see it, with its id; for unique fields."""
    if not values:
        return {}
    model: Any = definition.model
    columns = [field.expression(model) for field in fields]
    wanted = tuple_(*columns).in_(list(values)) if len(fields) > 1 else None
    if wanted is None:
        wanted = columns[0].in_([value for (value,) in values])
    statement = select(model.id, *columns).where(wanted, model.deleted_at.is_(None))
    with policy.unrestricted("a unique value is taken whoever may see its record") as session:
        return {tuple(row[1:]): int(row[0]) for row in session.execute(statement)}


def allowed(definition: EntityDefinition, ids: Collection[int], action: str) -> set[int]:
    """Those of the records on which the viewer may act so."""
    viewer = policy.current_viewer()
    if not ids or not viewer.can(definition.name, action):
        return set()
    clause = policy.scope_clause(definition, viewer, action)
    if clause is None:
        return set(ids)
    model: Any = definition.model
    return set(db.session.scalars(select(model.id).where(model.id.in_(ids), clause)))
