"""Search entries of whole entities: written anew when what is searched of their records has changed.

A record's entry is written with each change of the record. A field that an administrator adds or
removes changes the entries of records that nobody touches: the change set that does so asks for a
job, in its own transaction. A choice that is worded anew changes none: its words are looked up when
somebody searches.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from flask_babel import lazy_gettext as _
from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from app.engine import policy, registry
from app.engine.adapters import setup_state
from app.engine.adapters.database import db, write_transaction
from app.engine.job import WAITING, Job, request_job
from app.engine.registry import EntityDefinition, Registry

KIND = "search.rebuild"
"""The kind of job that writes an entity's entries anew."""

AT_ONCE = 250
"""Records in one transaction: on SQLite others wait for it, some 50 ms."""

Entry = tuple[int, Mapping[str, str | None]]
Hold = Callable[[Session], None]
Progress = Callable[[int, int], None]


def entries(definition: EntityDefinition, records: Iterable[Any]) -> Iterable[Entry]:
    """What is searched of each record, by its id."""
    fields = [field for field in definition.fields.values() if field.search]
    for record in records:
        yield record.id, {field.name: field.search_text(field.get(record)) for field in fields}


# -- asking ----------------------------------------------------------------------------------


def ask_where_outdated(session: Session, before: Registry) -> list[Job]:
    """Ask for a job for each entity whose entries the transaction that is under way has outdated.

    `before`: the registry as it was. Entries of a field that no record fills stay as they are:
    the job finds that out, which takes a look at every record.
    """
    reason = "what is searched follows from every field and choice, whoever changes one"
    with policy.unrestricted(reason, session.connection()) as everything:
        after = registry.load(everything, before.version)
        outdated = {
            name: names
            for name, definition in after.entities.items()
            if (names := _outdated(before.entities[name], definition))
        }
        waiting = list(
            everything.scalars(select(Job).where(Job.kind == KIND, Job.state == WAITING))
        )
    asked = [job.arguments for job in waiting]
    return [
        _ask(after.entities[name], arguments)
        for name, names in outdated.items()
        if (arguments := {"entity": name, "fields": names}) not in asked
    ]


def _ask(definition: EntityDefinition, arguments: Mapping[str, Any]) -> Job:
    title = _("New search entries: %(entities)s", entities=definition.plural)
    return request_job(KIND, arguments, title=title)


def _outdated(before: EntityDefinition, after: EntityDefinition) -> list[str]:
    """The fields that are searched in only one of the two, or otherwise than before."""
    return sorted(name for name, _kind in set(searched(before)) ^ set(searched(after)))


def searched(definition: EntityDefinition) -> list[tuple[str, str]]:
    """The fields that are searched, each with how it is taken apart."""
    index = definition.search_index
    return sorted((f.name, f.kind) for f in index.fields.values()) if index else []


# -- writing ---------------------------------------------------------------------------------


def concerns_records(definition: EntityDefinition, names: Iterable[str]) -> bool:
    """Whether a record outside the trash holds anything in one of the fields.

    Declared fields are taken to be filled; an added one may be gone from the registry by now.
    """
    added = [name for name in names if name not in definition.model.declared]
    if len(added) < len(list(names)):
        return True
    model: Any = definition.model
    filled = or_(*(model.custom[name].as_string().is_not(None) for name in added))
    with policy.acting_as(policy.SYSTEM_VIEWER):
        return db.session.scalar(select(model.id).where(filled).limit(1)) is not None


def rebuild(
    name: str,
    hold: Hold = lambda _session: None,
    progress: Progress = lambda _done, _total: None,
) -> int:
    """Write an entity's search entries anew while others work; returns how many records it holds.

    Each batch is a transaction, in which `hold` is called first. What was interrupted goes on
    where it stopped when it is run again, unless what is searched has changed since.
    """
    with policy.acting_as(policy.SYSTEM_VIEWER):
        definition = registry.refresh().entity(name)
        if definition.search_index is None:
            return 0
        model: Any = definition.model
        total = int(db.session.scalar(select(func.count()).select_from(model)) or 0)
        passage = _Passage(name, hold)
        while passage.step():
            progress(passage.done, max(passage.done, total))
        return passage.done


def write_entries(
    session: Session, definition: EntityDefinition, ids: list[int], skip_locked: bool = False
) -> list[int]:
    """Write the entries of these records; returns those that somebody is changing just now.

    Locked against changes until the entry is written. Waiting for a record while holding
    others could deadlock with the one who holds it: such records come afterwards, one by one.
    """
    model: Any = definition.model
    records = session.scalars(
        select(model)
        .where(model.id.in_(ids))
        .with_for_update(read=True, skip_locked=skip_locked)
        .execution_options(populate_existing=True)
    ).all()
    assert definition.search_index is not None
    definition.search_index.write(session.connection(), entries(definition, records))
    return sorted(set(ids) - {record.id for record in records})


class _Passage:
    """One passage through an entity's records, in the order of their ids."""

    def __init__(self, name: str, hold: Hold) -> None:
        self.name = name
        self.hold = hold
        self.done = 0
        self.reached = 0
        self.fingerprint = ""

    def step(self) -> bool:
        """Write one batch; whether there may be more."""
        definition = registry.refresh().entity(self.name)
        if self.fingerprint != _fingerprint(definition):
            self._begin(definition)
        with write_transaction() as session:
            self.hold(session)
            self._note(definition)
            ids = self._next(session, definition)
            left = write_entries(session, definition, ids, skip_locked=True)
            self._tidy(session, definition, ids)
            if not ids:
                setup_state.forget(_place(definition))
        for record_id in left:
            with write_transaction() as session:
                write_entries(session, definition, [record_id])
        if ids:
            self.reached = ids[-1]
            self.done += len(ids)
        return bool(ids)

    def _begin(self, definition: EntityDefinition) -> None:
        """From where an earlier passage with the same fields stopped, else from the first record."""
        self.fingerprint = _fingerprint(definition)
        fingerprint, _colon, place = (setup_state.noted(_place(definition)) or "").partition(":")
        reached, _comma, done = place.partition(",")
        same = fingerprint == self.fingerprint
        self.reached, self.done = (int(reached), int(done)) if same else (0, 0)

    def _note(self, definition: EntityDefinition) -> None:
        """Up to where everything is written; of the batch under way, only once all of it is."""
        place = f"{self.fingerprint}:{self.reached},{self.done}"
        setup_state.note(_place(definition), place)

    def _next(self, session: Session, definition: EntityDefinition) -> list[int]:
        model: Any = definition.model
        statement = select(model.id).where(model.id > self.reached).order_by(model.id)
        return list(session.scalars(statement.limit(AT_ONCE)))

    def _tidy(self, session: Session, definition: EntityDefinition, ids: list[int]) -> None:
        """Take out entries whose record is gone or in the trash; behind the last, all that follow."""
        model: Any = definition.model
        until = ids[-1] if ids else None
        living = select(model.id).where(model.deleted_at.is_(None), model.id > self.reached)
        if until is not None:
            living = living.where(model.id <= until)
        assert definition.search_index is not None
        definition.search_index.tidy(session.connection(), self.reached, until, living)


def _place(definition: EntityDefinition) -> str:
    """The name under which is noted how far a passage has come."""
    return f"search.{definition.key}.reached"


def _fingerprint(definition: EntityDefinition) -> str:
    return hashlib.sha256(repr(searched(definition)).encode()).hexdigest()[:32]
