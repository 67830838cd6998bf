"""Taking demonstration data away: what came by the door `demo`, and what the system made of it since.

What people have edited stays, and so does what their own records point at; both are named. Nothing
else is touched: no record that came by another door is written, not even its version.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from flask_babel import lazy_gettext as _
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from app.engine import policy
from app.engine.adapters import setup_state
from app.engine.adapters.database import db
from app.engine.changes import models as kinds
from app.engine.changes.bulk import _INTERNAL, remove_many, table_of
from app.engine.changes.models import Change, ChangeSet
from app.engine.changes.session import change_set
from app.engine.changes.writer import Changes
from app.engine.fields import EntityName, Field
from app.engine.registry import EntityDefinition, current

NOTED = "seed.demo"
"""Under this name set-up notes the change set that brought it, or that it was taken away."""

TAKEN_AWAY = "taken away"
DOOR = "demo"
BY_ITSELF = (DOOR, "seed", "job")
"""Doors of the system's own doing, whoever asked for it; any other is a person's."""

AT_ONCE = 500
LISTED = 200

EDITED = _("Somebody edited it.")
POINTED_AT = _("A record of yours belongs to it: %(what)s.")
NEEDED = _("A record that stays belongs to it: %(what)s.")

Key = tuple[str, int]


@dataclass
class Removal:
    """What taking away came to: how many of each entity went, and what stayed for which reason."""

    removed: dict[str, int] = field(default_factory=dict)
    kept: int = 0
    left: list[dict[str, Any]] = field(default_factory=list)
    """The first of what stayed: entity, record_id, title, why."""

    def as_json(self) -> dict[str, Any]:
        return {"removed": self.removed, "kept": self.kept, "left": self.left}


def present() -> dict[str, int]:
    """How many records of each entity came by the door and are there still."""
    with policy.unrestricted("whose the demonstration data is does not matter") as session:
        made = _made(session)
        return {name: len(ids) for name, ids in _there(session, made).items() if ids}


def stands() -> bool:
    """Whether it was put in and not taken away since; cheap."""
    return setup_state.noted(NOTED) not in (None, TAKEN_AWAY)


def take_away(hold: Callable[[Session], None] | None = None) -> Removal:
    """Take it away, in one transaction; whoever asks, it is done in full.

    `hold` is called first thing in the transaction; what it raises gives it up. Records are named
    to whoever asks as far as they may see them.
    """
    asker = policy.current_viewer()
    with (
        policy.entrusted("demonstration data belongs to nobody"),
        change_set("demo_removal") as changes,
    ):
        if hold:
            hold(changes.session)
        with policy.unrestricted("whatever points at it counts", changes.session.connection()) as s:
            found = _Finding(s)
            found.follow()
            kept = found.kept()
        going = {
            name: sorted(i for i in ids if (name, i) not in kept) for name, ids in found.all.items()
        }
        report = Removal(kept=len(kept))
        for name in _referrers_first(going):
            definition = current().entities[name]
            _remove(changes, definition, going[name])
            report.removed[name] = len(going[name])
        report.left = list(_named(kept, asker))
        _close_sets(changes.session, going, bool(kept))
    db.session.expire_all()
    return report


# -- what it is ----------------------------------------------------------------------------


def _made(session: Session) -> dict[str, set[int]]:
    rows = session.execute(
        select(Change.entity, Change.record_id)
        .join(ChangeSet, ChangeSet.id == Change.change_set_id)
        .where(ChangeSet.door == DOOR, Change.kind == kinds.CREATE, Change.undone.is_(False))
    )
    found: dict[str, set[int]] = defaultdict(set)
    for entity, record_id in rows:
        if entity in current().entities:
            found[entity].add(record_id)
    return found


def _there(session: Session, made: dict[str, set[int]]) -> dict[str, set[int]]:
    """Those that are in their tables still, the trash included."""
    found = {}
    for name, ids in made.items():
        column = table_of(current().entities[name]).c.id
        found[name] = {
            record_id
            for some in _chunks(ids)
            for record_id in session.scalars(select(column).where(column.in_(some)))
        }
    return found


class _Finding:
    """The records to take away with those that follow from them, and those that have to stay."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self.all = _there(session, _made(session))
        self._why: dict[Key, Any] = {}

    def follow(self) -> None:
        """Add what the system itself has made of them; note which of a person's records do so."""
        waiting = {name: set(ids) for name, ids in self.all.items()}
        while waiting:
            name, ids = waiting.popitem()
            for pointing, column in _pointing_at(name):
                added = self._of_them(name, ids, pointing, column)
                if added:
                    self.all.setdefault(pointing.name, set()).update(added)
                    waiting.setdefault(pointing.name, set()).update(added)

    def _of_them(
        self, name: str, ids: set[int], pointing: EntityDefinition, column: Any
    ) -> set[int]:
        table = table_of(pointing)
        known = self.all.get(pointing.name, set())
        others: dict[int, int] = {}
        for some in _chunks(ids):
            statement = select(table.c.id, column).where(column.in_(some))
            named_by = _named_by(pointing)
            if named_by is not None and column.name not in _reference_columns(pointing):
                statement = statement.where(table.c[named_by.column_name] == name)
            others |= {row[0]: row[1] for row in self._session.execute(statement)}
        fresh = others.keys() - known
        of_people = _by_people(self._session, pointing, fresh, (kinds.CREATE,))
        for record_id in of_people:
            self._why.setdefault(
                (name, others[record_id]), (POINTED_AT, (pointing.name, record_id))
            )
        return set(fresh - of_people)

    def kept(self) -> dict[Key, Any]:
        """What has to stay, with the reason; what that points at has to stay, too."""
        for name, ids in self.all.items():
            edits = (kinds.UPDATE, kinds.APPROVE, kinds.TRASH, kinds.RESTORE)
            for record_id in _by_people(self._session, current().entities[name], ids, edits):
                self._why[name, record_id] = (EDITED, None)
        waiting = list(self._why)
        while waiting:
            key = waiting.pop()
            for needed in self._needs(key):
                if needed not in self._why:
                    self._why[needed] = (NEEDED, key)
                    waiting.append(needed)
        return self._why

    def _needs(self, key: Key) -> Iterator[Key]:
        """Which of the others a record points at."""
        definition = current().entities[key[0]]
        table = table_of(definition)
        references = [f for f in definition.references if f.target in self.all and not f.custom]
        if not references:
            return
        columns = [table.c[f.column_name] for f in references]
        row = self._session.execute(select(*columns).where(table.c.id == key[1])).one()
        for reference, value in zip(references, row, strict=True):
            if value in self.all[str(reference.target)]:
                yield str(reference.target), value


