"""Undoing a change set: what can be taken back is, and the report says what was not, and why."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from flask_babel import lazy_gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session, aliased

from app.engine import events, policy
from app.engine.adapters.database import db, in_turn
from app.engine.changes import models as kinds
from app.engine.changes.bulk import pointed_at, remove_many
from app.engine.changes.checking import current_values, dumped
from app.engine.changes.guarding import locked, standing
from app.engine.changes.models import Change, ChangeSet
from app.engine.changes.remade import raw_row, remake
from app.engine.changes.session import change_set
from app.engine.changes.undo_many import may_revert, undo_together
from app.engine.changes.writer import Changes
from app.engine.errors import InvalidInput, NotAllowed, NotFound, StewardError
from app.engine.registry import EntityDefinition, current

BATCH = 500
LISTED = 200
"""So many of what was kept or blocked are listed by name; all are counted."""


REASONS = {
    "purged": _("It was purged for good."),
    "erased": _("Its personal data was erased for good."),
    "gone": _("It is not there any more."),
    "edited": _("Somebody edited it since."),
    "pointed_at": _("Other records point at it: %(what)s."),
    "right": _("Your roles do not allow this."),
    "fields": _("Edited since: %(what)s."),
    "refused": "%(what)s",
}


def reason_text(detail: Mapping[str, Any]) -> str:
    """Why a change was kept or blocked, in the reader's language."""
    return str(REASONS[detail["reason"]]) % {"what": detail.get("what") or ""}


@dataclass
class UndoReport:
    """What undoing did: counted, and the first of what was left listed with the reason."""

    change_set: int
    undone_by: int | None = None
    reversed: int = 0
    kept: int = 0
    blocked: int = 0
    details: list[dict[str, Any]] = field(default_factory=list)

    def keep(self, change: Change, reason: str, what: str = "") -> None:
        self.kept += 1
        self._detail("kept", change, reason, what)

    def block(self, change: Change, reason: str, what: str = "") -> None:
        self.blocked += 1
        self._detail("blocked", change, reason, what)

    def _detail(self, outcome: str, change: Change, reason: str, what: str) -> None:
        if len(self.details) < LISTED:
            self.details.append(
                {
                    "outcome": outcome,
                    "entity": change.entity,
                    "record_id": change.record_id,
                    "reason": reason,
                    "what": what,
                }
            )

    def as_json(self) -> dict[str, Any]:
        return {
            "change_set": self.change_set,
            "undone_by": self.undone_by,
            "reversed": self.reversed,
            "kept": self.kept,
            "blocked": self.blocked,
            "details": self.details,
        }


def may_undo(target: ChangeSet, viewer: policy.Viewer) -> bool:
    """One's own change sets, and everybody's for those who run the system."""
    if viewer.can(policy.SYSTEM, "update"):
        return True
    return target.user_id is not None and target.user_id == viewer.user_id


Check = Callable[[ChangeSet, policy.Viewer], None]
_whole: dict[str, Check] = {}


def undone_as_whole(door: str) -> Callable[[Check], Check]:
    """Registers a door whose change sets the engine takes back in its author's name, whatever their
    rights over the records are by then. The check raises NotAllowed where that may not be.
    """

    def register(check: Check) -> Check:
        _whole[door] = check
        return check

    return register


def undo(
    change_set_id: int,
    on_progress: Callable[[int, int], None] | None = None,
    hold: Callable[[Session], None] | None = None,
) -> UndoReport:
    """Take back a change set, newest change first, in batches; running it again goes on.

    `hold` is called first thing in each batch's transaction; what it raises gives the undo up there.
    Raises NotFound, NotAllowed, InvalidInput (when it has been undone already).
    """
    viewer = policy.current_viewer()
    target = db.session.get(ChangeSet, change_set_id, populate_existing=True)
    if target is None:
        raise NotFound(_("There is no such change set."))
    if not may_undo(target, viewer):
        raise NotAllowed
    if target.state in (kinds.UNDONE, kinds.PARTLY):
        raise InvalidInput.of(None, _("This change set has been undone already."))
    if target.door not in _whole:
        return _undo(target, on_progress, hold)
    _whole[target.door](target, viewer)
    with policy.entrusted("the door's own check was asked"):
        return _undo(target, on_progress, hold)


