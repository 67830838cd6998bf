"""What happens to jobs from outside a run: cancelled, let run again, freed from a dead run."""

from __future__ import annotations

import datetime
from typing import Any

from flask_babel import lazy_gettext as _
from sqlalchemy import or_, select, update
from sqlalchemy.orm import Session

from app.engine import policy
from app.engine.adapters import queue
from app.engine.adapters.database import db, now, write_transaction
from app.engine.job import runner
from app.engine.job.kinds import kind_of
from app.engine.job.models import (
    CANCELLED,
    ERROR,
    FAILED,
    INFO,
    KEPT,
    RUNNING,
    WAITING,
    WARNING,
    Job,
)
from app.engine.job.run import line
from app.engine.job.telling import tell
from app.engine.messages import freeze

LEASE = datetime.timedelta(seconds=90)
"""A run that has not been heard of for so long is taken to be dead, on whatever machine it was."""


def cancel(job_id: str) -> bool:
    """End a job that is not over; a run of it stops at its next step. Whether there was anything."""
    viewer = policy.current_viewer()
    with write_transaction() as session:
        ended = _move(
            session,
            (Job.id == job_id) & Job.state.in_((WAITING, RUNNING)),
            state=CANCELLED, finished_at=now(), claim=None, runner=None, due_at=None,
            keep_until=now() + KEPT,
        )  # fmt: skip
        if ended:
            why = _("Cancelled by %(who)s.", who=viewer.name)
            session.add(line(job_id, why, WARNING))
            job = session.get_one(Job, job_id, populate_existing=True)
            if job.asked_by != viewer.user_id:
                tell(session, job, CANCELLED, why)
    if ended:
        queue.forget(job_id)
    return ended


def retry(job_id: str) -> bool:
    """Let a failed or cancelled job run again, from where it stopped. Whether it will."""
    who = policy.current_viewer().name
    with write_transaction() as session:
        again = _move(
            session,
            (Job.id == job_id) & Job.state.in_((FAILED, CANCELLED)),
            state=WAITING, claim=None, runner=None, attempts=0, message=None, finished_at=None,
            keep_until=None, due_at=None, heartbeat_at=now(),
        )  # fmt: skip
        if not again:
            return False
        session.add(line(job_id, _("To be tried again, by %(who)s.", who=who), INFO))
        job = session.get_one(Job, job_id, populate_existing=True)
    queue.send_again(job.id, job.queue, abandoned=True)
    return True


def free_dead_runs() -> int:
    """Let jobs whose run is dead wait again, or fail after too many; how many there were."""
    rows = db.session.execute(
        select(Job.id, Job.kind, Job.claim, Job.runner, Job.heartbeat_at, Job.attempts).where(
            Job.state == RUNNING
        )
    ).all()
    db.session.rollback()
    overdue = now() - LEASE
    return sum(
        _free(row)
        for row in rows
        if row.heartbeat_at is None or row.heartbeat_at < overdue or runner.is_dead(row.runner)
    )


def _free(row: Any) -> bool:
    """Unless it was heard of meanwhile."""
    seen = Job.heartbeat_at == row.heartbeat_at
    if row.heartbeat_at is None:
        seen = Job.heartbeat_at.is_(None)
    dead = (Job.id == row.id) & (Job.state == RUNNING) & (Job.claim == row.claim) & seen
    fails = row.attempts >= kind_of(row.kind).attempts
    with write_transaction() as session:
        if not fails:
            freed = _move(session, dead, state=WAITING, claim=None, runner=None, heartbeat_at=now())
            message, level = _("The process that ran it has died."), WARNING
        else:
            message, level = _("The worker died each time it was tried."), ERROR
            freed = _move(
                session, dead, state=FAILED, claim=None, runner=None, finished_at=now(),
                keep_until=now() + KEPT, message=freeze(message),
            )  # fmt: skip
        if freed:
            session.add(line(row.id, message, level))
        if freed and fails:
            tell(session, session.get_one(Job, row.id, populate_existing=True), FAILED, message)
    return freed


def _move(session: Session, which: Any, **values: Any) -> bool:
    moved = session.execute(
        update(Job).where(which).values(**values),
        execution_options={"synchronize_session": False},
    )
    return bool(getattr(moved, "rowcount", 0))


def waiting(limit: int = 1000) -> list[Job]:
    """Jobs that wait and are due, oldest first."""
    return list(
        db.session.scalars(
            select(Job)
            .where(Job.state == WAITING, or_(Job.due_at.is_(None), Job.due_at <= now()))
            .order_by(Job.created_at)
            .limit(limit)
        )
    )
