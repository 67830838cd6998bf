"""Taking records from the pool and giving them back, under its rule; each as a change set.

Two people at once: the record is kept for the first, and the second is told so. The rights over the
records themselves are not asked for: whoever may take from the pool may take what is in it.
"""

from __future__ import annotations

import datetime
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from flask_babel import gettext, ngettext
from flask_babel import lazy_gettext as _
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.engine import notices, policy, registry
from app.engine.adapters.database import db, in_turn, now
from app.engine.changes import Change, Changes, ChangeSet, change_set
from app.engine.changes.many import load_many
from app.engine.changes.undo import undone_as_whole
from app.engine.errors import InvalidInput, NotAllowed, NotFound, StewardError
from app.engine.fields import Field
from app.engine.fields.time import reader_zone
from app.engine.job import JobKind, Run, declare
from app.engine.pool import MoveKind, PoolMove, PoolRule
from app.engine.query import Records
from app.engine.registry import EntityDefinition

DOOR = "pool"
TAKE = "take"
BATCH = 500
_GONE = _("It is not in the pool any more: somebody else may have taken it.")
"""Of what never was there too: else numbers that are tried out would tell what there is."""
UNDO_WITHIN = datetime.timedelta(days=1)

RETURN_IDLE = declare(
    JobKind("pool.return", _("Return to the pool"), queue="bulk", limit=datetime.timedelta(hours=6))
)


@dataclass
class Moved:
    """What came of it: the records that went, and those that did not, with their reasons."""

    ids: list[int] = field(default_factory=list)
    refused: list[tuple[str, Any]] = field(default_factory=list)
    change_set: int | None = None


@dataclass(frozen=True)
class Standing:
    """How many records somebody holds and has taken today, and how many they may."""

    held: int
    most_held: int | None
    today: int
    most_a_day: int | None


def owner_of(definition: EntityDefinition) -> Field:
    """The field that says whose a record is. Raises NotFound for an entity without a pool."""
    if not definition.options.pool or definition.owner_field is None:
        raise NotFound
    return definition.owner_field


# -- seeing ----------------------------------------------------------------------------------


def pool_viewer(definition: EntityDefinition, viewer: policy.Viewer) -> policy.Viewer:
    """The person as they look into the pool: what they may take, with personal data masked."""
    owner_of(definition)
    viewer.require(definition.name, TAKE)
    fields = {}
    for item in definition.fields.values():
        access = viewer.access(definition.name, item)
        seen = access if access in ("hidden", "masked") else "read"
        fields[definition.name, item.name] = "masked" if item.personal and seen == "read" else seen
    roles = tuple(
        policy.RoleRights({(definition.name, "read"): grant}, fields)
        for grant in viewer.grants(definition.name, TAKE)
    )
    return replace(viewer, rights=policy.Rights(roles))


def pooled(definition: EntityDefinition) -> Records:
    """What is in the pool, as the current viewer (see `pool_viewer`) sees it."""
    records = Records(definition)
    records.clauses.append(owner_of(definition).expression(definition.model).is_(None))
    return records.approved_only().without_archived()


def rule_of(session: Session, definition: EntityDefinition) -> Any:
    """The pool's rule; without one everything is allowed and nothing goes back by itself."""
    model: Any = PoolRule
    with policy.entrusted("everybody is held to the rule, whoever may read it"):
        found = session.scalars(select(model).where(model.entity == definition.name)).first()
    return found or PoolRule(entity=definition.name)


def standing(definition: EntityDefinition, user_id: int) -> Standing:
    """How the person stands to the rule now."""
    rule = rule_of(db.session(), definition)
    with policy.entrusted("one's own records are counted"):
        return Standing(
            _held(db.session(), definition, user_id),
            rule.most_held,
            _taken_today(db.session(), definition, user_id),
            rule.most_a_day,
        )