def _pointing_at(name: str) -> Iterator[tuple[EntityDefinition, Any]]:
    """Where records of an entity are named: by references, or by entity and number."""
    for pointing, reference in current().incoming.get(name, ()):
        yield pointing, table_of(pointing).c[reference.column_name]
    for definition in current().entities.values():
        if _named_by(definition) is not None:
            yield definition, table_of(definition).c["record"]


def _named_by(definition: EntityDefinition) -> Field | None:
    """The field that says which kind of record is meant, where its number stands in `record`."""
    if "record" not in definition.fields or definition.fields["record"].custom:
        return None
    return next((f for f in definition.fields.values() if isinstance(f, EntityName)), None)


def _reference_columns(definition: EntityDefinition) -> set[str]:
    return {f.column_name for f in definition.references if not f.custom}


def _by_people(
    session: Session, definition: EntityDefinition, ids: Collection[int], what: Iterable[str]
) -> set[int]:
    """Those of the records to which a person did this; not what was undone since.

    Whatever a person makes is in the history; what is not there was worked out in a whole set.
    """
    by_itself = (ChangeSet.door.in_(BY_ITSELF)) | (ChangeSet.user_id.is_(None))
    found: set[int] = set()
    for some in _chunks(ids):
        statement = (
            select(Change.record_id)
            .join(ChangeSet, ChangeSet.id == Change.change_set_id)
            .where(
                Change.entity == definition.name,
                Change.record_id.in_(some),
                Change.kind.in_(what),
                Change.undone.is_(False),
                ChangeSet.undoes_id.is_(None),
                ~by_itself,
            )
        )
        found |= set(session.scalars(statement))
    return found