def _undo(
    target: ChangeSet,
    on_progress: Callable[[int, int], None] | None,
    hold: Callable[[Session], None] | None,
) -> UndoReport:
    change_set_id = target.id
    report, undoing_id = _resume(change_set_id)
    total = sum((target.counts or {}).values())
    below: int | None = None
    finished = False
    while not finished:
        with change_set(
            "undo", change_set_id=undoing_id, undoes_id=change_set_id, last=False
        ) as changes:
            if hold:
                hold(changes.session)
            _alone(changes.session, change_set_id, undoing_id)
            below, finished = _undo_batch(changes, change_set_id, below, report)
            report.undone_by = undoing_id = changes.journal.open()
            _note_progress(changes.session, report, finished)
        if on_progress:
            on_progress(min(total, report.reversed + report.kept + report.blocked), total)
    return report


def undone_with(change_set_id: int) -> dict[str, Any] | None:
    """What undoing a change set came to; None while it has not been undone."""
    target = db.session.get(ChangeSet, change_set_id, populate_existing=True)
    if target is None or target.state not in (kinds.UNDONE, kinds.PARTLY):
        return None
    report: dict[str, Any] | None = db.session.scalar(
        select(ChangeSet.report)
        .where(ChangeSet.undoes_id == change_set_id)
        .order_by(ChangeSet.id.desc())
        .limit(1)
    )
    return report


def _resume(change_set_id: int) -> tuple[UndoReport, int | None]:
    """The report so far when an earlier run was cut off."""
    earlier = db.session.scalar(
        select(ChangeSet).where(ChangeSet.undoes_id == change_set_id, ChangeSet.state == kinds.OPEN)
    )
    if earlier is None:
        return UndoReport(change_set_id), None
    report = UndoReport(change_set_id, earlier.id)
    report.reversed = int((earlier.report or {}).get("reversed", 0))
    return report, earlier.id


def _alone(session: Session, change_set_id: int, undoing_id: int | None) -> None:
    """Of several that undo one change set at once the first goes on; the others get InvalidInput."""
    in_turn(session, [f"undo {change_set_id}"])
    target = session.get_one(ChangeSet, change_set_id, populate_existing=True)
    if target.state in (kinds.UNDONE, kinds.PARTLY):
        raise InvalidInput.of(None, _("This change set has been undone already."))
    others = select(ChangeSet.id).where(
        ChangeSet.undoes_id == change_set_id, ChangeSet.state == kinds.OPEN
    )
    if any(other != undoing_id for other in session.scalars(others)):
        raise InvalidInput.of(None, _("This is being taken back already."))


def _note_progress(session: Session, report: UndoReport, finished: bool) -> None:
    undoing = session.get_one(ChangeSet, report.undone_by, populate_existing=True)
    undoing.report = report.as_json()
    if finished:
        undoing.state = kinds.DONE
        target = session.get_one(ChangeSet, report.change_set, populate_existing=True)
        left = report.kept or report.blocked
        target.state = kinds.PARTLY if left else kinds.UNDONE


def _undo_batch(
    changes: Changes, change_set_id: int, below: int | None, report: UndoReport
) -> tuple[int | None, bool]:
    """Undo the next changes; gives where to go on and whether that was all."""
    statement = select(Change).where(
        Change.change_set_id == change_set_id, Change.undone.is_(False)
    )
    if below is not None:
        statement = statement.where(Change.id < below)
    rows = changes.session.scalars(
        statement.order_by(Change.id.desc()).limit(BATCH).execution_options(populate_existing=True)
    ).all()
    start = 0
    while start < len(rows):
        end = start
        while end < len(rows) and (rows[end].entity, rows[end].kind) == (
            rows[start].entity, rows[start].kind
        ):  # fmt: skip
            end += 1
        _undo_run(changes, rows[start:end], report)
        start = end
    return (rows[-1].id if rows else below), len(rows) < BATCH