def _held(session: Session, definition: EntityDefinition, user_id: int) -> int:
    model: Any = definition.model
    statement = select(func.count(model.id)).where(
        owner_of(definition).expression(model) == user_id
    )
    if definition.options.archivable:
        statement = statement.where(model.archived_at.is_(None))
    return session.scalar(statement) or 0


def _taken_today(session: Session, definition: EntityDefinition, user_id: int) -> int:
    """By the history: taking one and undoing that counts as taken."""
    local = datetime.datetime.now(reader_zone())
    began = local.replace(hour=0, minute=0, second=0, microsecond=0).astimezone(datetime.UTC)
    statement = (
        select(func.count(Change.id))
        .join(ChangeSet, ChangeSet.id == Change.change_set_id)
        .where(
            ChangeSet.door == DOOR,
            ChangeSet.user_id == user_id,
            ChangeSet.at >= began,
            Change.entity == definition.name,
            Change.after[owner_of(definition).name].as_integer() == user_id,
        )
    )
    return session.scalar(statement) or 0


# -- taking ----------------------------------------------------------------------------------


def take(definition: EntityDefinition, ids: Collection[int]) -> Moved:
    """Make records of the pool one's own. Raises NotAllowed, NotFound."""
    viewer, moved = policy.current_viewer(), Moved()
    owner = owner_of(definition)
    viewer.require(definition.name, TAKE)
    if viewer.user_id is None:
        raise NotAllowed
    reason = str(gettext("Taken from the pool"))
    with policy.entrusted("the pool's rule is asked for each record"):
        with change_set(DOOR, reason) as changes:
            in_turn(changes.session, [f"pool {definition.name} {viewer.user_id}"])
            limits = _Limits(changes.session, definition, viewer.user_id)
            inside = _inside(changes.session, definition, viewer, ids)
            names = _Names(
                definition, viewer, _within(changes.session, definition, viewer, ids, "read")
            )
            pool = _Names(definition, pool_viewer(definition, viewer), inside)
            records = load_many(changes, definition, ids)
            missing = set(ids) - {record.id for record in records}
            moved.refused += [(f"#{one}", _GONE) for one in sorted(missing)]
            for record in records:
                why = _why_not(record, owner, viewer, inside) or limits.why_not(record.id)
                name = (pool if owner.get(record) is None else names).of(record)
                _go(
                    changes,
                    definition,
                    record,
                    viewer.user_id,
                    MoveKind.TAKEN,
                    "",
                    moved,
                    name,
                    why,
                )
                limits.count += why is None
        moved.change_set = changes.id
    return moved


def _inside(
    session: Session, definition: EntityDefinition, viewer: policy.Viewer, ids: Collection[int]
) -> set[int]:
    """Those that the person may see in the pool, whether still there or not."""
    model: Any = definition.model
    statement = select(model.id).where(model.id.in_(ids))
    clause = policy.scope_clause(definition, viewer, TAKE)
    if clause is not None:
        statement = statement.where(clause)
    if definition.options.archivable:
        statement = statement.where(model.archived_at.is_(None))
    if definition.review:
        statement = statement.where(model.review_state == "approved")
    return set(session.scalars(statement))


def _why_not(record: Any, owner: Field, viewer: policy.Viewer, inside: set[int]) -> Any:
    if owner.get(record) == viewer.user_id:
        return _("It is yours already.")
    return None if owner.get(record) is None and record.id in inside else _GONE


class _Names:
    """What records are called to somebody: those that they may not see by their number alone."""

    def __init__(
        self, definition: EntityDefinition, viewer: policy.Viewer, seen: Collection[int]
    ) -> None:
        self.title, self.seen = definition.title_field, seen
        self.plain = viewer.access(definition.name, self.title) in ("read", "write")

    def of(self, record: Any) -> str:
        """Its title, where that is seen."""
        known = self.plain and record.id in self.seen
        return (self.title.text(self.title.get(record)) if known else "") or f"#{record.id}"


