"""What is wrong with schedules, for the first page of those who run the system."""

from __future__ import annotations

import datetime

from flask_babel import gettext, ngettext
from sqlalchemy import func, select

from app.engine import attention, policy
from app.engine.adapters.database import db, now
from app.engine.schedule import Schedule
from app.engine.schedule.models import ORPHANED, ScheduleRun

PATIENCE = datetime.timedelta(minutes=10)
LATELY = datetime.timedelta(days=7)
PAGE = "/schedules/"


def amiss(_viewer: policy.Viewer) -> list[attention.Item]:
    """Schedules that nobody runs, that are paused, or whose owner is gone."""
    overdue = _count(Schedule.active.is_(True), Schedule.next_due_at < now() - PATIENCE)
    paused = _count(Schedule.active.is_(False), Schedule.system_name.is_not(None))
    orphaned = db.session.scalar(
        select(func.count(func.distinct(ScheduleRun.schedule_id))).where(
            ScheduleRun.outcome == ORPHANED, ScheduleRun.at > now() - LATELY
        )
    )
    found = []
    if overdue:
        text = gettext("The scheduler does not run: %(count)s due", count=overdue)
        found.append(attention.Item(text, PAGE, "calendar-event", "bad"))
    if paused:
        text = ngettext(
            "%(num)s schedule of the system is paused",
            "%(num)s schedules of the system are paused",
            paused,
        )
        found.append(attention.Item(text, PAGE, "calendar-event", "warn"))
    if orphaned:
        text = ngettext(
            "%(num)s schedule belongs to somebody who is not active",
            "%(num)s schedules belong to people who are not active",
            orphaned,
        )
        found.append(attention.Item(text, PAGE, "calendar-event", "warn"))
    return found


def _count(*conditions: object) -> int:
    counting = select(func.count(Schedule.id)).where(*conditions)  # type: ignore[arg-type]
    return db.session.scalar(counting) or 0
