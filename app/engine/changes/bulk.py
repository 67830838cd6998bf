"""Many records at once, in a change set like any other: what imports and undo write with."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import Table, delete, insert, select
from sqlalchemy.exc import IntegrityError

from app.engine import events, policy
from app.engine.changes.checking import Prepared
from app.engine.changes.conflicts import unique_problem
from app.engine.changes.series import give_numbers
from app.engine.changes.writer import Changes, new_stamps
from app.engine.registry import EntityDefinition, current

_INTERNAL = {policy.INTERNAL: "the write path's own bulk statement"}


def table_of(definition: EntityDefinition) -> Table:
    """The entity's table; only for the write path."""
    table = definition.model.__table__
    assert isinstance(table, Table)
    return table


def create_prepared(
    changes: Changes,
    definition: EntityDefinition,
    prepared: Sequence[Prepared],
    approved: bool = False,
) -> list[int]:
    """Make checked records with one statement; gives their ids in order. Raises InvalidInput."""
    if not prepared:
        return []
    changes.viewer.require(definition.name, "create")
    stamps = {**new_stamps(definition, changes.viewer, approved), "version": 1}
    give_numbers(changes.session, definition, [row.values for row in prepared])
    rows = [{**stamps, **columns_of(definition, row.values)} for row in prepared]
    table = table_of(definition)
    try:
        result = changes.session.execute(
            insert(table).returning(table.c.id, sort_by_parameter_order=True),
            rows,
            execution_options=_INTERNAL,
        )
    except IntegrityError as error:
        raise unique_problem(definition, error) from error
    ids = [int(record_id) for record_id in result.scalars()]
    changes._journal_new(
        definition, [(i, row.values) for i, row in zip(ids, prepared, strict=True)]
    )
    changes.checker.saw(definition.name, ids)
    _react_all(changes, definition, ids)
    return ids


def columns_of(definition: EntityDefinition, values: Mapping[str, Any]) -> dict[str, Any]:
    """A record's values as table columns; every column is named, so that rows are alike."""
    columns: dict[str, Any] = {"custom": None}
    custom: dict[str, Any] = {}
    for name, field in definition.fields.items():
        if field.system:
            continue
        value = values.get(name)
        if not field.custom:
            columns |= field.stored(value)
        elif value is not None:
            custom[name] = field.dump(value)
    columns["custom"] = custom or None
    return columns


def _react_all(changes: Changes, definition: EntityDefinition, ids: Sequence[int]) -> None:
    reactions = events.reactions(definition.name, "created")
    if not reactions:
        return
    model: Any = definition.model
    for record in changes.session.scalars(select(model).where(model.id.in_(ids))):
        for reaction in reactions:
            reaction(changes, record)


def remove_many(
    changes: Changes, definition: EntityDefinition, record_ids: Collection[int]
) -> None:
    """Take records away without trace; nothing may point at them any more."""
    table = table_of(definition)
    changes.journal.unindex(definition, record_ids)
    changes.session.execute(
        delete(table).where(table.c.id.in_(record_ids)), execution_options=_INTERNAL
    )


def pointed_at(
    changes: Changes, definition: EntityDefinition, record_ids: Collection[int]
) -> dict[int, list[str]]:
    """Which of the records others point at, the trash included: by id, the pointing entities."""
    found: dict[int, list[str]] = defaultdict(list)
    for pointing, reference in current().incoming.get(definition.name, ()):
        column = table_of(pointing).c[reference.column_name]
        rows = changes.session.execute(
            select(column).where(column.in_(record_ids)).distinct(), execution_options=_INTERNAL
        )
        for record_id in rows.scalars():
            found[record_id].append(pointing.name)
    return found


def insert_again(
    changes: Changes, definition: EntityDefinition, rows: Sequence[Mapping[str, Any]]
) -> None:
    """Put rows back that `remove_many` took away, under their own ids."""
    try:
        changes.session.execute(
            insert(table_of(definition)), list(rows), execution_options=_INTERNAL
        )
    except IntegrityError as error:
        raise unique_problem(definition, error) from error
