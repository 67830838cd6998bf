"""Merging records that mean the same thing: one stays, the others go to the trash and lead to it.

What points at the others points at the one that stays; what it lacks is filled out of them. Links
that would then say nothing (see `redundant`) go to the trash with the others. All of it is one change set, so that undoing that puts everything back, the references too.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from flask_babel import lazy_gettext as _
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.engine import events, policy
from app.engine.changes.bulk import table_of
from app.engine.changes.checking import current_values
from app.engine.changes.many import load_many, permitted, update_many
from app.engine.changes.models import RESTORE, TRASH, Change
from app.engine.changes.redundant import Redundant
from app.engine.changes.writer import Changes
from app.engine.errors import InvalidInput, NotAllowed
from app.engine.fields import Choice, Field, Serial, Tags
from app.engine.registry import EntityDefinition, current

MOST_MERGED = 10
"""Records in one merge: as many as can be compared side by side."""

_BATCH = 500
_INTERNAL = {policy.INTERNAL: "a merge moves every reference, or says that it may not"}


@dataclass
class Merged:
    """What a merge came to: who stays, what it was given, how many records of which entity moved."""

    survivor: Any
    given: list[str] = field(default_factory=list)
    moved: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Pointing:
    """A reference by which records point at others."""

    definition: EntityDefinition
    field: Field

    def column(self) -> Any:
        table = table_of(self.definition)
        if self.field.custom:
            return self.field.custom_expression(table.c.custom[self.field.name])
        return table.c[self.field.column_name]


def merge(
    changes: Changes,
    definition: EntityDefinition,
    survivor_id: int,
    loser_ids: Sequence[int],
    taken: Mapping[str, int] | None = None,
) -> Merged:
    """Merge records into the survivor. Raises InvalidInput, NotAllowed, NotFound.

    `taken`: by field, the record whose value the survivor takes, where it is not to be by rule:
    its own value stays, tags are united, what is empty comes from the first that has it.
    """
    _check_asked(survivor_id, loser_ids)
    survivor = changes.load(definition, survivor_id, "update")
    losers = [changes.load(definition, loser_id, "delete") for loser_id in loser_ids]
    values = given_values(definition, [survivor, *losers], taken or {}, changes.viewer)
    merged = Merged(survivor)
    _move_references(changes, definition, survivor, loser_ids, merged)
    for loser in losers:
        changes._set_trashed(definition, loser, True, merged_into=survivor_id)
    prepared = changes.checker.update(definition, survivor, values)
    merged.given = list(prepared.changed)
    merged.survivor = changes.write(prepared, survivor)
    return merged


def _check_asked(survivor_id: int, loser_ids: Sequence[int]) -> None:
    if not loser_ids or len({survivor_id, *loser_ids}) != len(loser_ids) + 1:
        raise InvalidInput.of("losers", _("Name at least one other record, each of them once."))
    if len(loser_ids) >= MOST_MERGED:
        raise InvalidInput.of(
            "losers", _("At most %(most)s records are merged at once.", most=MOST_MERGED)
        )


# -- values ----------------------------------------------------------------------------------


def mergeable(definition: EntityDefinition, viewer: policy.Viewer) -> list[Field]:
    """The fields in which a merge gives something to the survivor: those that the viewer may write."""
    return [
        item
        for item in policy.writable(definition, viewer)
        if not item.system and not isinstance(item, Serial)
    ]


def given_values(
    definition: EntityDefinition,
    records: Sequence[Any],
    taken: Mapping[str, int],
    viewer: policy.Viewer,
) -> dict[str, Any]:
    """The values that the first of the records gets. Raises InvalidInput for a wrong choice."""
    fields = {item.name: item for item in mergeable(definition, viewer)}
    by_id = {record.id: current_values(definition, record) for record in records}
    _check_taken(fields, taken, by_id)
    companions = {name for item in fields.values() for name in item.needs}
    own = by_id[records[0].id]
    values = dict(own)
    # A choice that refines another comes after that one: it must belong to what stands then.
    for name in sorted(fields, key=lambda n: bool(getattr(fields[n], "parent", None))):
        if name not in companions:
            source = _source(fields[name], values, list(by_id.values()), by_id.get(taken.get(name)))
            beside = [other for other in fields[name].needs if other in fields]
            values |= {part: source.get(part) for part in (name, *beside)}
    for item in fields.values():
        if item.target == definition.name and values[item.name] in by_id:
            values[item.name] = None
    return {name: values[name] for name in fields if values[name] != own[name]}


def _check_taken(
    fields: Mapping[str, Field], taken: Mapping[str, int], by_id: Mapping[int, Any]
) -> None:
    for name, record_id in taken.items():
        if name not in fields:
            raise InvalidInput.of(name[:80], _("You may not write this field."))
        if record_id not in by_id:
            raise InvalidInput.of(name, _("A value is taken from one of the merged records only."))


def _source(
    item: Field,
    values: Mapping[str, Any],
    each: Sequence[Mapping[str, Any]],
    chosen: Mapping[str, Any] | None,
) -> Mapping[str, Any]:
    """The record whose value of the field is taken, or a value made out of all."""
    if chosen is not None:
        return chosen
    if isinstance(item, Tags):
        united = dict.fromkeys(tag for one in each for tag in one[item.name] or ())
        return {item.name: list(united) or None}
    if values[item.name] is not None:
        return values
    return next((one for one in each if _fits(item, one[item.name], values)), values)


def _fits(item: Field, value: Any, values: Mapping[str, Any]) -> bool:
    if value is None:
        return False
    if not isinstance(item, Choice) or item.parent is None:
        return True
    option = item.options.by_value.get(value)
    above = values.get(item.parent)
    return option is None or option.parent is None or above in (None, option.parent)


# -- references ------------------------------------------------------------------------------


def pointing_at(definition: EntityDefinition) -> list[Pointing]:
    """Every reference that points at the entity, an administrator's own ones too."""
    return [
        Pointing(other, item)
        for other in current().entities.values()
        for item in other.references
        if item.target == definition.name and not item.system
    ]


