"""Which records hold given values: what imports compare a file's rows with, a batch at a time."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import ColumnElement, select, tuple_

from app.engine import policy
from app.engine.adapters.database import db
from app.engine.fields import Field
from app.engine.query.among import among, begun_with
from app.engine.registry import EntityDefinition


def matching(
    definition: EntityDefinition, field: Field, values: Collection[Any], most: int | None = None
) -> list[Any]:
    """The records whose field holds one of the values, as far as the viewer may see them."""
    if not values:
        return []
    policy.plain_field(definition, field.name)
    model: Any = definition.model
    statement = (
        select(model)
        .where(among(field.looked_up(model), field.lookups(values)))
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
    if by_order:
        wanted = among(field.sort_expression(model), values)
    else:
        wanted = among(field.looked_up(model), field.lookups(values))
    return _held(model, held, wanted)


def holding_begun(
    definition: EntityDefinition, field: Field, words: Collection[str]
) -> list[tuple[int, Any]] | None:
    """Id and value of the records that sort as one of these texts or as one with words behind it.

    The oldest first. None where the database is not asked so, see `begun_with`.
    """
    policy.plain_field(definition, field.name)
    model: Any = definition.model
    wanted = begun_with(field.sort_expression(model), words)
    return None if wanted is None else _held(model, field.expression(model), wanted)


def _held(
    model: Any, held: ColumnElement[Any], wanted: ColumnElement[bool]
) -> list[tuple[int, Any]]:
    rows = db.session.execute(select(model.id, held).where(wanted))
    return sorted((int(record_id), value) for record_id, value in rows)


def taken(
    definition: EntityDefinition, fields: Sequence[Field], values: Collection[tuple[Any, ...]]
) -> dict[tuple[Any, ...], int]:
    """Which of the values a record holds, whoever may see it, with its id; for unique fields."""
    if not values:
        return {}
    model: Any = definition.model
    columns = [field.expression(model) for field in fields]
    if len(fields) > 1:
        wanted: ColumnElement[bool] = tuple_(*columns).in_(list(values))
    else:
        wanted = among(columns[0], [value for (value,) in values])
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
