"""A job in the reader's words: its state, how far it has come, how long it will still take."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask_babel import format_timedelta, gettext
from flask_babel import lazy_gettext as _

from app.engine.adapters.database import now
from app.engine.job import CANCELLED, DONE, FAILED, RUNNING, WAITING, Job
from app.engine.messages import thaw

STATES: dict[str, tuple[Any, str]] = {
    WAITING: (_("Waiting"), "neutral"),
    RUNNING: (_("Running"), "accent"),
    DONE: (_("Done"), "good"),
    FAILED: (_("Failed"), "bad"),
    CANCELLED: (_("Cancelled"), "warn"),
}
"""Each state's word and tone."""

_FIRST_GUESS_SECONDS = 3


@dataclass(frozen=True)
class Described:
    """A job, ready to be shown."""

    job: Job
    title: str
    state: str
    tone: str
    message: str
    percent: int
    figures: str


def described(job: Job) -> Described:
    """Everything a page says of a job."""
    word, tone = STATES[job.state]
    return Described(
        job=job,
        title=thaw(job.title) or job.kind,
        state=str(word),
        tone=tone,
        message=thaw(job.message),
        percent=job.percent or 0,
        figures=_figures(job),
    )


def _figures(job: Job) -> str:
    """How many of how many, how fast, how long still."""
    if job.state == WAITING:
        return str(gettext("Waiting for a worker"))
    if job.state != RUNNING or not job.total:
        return ""
    total = max(job.total, job.done)
    words = str(gettext("%(done)s of %(total)s", done=f"{job.done:,}", total=f"{total:,}"))
    seconds = (now() - job.started_at).total_seconds() if job.started_at else 0.0
    if seconds < _FIRST_GUESS_SECONDS or not job.done:
        return words
    rate = job.done / seconds
    left = format_timedelta(max(job.total - job.done, 0) / rate, granularity="second")
    said = gettext(
        "%(done)s, %(rate)s per second, about %(left)s left",
        done=words,
        rate=f"{rate:,.0f}",
        left=left,
    )
    return str(said)