def count_references(
    session: Session, definition: EntityDefinition, record_ids: Collection[int]
) -> dict[int, dict[str, int]]:
    """By record, how many records of each entity point at it, the trash left out; whoever sees them."""
    found: dict[int, dict[str, int]] = {}
    for pointing in pointing_at(definition):
        table, column = table_of(pointing.definition), pointing.column()
        statement = (
            select(column, func.count())
            .where(column.in_(record_ids), table.c.deleted_at.is_(None))
            .group_by(column)
        )
        name = pointing.definition.name
        for record_id, count in session.execute(statement, execution_options=_INTERNAL):
            counts = found.setdefault(int(record_id), {})
            counts[name] = counts.get(name, 0) + count
    return found


def _move_references(
    changes: Changes,
    definition: EntityDefinition,
    survivor: Any,
    loser_ids: Sequence[int],
    merged: Merged,
) -> None:
    for pointing in pointing_at(definition):
        table = table_of(pointing.definition)
        statement = select(table.c.id).where(pointing.column().in_(loser_ids)).order_by(table.c.id)
        found = list(changes.session.scalars(statement, execution_options=_INTERNAL))
        if pointing.definition is definition:
            found = [one for one in found if one not in loser_ids]
        for start in range(0, len(found), _BATCH):
            _move(changes, pointing, found[start : start + _BATCH], survivor)
        if found:
            name = pointing.definition.name
            merged.moved[name] = merged.moved.get(name, 0) + len(found)


def _move(changes: Changes, pointing: Pointing, ids: Sequence[int], survivor: Any) -> None:
    child = pointing.definition
    if len(permitted(changes, child, ids, "update", trash=True)) < len(ids):
        raise NotAllowed(
            _(
                "Records point at this one that your roles do not let you change: %(entities)s.",
                entities=child.plural,
            )
        )
    prepared, redundant = [], Redundant(changes, child)
    for record in load_many(changes, child, ids, trash=True):
        itself = child.model is type(survivor) and record.id == survivor.id
        values = {pointing.field.name: None if itself else survivor.id}
        if redundant(record, values):
            if record.deleted_at is None:
                changes._set_trashed(child, record, True)
            continue
        prepared.append((changes.checker.update(child, record, values), record))
    if events.reactions(child.name, "moved"):
        for one, record in prepared:
            changes.write(one, record, event="moved")
    else:
        update_many(changes, child, prepared)


def survivor_of(session: Session, definition: EntityDefinition, record_id: int) -> int | None:
    """The record into which this one, which is in the trash, was merged; through several merges."""
    followed: list[int] = []
    found: int | None = record_id
    while found is not None and len(followed) < MOST_MERGED:
        statement = (
            select(Change.after)
            .where(
                Change.entity == definition.name,
                Change.record_id == found,
                Change.kind.in_((TRASH, RESTORE)),
            )
            .order_by(Change.id.desc())
            .limit(1)
        )
        found = (session.scalar(statement) or {}).get("merged_into")
        if found is not None:
            followed.append(int(found))
    return followed[-1] if followed else None