def _chunks(ids: Iterable[int]) -> Iterator[list[int]]:
    whole = sorted(ids)
    for start in range(0, len(whole), AT_ONCE):
        yield whole[start : start + AT_ONCE]


# -- taking away ---------------------------------------------------------------------------


def _referrers_first(going: dict[str, list[int]]) -> list[str]:
    """The entities in an order in which nothing is taken away that another still points at."""
    left = {name for name, ids in going.items() if ids}
    order = []
    while left:
        pointed = {
            name
            for name in left
            if any(p.name in left and p.name != name for p, _r in current().incoming.get(name, ()))
        }
        free = sorted(left - pointed) or sorted(left)
        order += free
        left -= set(free)
    return order


def _remove(changes: Changes, definition: EntityDefinition, ids: list[int]) -> None:
    for layer in _layers(changes, definition, ids):
        for some in _chunks(layer):
            remove_many(changes, definition, some)
            gone = [{"record_id": i, "before": None, "after": None} for i in some]
            changes.journal.record(definition, kinds.REMOVE, gone)


def _layers(
    changes: Changes, definition: EntityDefinition, ids: list[int]
) -> Iterator[Collection[int]]:
    """Those at which no other of the same kind points, then those that this has freed, and so on."""
    table = table_of(definition)
    own = [f for f in definition.references if f.target == definition.name and not f.custom]
    if not own:
        yield ids
        return
    columns = [table.c[f.column_name] for f in own]
    left: dict[int, set[int]] = {}
    for some in _chunks(ids):
        statement = select(table.c.id, *columns).where(table.c.id.in_(some))
        for row in changes.session.execute(statement, execution_options=_INTERNAL):
            left[row[0]] = {value for value in row[1:] if value is not None} - {row[0]}
    while left:
        pointed = set().union(*left.values())
        free = left.keys() - pointed or left.keys()
        yield set(free)
        left = {i: points for i, points in left.items() if i not in free}


def _close_sets(session: Session, going: dict[str, list[int]], some_left: bool) -> None:
    """Mark what brought them as undone, so that nobody tries to take it back once more."""
    sets = select(ChangeSet.id).where(ChangeSet.door == DOOR)
    for name, ids in going.items():
        for some in _chunks(ids):
            session.execute(
                update(Change)
                .where(
                    Change.entity == name,
                    Change.record_id.in_(some),
                    Change.change_set_id.in_(sets.scalar_subquery()),
                )
                .values(undone=True),
                execution_options={**_INTERNAL, "synchronize_session": False},
            )
    state = kinds.PARTLY if some_left else kinds.UNDONE
    session.execute(
        update(ChangeSet)
        .where(ChangeSet.door == DOOR, ChangeSet.state != kinds.UNDONE)
        .values(state=state),
        execution_options={"synchronize_session": False},
    )


def _named(kept: dict[Key, Any], asker: policy.Viewer) -> Iterator[dict[str, Any]]:
    """The first of what stayed, by name."""
    for (name, record_id), (why, other) in sorted(kept.items(), key=lambda one: one[0])[:LISTED]:
        what = _title(other[0], other[1], asker) if other else ""
        yield {
            "entity": name,
            "record_id": record_id,
            "title": _title(name, record_id, asker),
            "why": str(why) % {"what": what} if other else str(why),
        }


def _title(name: str, record_id: int, asker: policy.Viewer) -> str:
    definition = current().entities[name]
    model: Any = definition.model
    number = f"{definition.label} #{record_id}"
    plain = asker.access(name, definition.title_field) in ("read", "write")
    if asker.scope(name, "read") != "all" or not plain:
        return number
    with policy.unrestricted("what stays is named") as session:
        statement = select(definition.title_field.expression(model)).where(model.id == record_id)
        value = session.scalar(statement.execution_options(**{policy.WITH_TRASH: True}))
    title = definition.title_field.text(value) if value is not None else ""
    return f"{definition.label} “{title}”" if title else number


__all__ = ["DOOR", "NOTED", "TAKEN_AWAY", "Removal", "present", "stands", "take_away"]
