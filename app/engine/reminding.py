"""Tells people of deadlines that come near or have passed: in sets, each once.

What is told and the note that it was are one transaction, taken in turn with the records kept from
others: run twice, or by two at once, nobody is told twice.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from flask_babel import lazy_gettext as _
from sqlalchemy import select

from app.engine import office, registry
from app.engine.adapters.database import in_turn, now
from app.engine.addresses import record_address
from app.engine.changes import change_set
from app.engine.changes import models as kinds
from app.engine.changes.many import load_many, store_many
from app.engine.deadlines import TOLD, WARNED, Deadline
from app.engine.notices import BAD, WARN, Notice, notify_all
from app.engine.registry import EntityDefinition

BATCH = 500
"""Records in one transaction."""


def remind() -> int:
    """Tell of every deadline whose time to be told has come; of how many it was told."""
    told = 0
    for definition in registry.current().entities.values():
        for deadline in definition.model.deadlines:
            while number := _batch(definition, deadline):
                told += number
    return told


def _batch(definition: EntityDefinition, deadline: Deadline) -> int:
    """The first that are due; none are left when it gives 0. A fixed number of statements."""
    model: Any = definition.model
    alarm = definition.fields[deadline.alarm].expression(model)
    with change_set("job", str(deadline.label)) as changes:
        in_turn(changes.session, [f"remind {definition.name} {deadline.name}"])
        due = select(model.id).where(alarm <= now()).order_by(alarm, model.id).limit(BATCH)
        ids = list(changes.session.scalars(due))
        records = load_many(changes, definition, ids) if ids else []
        if records:
            _tell(changes, definition, deadline, records)
    return len(records)


def _tell(
    changes: Any, definition: EntityDefinition, deadline: Deadline, records: Sequence[Any]
) -> None:
    rows, entries, moment = {}, [], now()
    notices: list[Notice] = []
    for record in records:
        due = definition.fields[deadline.due].get(record)
        after = _after(deadline, record, due is not None and due <= moment)
        before = {name: definition.fields[name].get(record) for name in after}
        notices += _notices(definition, deadline, record, due, after[deadline.told])
        rows[record.id] = {
            column: stored
            for name, value in after.items()
            for column, stored in definition.fields[name].stored(value).items()
        }
        entries.append(
            {
                "record_id": record.id,
                "before": _dumped(definition, before),
                "after": _dumped(definition, after),
            }
        )
    notify_all(changes.session, notices)
    store_many(changes, definition, rows)
    changes.journal.record(definition, kinds.UPDATE, entries)
    for record in records:
        changes.session.expire(record)


def _after(deadline: Deadline, record: Any, passed: bool) -> dict[str, Any]:
    """What the record's fields are to be once it has been told."""
    if passed:
        return {deadline.told: TOLD, deadline.alarm: None, deadline.clock: deadline.breached}
    return {
        deadline.told: WARNED,
        deadline.alarm: getattr(record, deadline.due),
        deadline.clock: getattr(record, deadline.clock),
    }


def _dumped(definition: EntityDefinition, values: dict[str, Any]) -> dict[str, Any]:
    return {
        name: None if value is None else definition.fields[name].dump(value)
        for name, value in values.items()
    }


def _notices(
    definition: EntityDefinition, deadline: Deadline, record: Any, due: Any, told: int
) -> Iterator[Notice]:
    """What people are told of a record's deadline."""
    title = definition.title_field.text(definition.title_field.get(record))
    words = _("%(what)s of %(record)s is due soon.", what=deadline.label, record=title)
    if told == TOLD:
        words = _("%(what)s of %(record)s is overdue.", what=deadline.label, record=title)
    when = None if due is None else due.astimezone(office.zone()).strftime("%Y-%m-%d %H:%M")
    until = None if when is None else _("Due by %(when)s.", when=when)
    href, tone = record_address(definition, record.id), BAD if told == TOLD else WARN
    people = {definition.fields[name].get(record) for name in deadline.people} - {None}
    for person in sorted(people):
        yield Notice(person, words, href, until, tone)