class _Limits:
    """The rule as far as one person has come with it."""

    def __init__(self, session: Session, definition: EntityDefinition, user_id: int) -> None:
        self.session, self.definition, self.user_id = session, definition, user_id
        self.rule = rule_of(session, definition)
        self.held = _held(session, definition, user_id)
        self.today = _taken_today(session, definition, user_id)
        self.count = 0

    def why_not(self, record_id: int) -> Any:
        """What of the rule is against taking one more, this one."""
        rule = self.rule
        if rule.most_held is not None and self.held + self.count >= rule.most_held:
            return _("One person holds at most %(most)s.", most=rule.most_held)
        if rule.most_a_day is not None and self.today + self.count >= rule.most_a_day:
            return _("At most %(most)s are taken in a day.", most=rule.most_a_day)
        until = self._cool_at(record_id)
        if until is not None and until > now():
            day = until.astimezone(reader_zone()).date().isoformat()
            return _("You have given it back; you can take it again from %(day)s on.", day=day)
        return None

    def _cool_at(self, record_id: int) -> datetime.datetime | None:
        if self.rule.cooling_days is None:
            return None
        model: Any = PoolMove
        last = self.session.scalar(
            select(func.max(model.at)).where(
                model.entity == self.definition.name,
                model.record == record_id,
                model.person_id == self.user_id,
                model.kind == MoveKind.RETURNED.value,
            )
        )
        return None if last is None else last + datetime.timedelta(days=self.rule.cooling_days)


# -- giving back -----------------------------------------------------------------------------


def give_back(definition: EntityDefinition, ids: Collection[int], reason: str) -> Moved:
    """Put records into the pool that the viewer may edit. Raises InvalidInput without a reason."""
    viewer, moved = policy.current_viewer(), Moved()
    owner = owner_of(definition)
    viewer.require(definition.name, "update")
    words = reason.strip()
    if not words:
        raise InvalidInput.of("reason", _("Say why it goes back to the pool."))
    if len(words) > PoolMove.declared["reason"].max_length:  # type: ignore[attr-defined]
        raise InvalidInput.of("reason", _("The reason is too long."))
    with policy.entrusted("the right to edit each record is asked for"):
        with change_set(DOOR, words) as changes:
            may = _within(changes.session, definition, viewer, ids, "read", "update")
            names = _Names(definition, viewer, may)
            records = [one for one in load_many(changes, definition, ids) if one.id in may]
            missing = set(ids) - {record.id for record in records}
            moved.refused += [(f"#{one}", NotFound().message) for one in sorted(missing)]
            for record in records:
                why = None if owner.get(record) is not None else _("It is in the pool already.")
                name = names.of(record)
                _go(changes, definition, record, None, MoveKind.RETURNED, words, moved, name, why)
        moved.change_set = changes.id
    return moved


def _within(
    session: Session,
    definition: EntityDefinition,
    viewer: policy.Viewer,
    ids: Collection[int],
    *actions: str,
) -> set[int]:
    """Those on which the viewer has these rights; none, where they have one of them on no record."""
    model: Any = definition.model
    if not all(viewer.can(definition.name, action) for action in actions):
        return set()
    statement = select(model.id).where(model.id.in_(ids))
    for action in actions:
        clause = policy.scope_clause(definition, viewer, action)
        if clause is not None:
            statement = statement.where(clause)
    return set(session.scalars(statement))


def _go(
    changes: Changes,
    definition: EntityDefinition,
    record: Any,
    to: int | None,
    kind: MoveKind,
    reason: str,
    moved: Moved,
    name: str,
    why: Any = None,
) -> None:
    """Move one record, unless something is against it; that is noted under this name."""
    owner, record_id = owner_of(definition), record.id
    former = owner.get(record)
    if why is None:
        try:
            with changes.attempt():
                changes.update(definition, record_id, {owner.name: to})
                changes.create(
                    registry.current().entity(PoolMove.__name__),
                    {
                        "person": former if to is None else to,
                        "entity": definition.name,
                        "record": record_id,
                        "kind": kind.value,
                        "at": now(),
                        "reason": reason or None,
                    },
                )
        except StewardError as error:
            why = error.message
    if why is None:
        moved.ids.append(record_id)
    else:
        moved.refused.append((name, why))


