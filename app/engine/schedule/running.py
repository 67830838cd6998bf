"""Doing what is due: noted, asked for and moved on in one transaction."""

from __future__ import annotations

import datetime
import logging
from typing import Any

from flask_babel import force_locale
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.engine import policy
from app.engine.adapters.database import db, now, write_transaction
from app.engine.job import Job, kind_of, request_job
from app.engine.schedule.models import (
    ASKED,
    BY_HAND,
    LATE,
    ORPHANED,
    SKIPPED,
    Schedule,
    ScheduleRun,
)
from app.engine.schedule.rules import Rule

ON_TIME = datetime.timedelta(minutes=5)
"""Later than that it was missed, and is caught up."""

_MOST_MISSED = 10_000

log = logging.getLogger(__name__)


def run_due(moment: datetime.datetime | None = None) -> int:
    """Ask for the jobs of every schedule that is due; how many schedules were.

    One that fails is logged and left due; it keeps no other from its turn.
    """
    moment = moment or now()
    due = select(Schedule.id).where(Schedule.active.is_(True), Schedule.next_due_at <= moment)
    ids = list(db.session.scalars(due))
    db.session.rollback()
    done = 0
    for schedule_id in ids:
        try:
            done += _run(schedule_id, moment)
        except Exception:
            db.session.rollback()
            log.exception("schedule %s could not be run; it stays due", schedule_id)
    return done


def run_now(schedule_id: int) -> str | None:
    """Ask for the job at once, beside its times; the job's id, None when there is no such schedule."""
    with write_transaction() as session:
        schedule = _locked(session, schedule_id)
        if schedule is None:
            return None
        run = _ask(session, schedule, now(), BY_HAND)
        return run.job_id


def settle(schedule: Schedule, moment: datetime.datetime | None = None) -> None:
    """Reckon anew when it is next due: after a change, or when it is taken up again."""
    rule = Rule.from_json(schedule.rule)
    schedule.next_due_at = rule.next_after(moment or now()) if schedule.active else None


def _run(schedule_id: int, moment: datetime.datetime) -> bool:
    with write_transaction() as session:
        schedule = _locked(session, schedule_id)
        if schedule is None or not schedule.active:
            return False
        due = schedule.next_due_at
        if due is None or due > moment:
            return False  # another scheduler was faster
        due, missed, following = _caught_up(Rule.from_json(schedule.rule), due, moment)
        schedule.next_due_at = following
        if _noted(session, schedule_id, due):
            return False  # the clock was set back: this time has been
        outcome = ASKED if moment - due <= ON_TIME and not missed else LATE
        _ask(session, schedule, due, outcome, missed)
    return True


def _caught_up(
    rule: Rule, due: datetime.datetime, moment: datetime.datetime
) -> tuple[datetime.datetime, int, datetime.datetime | None]:
    """The last time that has come, how many were missed before it, and the next one."""
    missed = 0
    following = rule.next_after(due)
    while following is not None and following <= moment and missed < _MOST_MISSED:
        due, missed = following, missed + 1
        following = rule.next_after(due)
    if following is not None and following <= moment:
        following = rule.next_after(moment)
    return due, missed, following


def _ask(
    session: Session,
    schedule: Schedule,
    due: datetime.datetime,
    outcome: str,
    missed: int = 0,
) -> ScheduleRun:
    """Note the time and ask for its job, unless the one before still runs or its owner is gone."""
    viewer = policy.SYSTEM_VIEWER
    if schedule.owner_id is not None:
        viewer = policy.viewer_by_id(schedule.owner_id)
    job_id = None
    if viewer.user_id is None and schedule.owner_id is not None:
        outcome = ORPHANED
    elif outcome != BY_HAND and _still_runs(session, schedule.id):
        outcome = SKIPPED
    else:
        kind = kind_of(schedule.kind)
        with force_locale(schedule.language), policy.acting_as(viewer):
            title = kind.plan.title(schedule.answers) if kind.plan else schedule.name
            job_id = request_job(schedule.kind, schedule.arguments, kind.queue, title).id
    run = ScheduleRun(
        schedule_id=schedule.id, due_at=due, at=now(), outcome=outcome, missed=missed, job_id=job_id
    )
    session.add(run)
    session.flush()
    return run


def _locked(session: Session, schedule_id: int) -> Schedule | None:
    """The schedule, kept from other schedulers until the end of the transaction."""
    one: Any = select(Schedule).where(Schedule.id == schedule_id).with_for_update()
    found: Schedule | None = session.scalar(one, execution_options={"populate_existing": True})
    return found


def _noted(session: Session, schedule_id: int, due: datetime.datetime) -> bool:
    there = select(ScheduleRun.id).where(
        ScheduleRun.schedule_id == schedule_id, ScheduleRun.due_at == due
    )
    return session.scalar(there) is not None


def _still_runs(session: Session, schedule_id: int) -> bool:
    last = (
        select(ScheduleRun.job_id)
        .where(ScheduleRun.schedule_id == schedule_id, ScheduleRun.job_id.is_not(None))
        .order_by(ScheduleRun.id.desc())
        .limit(1)
        .scalar_subquery()
    )
    job = session.scalar(select(Job).where(Job.id == last))
    return job is not None and not job.over
