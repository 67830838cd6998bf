"""Leaving: what a person has goes over to another, in one act with the end of their account.

Records by every field that names people, as its declaration says what becomes of it; and what else
belongs to people, by whoever keeps it. A row says what went and what could not. Few records go at
once, many by a job; either way it is one change set, and undoing that gives the records back.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from flask_babel import gettext
from flask_babel import lazy_gettext as _
from sqlalchemy import Index, Integer, String, func, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from app.engine import people, policy, registry
from app.engine.adapters.database import (
    Identifier,
    Json,
    Model,
    UtcDateTime,
    db,
    now,
    write_transaction,
)
from app.engine.bulk import AT_ONCE, Edit, Tally
from app.engine.bulk.acts import Act, Trash
from app.engine.changes import ChangeSet, change_set
from app.engine.changes.models import DONE as FINISHED
from app.engine.changes.undo import undone_as_whole
from app.engine.errors import InvalidInput, NotFound
from app.engine.fields import Owner
from app.engine.job import (
    RUNNING,
    WAITING,
    Job,
    JobKind,
    Run,
    declare,
    request_job,
)
from app.engine.registry import EntityDefinition
from app.engine.schedule import Schedule

DOOR = "handover"
BATCH = 500
LISTED = 100

KIND = declare(
    JobKind("handover", _("Hand-over"), queue="bulk", limit=datetime.timedelta(hours=12))
)


class HandOver(Model):
    """One hand-over: from whom to whom, what went and what did not; kept for good."""

    __tablename__ = "hand_over"
    __table_args__ = (
        Index("ix_hand_over_leaver", "leaver_id"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(Identifier, primary_key=True, autoincrement=True)
    at: Mapped[datetime.datetime] = mapped_column(UtcDateTime)
    by_id: Mapped[int | None] = mapped_column(Integer)
    by_name: Mapped[str] = mapped_column(String(130))
    leaver_id: Mapped[int] = mapped_column(Integer)
    successor_id: Mapped[int] = mapped_column(Integer)
    change_set_id: Mapped[int | None] = mapped_column(Identifier)
    job_id: Mapped[str | None] = mapped_column(String(36))
    belongings: Mapped[list[dict[str, Any]]] = mapped_column(Json)
    """What went that is no record: name and number."""
    parts: Mapped[list[dict[str, Any]]] = mapped_column(Json)
    """Of each field: entity, field, what became of it, and a tally."""
    finished_at: Mapped[datetime.datetime | None] = mapped_column(UtcDateTime)


# -- what there is ---------------------------------------------------------------------------


@dataclass(frozen=True)
class Part:
    """A field that names people: the records where it names this one go, or end with them."""

    definition: EntityDefinition
    field: Owner

    @property
    def ends(self) -> bool:
        return self.field.on_leaving == "end"

    def ids(self, session: Session, leaver: int, after: int, most: int | None) -> list[int]:
        model: Any = self.definition.model
        statement = (
            select(model.id)
            .where(self.field.expression(model) == leaver, model.id > after)
            .order_by(model.id)
            .limit(most)
        )
        return list(session.scalars(statement))

    def count(self, session: Session, leaver: int) -> int:
        model: Any = self.definition.model
        statement = select(func.count(model.id)).where(self.field.expression(model) == leaver)
        return session.scalar(statement) or 0

    def act(self, successor: int) -> Act:
        if self.ends:
            return Trash(self.definition)
        return Edit(self.definition, {"set": {self.field.name: successor}})


def parts() -> list[Part]:
    """Every field of every entity, a later area's too, that names people who may leave."""
    return [
        Part(definition, item)
        for definition in registry.current().entities.values()
        for item in definition.fields.values()
        if isinstance(item, Owner) and not item.system and item.on_leaving != "keep"
    ]


@dataclass(frozen=True)
class Belonging:
    """Something that belongs to people and is no record."""

    name: str
    label: Any
    count: Callable[[Session, int], int]
    move: Callable[[Session, int, int], int]


_belongings: dict[str, Belonging] = {}


def belonging(one: Belonging) -> Belonging:
    """Registers something that goes over with the records."""
    _belongings[one.name] = one
    return one


