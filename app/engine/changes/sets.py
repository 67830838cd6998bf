"""Whole sets at once: rows that the database works out by one statement, and values carried over."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Select, delete, insert, literal, select, update

from app.engine import events, policy
from app.engine.adapters.database import in_turn, sort_in_memory
from app.engine.changes import models as kinds
from app.engine.changes.bulk import table_of
from app.engine.changes.guarding import standing
from app.engine.changes.many import store_many
from app.engine.changes.register import NOTED
from app.engine.changes.worked_out import turn_of
from app.engine.changes.writer import Changes, new_stamps
from app.engine.errors import InvalidInput, NotFound
from app.engine.fields import Field
from app.engine.holds import is_guarded
from app.engine.registry import EntityDefinition, current

_INTERNAL = {policy.INTERNAL: "the write path's own statement on a whole set"}
_PART = 2000


def fill(
    changes: Changes,
    definition: EntityDefinition,
    record_id: int,
    columns: Mapping[str, Any],
    source: Select[Any],
) -> int:
    """INSERT … SELECT of records that are worked out; see `figures.fill`. Raises NotFound, TypeError."""
    if definition.search_index is not None or events.reactions(definition.name, "created"):
        raise TypeError(
            f"{definition.name} is searched or listened to: write its records one by one"
        )
    reference, table = _reference(definition), table_of(definition)
    in_turn(changes.session, [turn_of(definition)])
    _keep(changes, reference, record_id)
    changes.journal.open()
    # Nobody made them: looking up, for each, who asked for the whole would cost, and say, nothing.
    stamps = {
        **new_stamps(definition, changes.viewer, False),
        "created_by_id": None,
        "updated_by_id": None,
        "version": 1,
        reference.column_name: record_id,
    }
    made = {name: literal(value, table.c[name].type) for name, value in stamps.items()}
    for name, expression in columns.items():
        made[definition.field(name).column_name] = expression
    statement = source.with_only_columns(*made.values(), maintain_column_froms=True)
    sort_in_memory(changes.session.connection())
    done = changes.session.execute(
        insert(table).from_select(list(made), statement), execution_options=_INTERNAL
    )
    return int(getattr(done, "rowcount", 0))


def drop(changes: Changes, definition: EntityDefinition, record_id: int) -> int:
    """Delete what was filled in for one record. Raises TypeError."""
    _refuse_guarded(definition)
    table = table_of(definition)
    statement = delete(table).where(table.c[_reference(definition).column_name] == record_id)
    done = changes.session.execute(statement, execution_options=_INTERNAL)
    return int(getattr(done, "rowcount", 0))


def _reference(definition: EntityDefinition) -> Field:
    """The reference to what the records are worked out for. Raises TypeError."""
    name = definition.model.options.worked_out
    if name is None:
        raise TypeError(f"{definition.name} is not declared as worked out")
    return definition.field(name)


def _keep(changes: Changes, reference: Field, record_id: int) -> None:
    """Nobody takes the record away until the end. Raises NotFound when somebody has."""
    table = table_of(current().entity(str(reference.target)))
    statement = select(table.c.id).where(table.c.id == record_id, table.c.deleted_at.is_(None))
    kept = changes.session.execute(statement.with_for_update(), execution_options=_INTERNAL)
    if kept.first() is None:
        raise NotFound


def _refuse_guarded(definition: EntityDefinition) -> None:
    if is_guarded(definition.name):
        raise TypeError(f"{definition.name} is guarded: write its records one by one")


def _refuse_locked(
    changes: Changes, definition: EntityDefinition, ids: Sequence[int], names: Sequence[str]
) -> None:
    for found in standing(changes.session, definition, ids).values():
        for hold in found:
            if not all(hold.leaves(name) for name in names):
                raise InvalidInput.of(None, hold.refusal)


def assign(
    changes: Changes, definition: EntityDefinition, names: Sequence[str], statement: Select[Any]
) -> int:
    """Carry values over to records, with their history; see `figures.assign`.

    Raises TypeError; InvalidInput where a guard keeps one of the fields.
    """
    fields = [definition.field(name) for name in names]
    if any(field.search or field.custom for field in fields):
        raise TypeError("fields that are searched, or added in the browser, are written one by one")
    width = len(fields)
    rows = changes.session.execute(statement, execution_options=_INTERNAL).all()
    differing = [row for row in rows if row[1 : 1 + width] != row[1 + width :]]
    for start in range(0, len(differing), _PART):
        part = differing[start : start + _PART]
        _refuse_locked(changes, definition, [row[0] for row in part], names)
        columns: dict[int, dict[str, Any]] = {}
        entries = []
        for record_id, *values in part:
            before = {f.name: f.dump(v) for f, v in zip(fields, values[:width], strict=True)}
            after = {f.name: f.dump(v) for f, v in zip(fields, values[width:], strict=True)}
            changed = [name for name in names if before[name] != after[name]]
            columns[record_id] = {}
            for field, value in zip(fields, values[width:], strict=True):
                columns[record_id] |= field.stored(value)
            entries.append({
                "record_id": record_id,
                "before": {name: before[name] for name in changed},
                "after": {name: after[name] for name in changed},
            })  # fmt: skip
        store_many(changes, definition, columns)
        changes.journal.record(definition, kinds.UPDATE, entries)
        _react(changes, definition, list(columns))
    return len(differing)


def keep(
    changes: Changes, definition: EntityDefinition, values: Mapping[str, Any], ids: Sequence[int]
) -> int:
    """Note on records what is worked out for them; see `figures.keep`. Raises TypeError."""
    fields = {definition.field(name): value for name, value in values.items()}
    if any(not field.read_only or field.search for field in fields):
        raise TypeError("what people write, or search by, is written with its history")
    columns = {c: v for field, value in fields.items() for c, v in field.stored(value).items()}
    table = table_of(definition)
    changes.journal.note_registered(definition, NOTED, ids)
    for start in range(0, len(ids), _PART):
        part = ids[start : start + _PART]
        statement = update(table).where(table.c.id.in_(part)).values(columns)
        changes.session.execute(statement, execution_options=_INTERNAL)
    kept = set(ids)
    for record in list(changes.session.identity_map.values()):
        if isinstance(record, definition.model) and record.id in kept:
            changes.session.expire(record, list(columns))
    return len(ids)


def _react(changes: Changes, definition: EntityDefinition, ids: Sequence[int]) -> None:
    reactions = events.reactions(definition.name, "updated")
    if not reactions:
        return
    model: Any = definition.model
    statement = select(model).where(model.id.in_(ids))
    for record in changes.session.scalars(statement, execution_options={"populate_existing": True}):
        for reaction in reactions:
            reaction(changes, record)