def _undo_run(changes: Changes, run: Sequence[Change], report: UndoReport) -> None:
    """Changes of one kind to records of one entity, next to one another."""
    definition = current().entities.get(run[0].entity)
    kind = run[0].kind
    if definition is None or kind == kinds.PURGE:
        for change in run:
            report.block(change, "purged")
        return
    if kind == kinds.ERASE:
        for change in run:
            report.block(change, "erased")
        return
    if kind == kinds.CREATE:
        done = _unmake(changes, definition, run, report)
    else:
        done = undo_together(changes, definition, run)
        plain = set(done)
        singly = [change for change in run if change.id not in plain]
        done += [c.id for c in singly if _undo_one(changes, definition, c, report)]
    if done:
        changes.journal.mark(done)
        report.reversed += len(done)


def _unmake(
    changes: Changes, definition: EntityDefinition, run: Sequence[Change], report: UndoReport
) -> list[int]:
    """Take created records away, unless edited since or pointed at."""
    pointed = pointed_at(changes, definition, [change.record_id for change in run])
    own = {record_id for record_id, names in pointed.items() if definition.name in names}
    by_its_kind = [change for change in run if change.record_id in own]
    plain = [change for change in run if change.record_id not in own]
    done = _unmake_plain(changes, definition, plain, report) if plain else []
    if done and by_its_kind:  # what pointed at them may have been among those
        return done + _unmake(changes, definition, by_its_kind, report)
    for change in by_its_kind:
        report.block(change, "pointed_at", ", ".join(pointed[change.record_id]))
    return done


def _unmake_plain(
    changes: Changes, definition: EntityDefinition, run: Sequence[Change], report: UndoReport
) -> list[int]:
    """Take away those at which none of their own kind points."""
    ids = [change.record_id for change in run]
    edited = _edited_since(changes.session, definition, run)
    pointed = pointed_at(changes, definition, ids)
    kept = standing(changes.session, definition, ids)
    rows = {row["id"]: row for row in raw_row(changes, definition, ids)}
    allowed = _allowed(changes, definition, ids, "delete")
    removed, done = [], []
    for change in run:
        record_id = change.record_id
        if record_id not in rows:
            report.block(change, "gone")
        elif record_id in edited:
            report.keep(change, "edited")
        elif record_id in pointed:
            report.block(change, "pointed_at", ", ".join(pointed[record_id]))
        elif record_id not in allowed:
            report.block(change, "right")
        elif record_id in kept:
            report.block(change, "refused", str(kept[record_id][0].refusal))
        elif (why := _objection(changes, definition, record_id)) is not None:
            report.block(change, "refused", why)
        else:
            removed.append(record_id)
            done.append(change.id)
    if removed:
        remove_many(changes, definition, removed)
        changes.journal.record(
            definition,
            kinds.REMOVE,
            [{"record_id": i, "before": rows[i], "after": None} for i in removed],
        )
    return done


def _objection(changes: Changes, definition: EntityDefinition, record_id: int) -> str | None:
    """Why a record that undoing would take away has to stay, if anything reacts so."""
    reactions = events.reactions(definition.name, "undoing")
    if not reactions:
        return None
    model: Any = definition.model
    statement = select(model).where(model.id == record_id)
    record = changes.session.scalar(statement.execution_options(**{policy.WITH_TRASH: True}))
    try:
        for reaction in reactions:
            reaction(changes, record)
    except StewardError as error:
        return str(error)
    return None