def belongings() -> list[Belonging]:
    """All of them, in the order of their registration."""
    return list(_belongings.values())


def counted(leaver: int) -> tuple[list[tuple[Part, int]], list[tuple[Belonging, int]]]:
    """What the person has: records by field, and what else."""
    with policy.entrusted("only numbers are told of records that one may not see"):
        session = db.session()
        found = [(part, part.count(session, leaver)) for part in parts()]
    others = [(one, one.count(db.session(), leaver)) for one in belongings()]
    return [pair for pair in found if pair[1]], [pair for pair in others if pair[1]]


# -- doing it --------------------------------------------------------------------------------


def hand_over(leaver: int, successor: int, close: Callable[[], None]) -> HandOver:
    """Do it, or ask for the job that does; `close` ends the account, in the same transaction.

    Raises InvalidInput, NotAllowed.
    """
    viewer = policy.current_viewer()
    viewer.require(policy.USERS, "update")
    if leaver == successor:
        raise InvalidInput.of("successor", _("Choose somebody else than who leaves."))
    if not people.is_active(db.session(), successor):
        raise InvalidInput.of("successor", _("Choose an active user."))
    found, _others = counted(leaver)
    many = sum(number for _part, number in found) > AT_ONCE
    with write_transaction() as session:
        close()
        row = HandOver(
            at=now(),
            by_id=viewer.user_id,
            by_name=viewer.name,
            leaver_id=leaver,
            successor_id=successor,
            belongings=[
                {"name": one.name, "count": number}
                for one in belongings()
                if (number := one.move(session, leaver, successor))
            ],
            parts=[],
        )
        session.add(row)
        session.flush()
        if many:
            total = sum(number for _part, number in found)
            title = _("Hand-over to %(who)s", who=people.names_of([successor])[successor])
            page = f"/users/handover/{row.id}"
            arguments = {"hand_over": row.id, "page": page}
            row.job_id = request_job(KIND.name, arguments, KIND.queue, title, total).id
        else:
            _all_at_once(session, row)
    return row


def _all_at_once(session: Session, row: HandOver) -> None:
    made = []
    trusted = policy.entrusted("the right to manage users was asked for")
    with trusted, change_set(DOOR, _reason(row)) as changes:
        for part in parts():
            ids = part.ids(session, row.leaver_id, 0, None)
            if ids:
                tally = part.act(row.successor_id).take(changes, ids, None)
                made.append(_told(part, tally))
        row.change_set_id = changes.id
    row.parts = [_without_names(line) for line in made]
    row.finished_at = now()


def run(run: Run) -> dict[str, Any]:
    """The job: a batch is a transaction; run again it goes on behind the last one."""
    row = of_id(int(run.arguments["hand_over"]))
    policy.current_viewer().require(policy.USERS, "update")
    state = dict(run.job.result or {"part": 0, "after": 0, "done": 0})
    every = parts()
    while state["part"] < len(every):
        part = every[state["part"]]
        if not _batch(run, row.id, part, state):
            state |= {"part": state["part"] + 1, "after": 0}
    with write_transaction() as session:
        run.hold(session)
        row = session.get_one(HandOver, row.id, populate_existing=True)
        if row.change_set_id is not None:
            with change_set(DOOR, change_set_id=row.change_set_id):
                pass
        row.finished_at = now()
    return {"page": f"/users/handover/{row.id}", "change_set": row.change_set_id}


def _batch(run: Run, row_id: int, part: Part, state: dict[str, Any]) -> bool:
    """The next records of a field; False when there are no more."""
    try:
        with write_transaction() as session:
            run.hold(session)
            row = session.get_one(HandOver, row_id, populate_existing=True)
            with policy.entrusted("the right to manage users was asked for"):
                ids = part.ids(session, row.leaver_id, state["after"], BATCH)
                if not ids:
                    return False
                with change_set(
                    DOOR, _reason(row), change_set_id=row.change_set_id, last=False
                ) as changes:
                    tally = part.act(row.successor_id).take(changes, ids, None)
            row.change_set_id = changes.id
            row.parts = _added(row.parts, _without_names(_told(part, tally)))
            state |= {"after": ids[-1], "done": state["done"] + len(ids)}
            run.hold(session, done=state["done"], result=dict(state))
    finally:
        db.session().expunge_all()
    return True


