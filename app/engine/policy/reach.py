"""How far rights reach beside others: what differs, and what somebody would give that they lack."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from app.engine.policy.rights import ACCESS, ACTIONS, ANY, BESIDE, Grant, Rights
from app.engine.registry import current


@dataclass(frozen=True)
class ActionChange:
    """What the roles give for an action on an entity: before and after."""

    entity: str
    action: str
    before: tuple[Grant, ...]
    after: tuple[Grant, ...]


@dataclass(frozen=True)
class FieldChange:
    """The access to a field: before and after."""

    entity: str
    field: str
    before: str
    after: str


@dataclass(frozen=True)
class Difference:
    """All that differs between two sets of rights."""

    actions: tuple[ActionChange, ...] = ()
    fields: tuple[FieldChange, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.actions or self.fields)


def difference(before: Rights, after: Rights) -> Difference:
    """What differs, entity by entity and field by field."""
    known = current().entities
    actions = [
        ActionChange(name, action, old, new)
        for name in (ANY, *BESIDE, *known)
        for action in ((ANY, *ACTIONS) if name == ANY else ACTIONS)
        if (old := before.grants(name, action)) != (new := after.grants(name, action))
    ]
    fields = [
        FieldChange(name, field.name, seen, will_see)
        for name, definition in known.items()
        for field in definition.fields.values()
        if (seen := before.access(name, field.name, field.personal))
        != (will_see := after.access(name, field.name, field.personal))
    ]
    return Difference(tuple(actions), tuple(fields))


def given_beyond(before: Rights, after: Rights, own: Rights) -> ActionChange | FieldChange | None:
    """The first that would be given by somebody who does not have it: nobody gives more than that."""
    changed = difference(before, after)
    for action in changed.actions:
        if not _covered(action, own):
            return action
    known = current().entities
    for seen in changed.fields:
        field = known[seen.entity].field(seen.field)
        mine = own.access(seen.entity, field.name, field.personal)
        if _more(seen.after, seen.before) and _more(seen.after, mine):
            return seen
    return None


def reaches_beyond(one: Rights, other: Rights) -> bool:
    """Whether the first rights let somebody do or see what the second may not let another.

    Whose records “own” means differs from person to person: only “all” reaches as far for sure.
    """
    known = current().entities
    for name in (ANY, *BESIDE, *known):
        if _acts_beyond(one, other, name, (ANY, *ACTIONS)):
            return True
    return any(
        _more(
            one.access(name, field.name, field.personal),
            other.access(name, field.name, field.personal),
        )
        for name, definition in known.items()
        for field in definition.fields.values()
    )


def _covered(change: ActionChange, own: Rights) -> bool:
    """Whether what was not there before lies within what the editor has."""
    mine = (*own.grants(change.entity, change.action), *change.before)
    return all(any(grant.covers(wanted) for grant in mine) for wanted in change.after)


def _more(one: str, other: str) -> bool:
    return ACCESS.index(one) > ACCESS.index(other)


def _acts_beyond(one: Rights, other: Rights, name: str, actions: Iterable[str]) -> bool:
    return any(
        one.scope(name, action) != "none" and other.scope(name, action) != "all"
        for action in actions
    )