def _edited_since(
    session: Session, definition: EntityDefinition, run: Sequence[Change]
) -> set[int]:
    """Records with a later change that stands: of another set, not undone, not itself an undo."""
    other = aliased(ChangeSet)
    rows = session.scalars(
        select(Change.record_id)
        .join(other, other.id == Change.change_set_id)
        .where(
            Change.entity == definition.name,
            Change.record_id.in_([change.record_id for change in run]),
            Change.id > min(change.id for change in run),
            Change.change_set_id != run[0].change_set_id,
            Change.undone.is_(False),
            other.undoes_id.is_(None),
        )
    )
    return set(rows)


def _allowed(
    changes: Changes, definition: EntityDefinition, ids: Sequence[int], action: str
) -> set[int]:
    """Those that the viewer may act on; taking back what one made needs no right to delete."""
    model: Any = definition.model
    statement = (
        select(model.id).where(model.id.in_(ids)).execution_options(**{policy.WITH_TRASH: True})
    )
    if changes.viewer.can(definition.name, action):
        clause = policy.scope_clause(definition, changes.viewer, action)
        if clause is not None:
            statement = statement.where(clause)
    else:
        statement = statement.where(model.created_by_id == changes.viewer.user_id)
    return set(changes.session.scalars(statement))


def _undo_one(
    changes: Changes, definition: EntityDefinition, change: Change, report: UndoReport
) -> bool:
    """Undo one change other than a create; False when it was kept or blocked."""
    try:
        with changes.session.begin_nested():
            return _reverse(changes, definition, change, report)
    except StewardError as error:
        report.block(change, "refused", str(error))
        return False


def _reverse(
    changes: Changes, definition: EntityDefinition, change: Change, report: UndoReport
) -> bool:
    if change.kind == kinds.REMOVE:
        remake(changes, definition, change)
        return True
    if change.kind in (kinds.TRASH, kinds.RESTORE):
        record = changes.load(definition, change.record_id, "delete", trash=True)
        if (record.deleted_at is not None) == (change.kind == kinds.TRASH):
            since = (change.before or {}).get("deleted_at")
            moment = datetime.datetime.fromisoformat(since) if since else None
            kept = {**(change.before or {}), **(change.after or {})}
            into = kept.get("merged_into")
            changes._set_trashed(definition, record, change.kind != kinds.TRASH, moment, into)
        return True
    action = "approve" if change.kind == kinds.APPROVE else "update"
    record = changes.load(definition, change.record_id, action, trash=True)
    return _revert_fields(changes, definition, change, record, report)


def _revert_fields(
    changes: Changes,
    definition: EntityDefinition,
    change: Change,
    record: Any,
    report: UndoReport,
) -> bool:
    """Give the fields their values from before, except those that were edited since."""
    before, after = change.before or {}, change.after or {}
    names = [name for name in before if name in definition.fields]
    if not may_revert(changes, definition, change):
        report.block(change, "right")
        return False
    values = {name: definition.fields[name].get(record) for name in names}
    standing = dumped(definition, values, names)
    edited = [name for name in names if standing[name] != after.get(name)]
    back = [name for name in names if name not in edited]
    if problems := locked(changes.session, definition, record.id, back):
        raise InvalidInput(problems)
    for name in back:
        definition.fields[name].set(record, definition.fields[name].load(before[name]))
    if "review_state" in back:
        record.reviewed_at = record.reviewed_by_id = None
    if back:
        with changes.session.no_autoflush:  # one flush: the record gets one new version
            changes._react(definition, "undoing", record)
        changes._stamp(record)
        changes._flush(definition, record)
        changes.journal.record(
            definition,
            kinds.UPDATE,
            [
                {
                    "record_id": record.id,
                    "before": {n: standing[n] for n in back},
                    "after": {n: before[n] for n in back},
                }
            ],
        )
        if record.deleted_at is None:
            changes.journal.index(definition, [(record.id, current_values(definition, record))])
    if edited:
        known = {item.name for item in policy.known(definition, changes.viewer)}
        labels = ", ".join(str(definition.fields[n].label) for n in edited if n in known)
        report.keep(change, "fields", labels)
        return False
    return True