def _reason(row: HandOver) -> str:
    names = people.names_of([row.leaver_id, row.successor_id])
    return str(
        gettext(
            "Hand-over from %(leaver)s to %(successor)s",
            leaver=names.get(row.leaver_id, ""),
            successor=names.get(row.successor_id, ""),
        )
    )


def _told(part: Part, tally: Tally) -> dict[str, Any]:
    return {
        "entity": part.definition.name,
        "field": part.field.name,
        "ends": part.ends,
        "tally": tally.as_json(),
    }


def _without_names(line: dict[str, Any]) -> dict[str, Any]:
    """Names of records are told only to who may see all of them."""
    if policy.current_viewer().scope(line["entity"], "read") != "all":
        for reason in line["tally"]["reasons"]:
            reason["name"] = f"#{reason['id']}"
    return line


def _added(lines: Sequence[dict[str, Any]], line: dict[str, Any]) -> list[dict[str, Any]]:
    """The lines with one more batch counted."""
    kept = [dict(one) for one in lines]
    for one in kept:
        if (one["entity"], one["field"]) == (line["entity"], line["field"]):
            tally = Tally.from_json(one["tally"])
            tally.add(Tally.from_json(line["tally"]))
            one["tally"] = tally.as_json()
            return kept
    return [*kept, line]


def of_id(hand_over_id: int) -> HandOver:
    """Raises NotFound."""
    found: HandOver | None = db.session.get(HandOver, hand_over_id, populate_existing=True)
    if found is None:
        raise NotFound
    return found


def stands(row: HandOver) -> bool:
    """Whether it is whole and has not been undone."""
    if row.finished_at is None or row.change_set_id is None:
        return False
    state = select(ChangeSet.state).where(ChangeSet.id == row.change_set_id)
    return bool(db.session.scalar(state) == FINISHED)


def latest_of(leaver: int) -> HandOver | None:
    """The last hand-over of a person's, if there was one."""
    statement = select(HandOver).where(HandOver.leaver_id == leaver).order_by(HandOver.id.desc())
    found: HandOver | None = db.session.scalars(statement.limit(1)).first()
    return found


@undone_as_whole(DOOR)
def _may_undo(_target: ChangeSet, viewer: policy.Viewer) -> None:
    """For those who manage users, as handing over is."""
    viewer.require(policy.USERS, "update")


# -- jobs and schedules ------------------------------------------------------------------------


def _unfinished(leaver: int) -> Any:
    return (Job.asked_by == leaver) & Job.state.in_((WAITING, RUNNING))


def _count_jobs(session: Session, leaver: int) -> int:
    return session.scalar(select(func.count(Job.id)).where(_unfinished(leaver))) or 0


def _move_jobs(session: Session, leaver: int, successor: int) -> int:
    """They run with the successor's rights then, and tell them the result."""
    name = people.names_of([successor], session)[successor]
    found = session.scalars(select(Job).where(_unfinished(leaver)).with_for_update()).all()
    for job in found:
        job.asked_by, job.asked_by_name = successor, name
    return len(found)


def _count_schedules(session: Session, leaver: int) -> int:
    statement = select(func.count(Schedule.id)).where(Schedule.owner_id == leaver)
    return session.scalar(statement) or 0


def _move_schedules(session: Session, leaver: int, successor: int) -> int:
    name = people.names_of([successor], session)[successor]
    mine = select(Schedule).where(Schedule.owner_id == leaver).with_for_update()
    found = session.scalars(mine).all()
    for schedule in found:
        schedule.owner_id, schedule.owner_name = successor, name
        schedule.changed_at, schedule.changed_by = now(), policy.current_viewer().name
    return len(found)


belonging(Belonging("jobs", _("Waiting and running jobs"), _count_jobs, _move_jobs))
belonging(Belonging("schedules", _("Schedules"), _count_schedules, _move_schedules))


def in_words(row: HandOver) -> Iterator[tuple[str, int]]:
    """What went that is no record, with its label."""
    for line in row.belongings:
        known = _belongings.get(line["name"])
        yield str(known.label if known is not None else line["name"]), int(line["count"])
