"""Takes away what is past its time: finished jobs with their files, notifications, notes, sign-ins.

And what killed runs have left on this machine.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable
from typing import Any

from flask_babel import lazy_gettext as _
from sqlalchemy import select

from app.engine import links, notices
from app.engine.adapters.appbuilder import (
    attempts,
    password_links,
    saml_answers,
    sessions,
)
from app.engine.adapters.database import db, now, write_transaction
from app.engine.adapters.storage import store
from app.engine.audit import retention
from app.engine.job import Job, Run, scratch
from app.engine.schedule import ScheduleRun

NOTES_KEPT = datetime.timedelta(days=365)
"""How long it is remembered when a schedule was due."""

_AT_ONCE = 500


def run(run: Run) -> dict[str, Any]:
    """All of it, some hundred rows at a time; can be run at any moment."""
    scratch.sweep()
    steps: dict[str, Callable[[], int]] = {
        "jobs": remove_jobs,
        "notifications": notices.remove_old,
        "notes": _remove_notes,
        "sign_ins": sessions.remove_old,
        "attempts": attempts.remove_old,
        "links": password_links.remove_old,
        "answers": saml_answers.remove_old,
        "public_links": links.remove_old,
        "audit": retention.purge_some,
    }
    counts = dict.fromkeys(steps, 0)
    for name, step in steps.items():
        while removed := step():
            counts[name] += removed
            run.progress(sum(counts.values()))
    run.log(
        _(
            "Removed: %(jobs)s jobs, %(notifications)s notifications, %(notes)s notes of schedules, "
            "%(sign_ins)s sign-ins that are over, %(attempts)s counts of failed ones, "
            "%(links)s links for a new password, %(answers)s answers of providers, "
            "%(public_links)s links for people without an account, %(audit)s entries of the audit log.",
            **counts,
        )
    )
    return counts


def remove_jobs() -> int:
    """Rows past their time, with the file that each made; how many."""
    past = select(Job).where(Job.keep_until < now()).limit(_AT_ONCE)
    old = list(db.session.scalars(past))
    for job in old:
        path = (job.result or {}).get("file")
        if path:
            store().remove(str(path))
    if old:
        with write_transaction() as session:
            for job in old:
                if found := session.get(Job, job.id):
                    session.delete(found)
    return len(old)


def _remove_notes() -> int:
    past = select(ScheduleRun.id).where(ScheduleRun.at < now() - NOTES_KEPT).limit(_AT_ONCE)
    ids = list(db.session.scalars(past))
    if ids:
        with write_transaction() as session:
            for found in ids:
                if note := session.get(ScheduleRun, found):
                    session.delete(note)
    return len(ids)