@undone_as_whole(DOOR)
def _may_undo(target: ChangeSet, viewer: policy.Viewer) -> None:
    """For a day by whoever did it, later by those who run the system: later it is a way round the rule."""
    if not viewer.can(policy.SYSTEM, "update") and now() - target.at > UNDO_WITHIN:
        raise NotAllowed(_("A move from or to the pool can be undone for one day only."))


# -- by itself -------------------------------------------------------------------------------


def return_idle(run: Run) -> dict[str, Any]:
    """Put back what nobody has touched for as long as the rule says; owners are told."""
    counts: dict[str, int] = {}
    for definition in registry.current().entities.values():
        if definition.options.pool:
            days = rule_of(db.session(), definition).idle_days
            db.session.rollback()
            if days is not None:
                counts[definition.name] = _return_idle(run, definition, days)
    return {"returned": counts}


def _return_idle(run: Run, definition: EntityDefinition, days: int) -> int:
    before = now() - datetime.timedelta(days=days)
    reason = str(gettext("%(days)s days without activity", days=days))
    told: dict[int, int] = {}
    change_set_id, done = None, 0
    for ids in _idle(definition, before):
        with change_set(DOOR, reason, change_set_id=change_set_id, last=False) as changes:
            run.hold(changes.session)
            moved, owners = _put_back(changes, definition, ids, before, reason)
            for user_id in owners:
                told[user_id] = told.get(user_id, 0) + 1
            change_set_id = changes.id
            done += len(moved.ids)
    if change_set_id is not None:
        with change_set(DOOR, change_set_id=change_set_id) as changes:
            for user_id, number in told.items():
                message = _(
                    "%(number)s records went back to the pool: %(entities)s",
                    number=number,
                    entities=definition.plural,
                )
                notices.notify(changes.session, user_id, message, f"/{definition.key}/", reason)
    return done


def _idle(definition: EntityDefinition, before: datetime.datetime) -> Iterator[Sequence[int]]:
    model: Any = definition.model
    last = 0
    while True:
        records = Records(definition).approved_only().without_archived()
        records.clauses += [
            owner_of(definition).expression(model).is_not(None),
            model.updated_at < before,
            model.id > last,
        ]
        ids = records.ids(BATCH)
        db.session.rollback()
        if not ids:
            return
        last = ids[-1]
        yield ids


def _put_back(
    changes: Changes,
    definition: EntityDefinition,
    ids: Sequence[int],
    before: datetime.datetime,
    reason: str,
) -> tuple[Moved, list[int]]:
    """Those that are still idle; and whose they were."""
    moved, owners = Moved(), []
    owner = owner_of(definition)
    for record in load_many(changes, definition, ids):
        former = owner.get(record)
        if former is not None and record.updated_at < before:
            count = len(moved.ids)
            _go(changes, definition, record, None, MoveKind.IDLE, reason, moved, f"#{record.id}")
            owners += [former] * (len(moved.ids) - count)
    return moved, owners


def said(moved: Moved, taken: bool) -> str:
    """In a sentence: “3 taken. “润科”: somebody else has taken it meanwhile.”"""
    number = len(moved.ids)
    words = (
        ngettext("%(num)s record is yours now.", "%(num)s records are yours now.", number)
        if taken
        else ngettext("%(num)s record is in the pool.", "%(num)s records are in the pool.", number)
    )
    parts = [str(words)] if number else []
    parts += [
        str(gettext("“%(name)s”: %(why)s", name=name, why=why)) for name, why in moved.refused[:3]
    ]
    if len(moved.refused) > len(moved.refused[:3]):
        parts.append(str(gettext("%(count)s more were refused.", count=len(moved.refused) - 3)))
    return " ".join(parts)
