"""Telling the person who asked how a job has ended, in the transaction that ends it: once, whatever dies."""

from __future__ import annotations

from typing import Any

from flask_babel import lazy_gettext as _
from sqlalchemy.orm import Session

from app.engine import notices
from app.engine.job.kinds import kind_of
from app.engine.job.models import CANCELLED, DONE, FAILED, Job

_TONES = {DONE: notices.GOOD, FAILED: notices.BAD, CANCELLED: notices.WARN}


def tell(session: Session, job: Job, state: str, detail: Any = None) -> None:
    """Put the end of a job among its asker's notifications; who asked for nothing is told nothing."""
    if job.asked_by is None or not kind_of(job.kind).notifies:
        return
    message, tone = _worded(state, job.title or job.kind)
    href = str(job.arguments.get("page") or f"/jobs/{job.id}")
    notices.notify(session, job.asked_by, message, href, detail, tone)


def _worded(state: str, title: Any) -> tuple[Any, str]:
    """The sentence with the job's title in it, kept so that both are put into the reader's language."""
    words = {
        DONE: _("Done: %(title)s", title=title),
        FAILED: _("Failed: %(title)s", title=title),
        CANCELLED: _("Cancelled: %(title)s", title=title),
    }
    return words[state], _TONES[state]
