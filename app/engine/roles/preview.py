"""Who would gain and lose what, worked out before a role is changed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, and_, false, func, not_, select
from sqlalchemy.orm import Session

from app.engine.adapters.appbuilder.roles import Holder, holders
from app.engine.adapters.database import db
from app.engine.policy import (
    SYSTEM_VIEWER,
    Difference,
    Rights,
    Viewer,
    acting_as,
    difference,
    scope_clause,
)
from app.engine.registry import EntityDefinition, current
from app.engine.roles.book import RoleBook

COUNTED_UP_TO = 1000
"""Of more records gained or lost only that there are more is said."""

MOST_COUNTS = 200
"""So many times the database is asked how many records; what is beyond is not counted."""

ROW_ACTIONS = ("read", "update", "delete", "approve", "export", "purge")
"""What is done to records that there are."""


@dataclass(frozen=True)
class RecordChange:
    """How many records of an entity somebody gains and loses for an action; at most the cap."""

    action: str
    entity: str
    gained: int
    lost: int


@dataclass(frozen=True)
class PersonChange:
    """One person, and the records of which they gain or lose something."""

    holder: Holder
    records: tuple[RecordChange, ...]


@dataclass(frozen=True)
class GroupChange:
    """People of the same roles: what changes for them alike, and for each."""

    role_ids: tuple[int, ...]
    difference: Difference
    people: tuple[PersonChange, ...]


@dataclass(frozen=True)
class Preview:
    """What a change of roles would do."""

    groups: tuple[GroupChange, ...]
    counted: bool
    """Whether the records of everybody were counted; there may be too many to."""

    @property
    def people(self) -> int:
        return sum(len(group.people) for group in self.groups)


def preview(session: Session, before: RoleBook, after: RoleBook, *role_ids: int) -> Preview:
    """What changes for each person who has one of these roles, or one that includes it."""
    touched = set(role_ids)
    for role_id in role_ids:
        touched |= before.including(role_id) | after.including(role_id)
    together: dict[tuple[int, ...], list[Holder]] = {}
    for holder in holders(session, touched):
        together.setdefault(holder.role_ids, []).append(holder)
    counter = _Counter()
    groups = []
    for given, people in sorted(together.items()):
        old, new = before.rights(given), after.rights(given)
        if found := difference(old, new):
            asked = _asked(found)
            changes = [
                PersonChange(person, counter.of(person, old, new, asked)) for person in people
            ]
            groups.append(GroupChange(given, found, tuple(changes)))
    return Preview(tuple(groups), not counter.exhausted)


def _asked(found: Difference) -> Sequence[tuple[EntityDefinition, str]]:
    """For which entities and actions records may be gained or lost."""
    changed = {(change.entity, change.action) for change in found.actions}
    return [
        (definition, action)
        for name, definition in current().entities.items()
        for action in ROW_ACTIONS
        if (name, action) in changed or _follows(definition, changed)
    ]


def _follows(definition: EntityDefinition, changed: Iterable[tuple[str, str]]) -> bool:
    """Whether the records go with those of an entity whose reading has changed."""
    seen = {definition.name}
    while definition.options.scope_through is not None:
        field = definition.field(definition.options.scope_through)
        definition = current().entity(str(field.target))
        if (definition.name, "read") in changed:
            return True
        if definition.name in seen:
            return False
        seen.add(definition.name)
    return False


class _Counter:
    """Counts records until it has asked often enough."""

    def __init__(self) -> None:
        self.left = MOST_COUNTS
        self.exhausted = False

    def of(
        self,
        person: Holder,
        before: Rights,
        after: Rights,
        asked: Sequence[tuple[EntityDefinition, str]],
    ) -> tuple[RecordChange, ...]:
        old = Viewer(person.user_id, person.name, before, person.role_ids)
        new = Viewer(person.user_id, person.name, after, person.role_ids)
        found = []
        for definition, action in asked:
            if self.left <= 0:
                self.exhausted = True
                break
            self.left -= 1
            gained = _beyond(definition, new, old, action)
            lost = _beyond(definition, old, new, action)
            if gained or lost:
                found.append(RecordChange(action, definition.name, gained, lost))
        return tuple(found)


def _beyond(definition: EntityDefinition, wide: Viewer, narrow: Viewer, action: str) -> int:
    """How many records the first may act on so and the second may not, up to the cap."""
    reached, kept = (scope_clause(definition, viewer, action) for viewer in (wide, narrow))
    if kept is None:
        return 0
    # A condition on what a record does not have is neither true nor false.
    outside: ColumnElement[bool] = not_(func.coalesce(kept, false()))
    model: Any = definition.model
    wanted = select(model.id).where(outside if reached is None else and_(reached, outside))
    with acting_as(SYSTEM_VIEWER):
        return len(db.session.scalars(wanted.limit(COUNTED_UP_TO + 1)).all())


__all__ = [
    "COUNTED_UP_TO",
    "GroupChange",
    "PersonChange",
    "Preview",
    "RecordChange",
    "preview",
]
