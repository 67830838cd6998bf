"""Taking personal data out of a record, its history and its search entries, for good.

The record stays as what others point at, without the values, in the trash. Its history still says
who changed which field when. Nothing of it can be undone, and undoing what came before finds no
value to bring back.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.engine import policy
from app.engine.adapters.database import now
from app.engine.changes.bulk import table_of
from app.engine.changes.checking import current_values
from app.engine.changes.journal import sealed
from app.engine.changes.many import store_many
from app.engine.changes.models import ERASE, Change
from app.engine.changes.writer import Changes
from app.engine.fields import Field
from app.engine.registry import EntityDefinition

ERASED_TITLE = "已清除 Erased"
"""Stands for a name that the record must have; in both languages, since it is stored."""

Replace = Callable[[Any], Any]
"""Gives a value back without what is to be erased in it."""


def load_erased(changes: Changes, definition: EntityDefinition, record_id: int) -> Any:
    """The record, in the trash or not, kept from everybody else until the end; None if it is gone."""
    model: Any = definition.model
    statement = (
        select(model)
        .where(model.id == record_id)
        .with_for_update(of=model)
        .execution_options(populate_existing=True, **{policy.WITH_TRASH: True})
    )
    return changes.session.scalar(statement)


def erase_fields(
    changes: Changes, definition: EntityDefinition, record: Any, fields: Collection[Field]
) -> int:
    """Empty these fields and move the record to the trash; how many fields had a value.

    What the history says of them goes too.
    """
    record_id = record.id
    held = [field for field in fields if field.get(record) is not None]
    values = dict.fromkeys(field.name for field in held)
    title = definition.title_field
    if title.name in values:
        values[title.name] = ERASED_TITLE
    _store(changes, definition, record, values, trashed=True)
    _clean_history(changes.session, definition, record_id, fields, None)
    return len(held)


def replace_in_record(
    changes: Changes, definition: EntityDefinition, record: Any, replace: Replace
) -> int:
    """Take words out of a record's texts, wherever they stand in them; how many fields had some."""
    record_id, before = record.id, current_values(definition, record)
    values = {}
    for name, value in before.items():
        field = definition.fields[name]
        if isinstance(value, str) and _is_written(definition, field):
            cleaned = replace(value)
            if cleaned != value:
                values[name] = cleaned
    _store(changes, definition, record, values, trashed=False)
    _clean_history(changes.session, definition, record_id, (), replace)
    return len(values)


def _is_written(definition: EntityDefinition, field: Field) -> bool:
    """Whether people write it: not a number that we give, a choice, or the name of an entity."""
    names_entity = field.name == "entity" and "record" in definition.fields
    return field.target is None and field.type_name not in ("serial", "choice") and not names_entity


def _store(
    changes: Changes,
    definition: EntityDefinition,
    record: Any,
    values: Mapping[str, Any],
    trashed: bool,
) -> None:
    columns: dict[str, Any] = {}
    for name, value in values.items():
        field = definition.fields[name]
        if not field.custom:
            columns |= field.stored(value)
            continue
        custom = columns.setdefault("custom", dict(record.custom or {}))
        custom.pop(name, None)
        if value is not None:
            custom[name] = field.dump(value)
    if trashed and record.deleted_at is None:
        columns["deleted_at"] = now()
    record_id = record.id
    stands = {**current_values(definition, record), **values}
    if columns:
        store_many(changes, definition, {record_id: columns})
    if trashed or record.deleted_at is not None:
        changes.journal.unindex(definition, [record_id])
    elif values:
        changes.journal.index(definition, [(record_id, stands)])
    if columns or trashed:
        entry = {"record_id": record_id, "before": None, "after": None}
        changes.journal.record(definition, ERASE, [entry])
    changes.session.expire(record)


# -- history ---------------------------------------------------------------------------------


def _clean_history(
    session: Session,
    definition: EntityDefinition,
    record_id: int,
    fields: Collection[Field],
    replace: Replace | None,
) -> None:
    """Every change of the record keeps who, when and which fields, without the values."""
    names = erased_names(definition, fields)
    kept = {f.name for f in definition.fields.values() if not _is_written(definition, f)}
    statement = select(Change).where(
        Change.entity == definition.name, Change.record_id == record_id
    )
    for change in session.scalars(statement.execution_options(populate_existing=True)):
        change.before = sealed(definition, clean_values(change.before, names, replace, kept))
        change.after = sealed(definition, clean_values(change.after, names, replace, kept))
    session.flush()


def erased_names(definition: EntityDefinition, fields: Collection[Field]) -> frozenset[str]:
    """By which names values of the fields stand in the history: fields', and columns' of whole rows."""
    names = {field.name for field in fields}
    for field in fields:
        if not field.custom:
            names |= field.stored(None).keys()
    return frozenset(names)


def clean_values(
    values: Mapping[str, Any] | None,
    names: Collection[str],
    replace: Replace | None,
    kept: Collection[str] = (),
) -> dict[str, Any] | None:
    """A change's values with those of these names empty, and words taken out of the others.

    `kept`: names of values in which only the system writes.
    """
    if values is None:
        return None
    cleaned: dict[str, Any] = {}
    for name, value in values.items():
        if name in names:
            cleaned[name] = None
        elif name == "custom" and isinstance(value, Mapping):
            cleaned[name] = clean_values(value, names, replace, kept)
        else:
            cleaned[name] = value if replace is None or name in kept else replace(value)
    return cleaned


def clean_changes_of_gone(
    changes: Changes, definition: EntityDefinition, ids: Sequence[int], replace: Replace
) -> int:
    """Take words out of the history of records whose rows are gone; of how many changes."""
    session, table = changes.session, table_of(definition)
    found = session.scalars(select(Change).where(Change.id.in_(ids))).all()
    there = set(
        session.scalars(
            select(table.c.id).where(table.c.id.in_({change.record_id for change in found})),
            execution_options={policy.INTERNAL: "whether the record's row is still there"},
        )
    )
    done = 0
    for change in found:
        if change.record_id not in there:
            change.before = sealed(definition, clean_values(change.before, (), replace))
            change.after = sealed(definition, clean_values(change.after, (), replace))
            done += 1
    session.flush()
    return done
