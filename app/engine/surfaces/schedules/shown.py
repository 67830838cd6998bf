"""Schedules in the reader's words."""

from __future__ import annotations

from typing import Any

from babel.dates import get_day_names
from flask_babel import get_locale, gettext
from flask_babel import lazy_gettext as _
from sqlalchemy import func, select

from app.engine.adapters.database import db, now
from app.engine.job import Job, kind_of
from app.engine.job_words import STATES as JOB_STATES
from app.engine.messages import thaw
from app.engine.schedule import Rule, Schedule, ScheduleRun
from app.engine.schedule import models as outcomes
from app.engine.schedule.rules import CRON, DAILY, WEEKLY

OUTCOMES: dict[str, tuple[Any, str]] = {
    outcomes.ASKED: (_("On time"), "good"),
    outcomes.LATE: (_("Caught up"), "warn"),
    outcomes.BY_HAND: (_("Run by hand"), "accent"),
    outcomes.SKIPPED: (_("Left out: the one before still ran"), "warn"),
    outcomes.ORPHANED: (_("Left out: its owner is not active"), "bad"),
}

UPCOMING = 5
HISTORY = 50


def listed(schedules: list[Schedule]) -> list[dict[str, Any]]:
    """Lines of the list, with the last run of each; two queries however many there are."""
    latest = select(func.max(ScheduleRun.id)).group_by(ScheduleRun.schedule_id)
    runs = {
        run.schedule_id: run
        for run in db.session.scalars(_runs().where(ScheduleRun.id.in_(latest)))
    }
    jobs = _jobs_of(list(runs.values()))
    return [
        {**summary(s), "last": _run(runs[s.id], jobs) if s.id in runs else None} for s in schedules
    ]


def summary(schedule: Schedule) -> dict[str, Any]:
    """What is said of a schedule everywhere."""
    return {
        "id": schedule.id,
        "name": thaw(schedule.name),
        "kind": str(kind_of(schedule.kind).label),
        "rule": in_words(Rule.from_json(schedule.rule)),
        "zone": schedule.rule["zone"],
        "active": schedule.active,
        "next": schedule.next_due_at,
        "owner": schedule.owner_name if schedule.owner_id is not None else gettext("the system"),
        "changed_at": schedule.changed_at,
        "changed_by": schedule.changed_by,
        "system": schedule.system_name is not None,
        "language": schedule.language,
    }


def upcoming(schedule: Schedule) -> list[Any]:
    """The next times that it is due."""
    if not schedule.active:
        return []
    return list(Rule.from_json(schedule.rule).upcoming(now(), UPCOMING))


def history(schedule: Schedule) -> list[dict[str, Any]]:
    """What became of the last times, newest first."""
    runs = list(
        db.session.scalars(
            _runs()
            .where(ScheduleRun.schedule_id == schedule.id)
            .order_by(ScheduleRun.id.desc())
            .limit(HISTORY)
        )
    )
    jobs = _jobs_of(runs)
    return [_run(run, jobs) for run in runs]


def _runs() -> Any:
    return select(ScheduleRun)


def _jobs_of(runs: list[ScheduleRun]) -> dict[str, str]:
    ids = [run.job_id for run in runs if run.job_id]
    if not ids:
        return {}
    found = db.session.execute(select(Job.id, Job.state).where(Job.id.in_(ids)))
    return {job_id: state for job_id, state in found}  # noqa: C416  a result is no mapping


def _run(run: ScheduleRun, jobs: dict[str, str]) -> dict[str, Any]:
    word, tone = OUTCOMES[run.outcome]
    state = jobs.get(run.job_id or "")
    state_word, state_tone = JOB_STATES[state] if state else ("", "neutral")
    return {
        "due_at": run.due_at,
        "at": run.at,
        "outcome": str(word),
        "tone": tone,
        "missed": run.missed,
        "job": run.job_id if state else None,
        "state": str(state_word),
        "state_tone": state_tone,
    }


def in_words(rule: Rule) -> str:
    """When it is due, in a short sentence."""
    if rule.every == CRON:
        return _and_only(rule, gettext("By cron: %(cron)s", cron=rule.cron))
    if rule.every == DAILY:
        words = _("Each working day at %(time)s") if rule.working_days else _("Daily at %(time)s")
        return str(words) % {"time": rule.at}
    if rule.every == WEEKLY:
        names = get_day_names("abbreviated", locale=get_locale())
        joint = gettext(", ").join(str(names[number]) for number in rule.weekdays)
        return _and_only(rule, gettext("Weekly on %(days)s at %(time)s", days=joint, time=rule.at))
    words = _("Monthly on day %(day)s at %(time)s")
    if rule.working_days:
        words = _("Monthly on day %(day)s, or the next working day, at %(time)s")
    return str(words) % {"day": rule.day, "time": rule.at}


def _and_only(rule: Rule, text: str) -> str:
    return f"{text} · {gettext('Working days only')}" if rule.working_days else text
