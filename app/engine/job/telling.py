"""Telling the person who asked how a job has ended, in the transaction that ends it: once, whatever dies."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask_babel import lazy_gettext as _
from sqlalchemy.orm import Session

from app.engine import notices
from app.engine.job.kinds import kind_of
from app.engine.job.models import CANCELLED, DONE, FAILED, Job

Teller = Callable[[Session, Job, notices.Notification], None]
"""Told of each notification about the end of a job, in the transaction that ends it."""

_tellers: list[Teller] = []
_TONES = {DONE: notices.GOOD, FAILED: notices.BAD, CANCELLED: notices.WARN}


def also(teller: Teller) -> Teller:
    """Registers another way in which people are told, such as by mail."""
    if teller not in _tellers:
        _tellers.append(teller)
    return teller


def tell(session: Session, job: Job, state: str, detail: Any = None) -> None:
    """Put the end of a job among its asker's notifications; who asked for nothing is told nothing."""
    kind = kind_of(job.kind)
    if job.asked_by is None or not kind.notifies or (state == DONE and not kind.notifies_done):
        return
    message, tone = _worded(state, job.title or job.kind)
    href = str(job.arguments.get("page") or f"/jobs/{job.id}")
    told = notices.notify(session, job.asked_by, message, href, detail, tone)
    for teller in _tellers:
        teller(session, job, told)


def _worded(state: str, title: Any) -> tuple[Any, str]:
    """The sentence with the job's title in it, kept so that both are put into the reader's language."""
    words = {
        DONE: _("Done: %(title)s", title=title),
        FAILED: _("Failed: %(title)s", title=title),
        CANCELLED: _("Cancelled: %(title)s", title=title),
    }
    return words[state], _TONES[state]
