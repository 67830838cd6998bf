"""A job in the reader's words: its state, how far it has come, how long it will still take."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from typing import Any

from flask_babel import format_timedelta, gettext, lazy_ngettext
from flask_babel import lazy_gettext as _

from app.engine.adapters.database import now
from app.engine.adapters.disk import no_room
from app.engine.adapters.i18n import full_time
from app.engine.job import (
    CANCELLED,
    DONE,
    ERROR,
    FAILED,
    INFO,
    LEASE,
    RUNNING,
    WAITING,
    WARNING,
    Job,
    JobLine,
    kind_of,
    runner,
)
from app.engine.job.watch import BEAT_SECONDS
from app.engine.messages import thaw

STATES: dict[str, tuple[Any, str]] = {
    WAITING: (_("Waiting"), "neutral"),
    RUNNING: (_("Running"), "accent"),
    DONE: (_("Done"), "good"),
    FAILED: (_("Failed"), "bad"),
    CANCELLED: (_("Cancelled"), "warn"),
}
"""Each state's word and tone."""

LEVELS: dict[str, tuple[Any, str]] = {
    INFO: (_("Note"), "neutral"),
    WARNING: (_("Warning"), "warn"),
    ERROR: (_("Error"), "bad"),
}
"""Each level of a log's line, its word and tone."""

_FIRST_GUESS_SECONDS = 3
_SILENT = datetime.timedelta(seconds=2.5 * BEAT_SECONDS)


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
    kind: str = ""


@dataclass(frozen=True)
class Line:
    """A line of the log, ready to be shown."""

    at: datetime.datetime
    level: str
    tone: str
    text: str


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
        kind=str(kind_of(job.kind).label),
    )


def described_line(line: JobLine) -> Line:
    """Everything a page says of a line of the log."""
    word, tone = LEVELS[line.level]
    return Line(line.at, str(word), tone, thaw(line.message))


def duration(span: datetime.timedelta) -> Any:
    """A length of time in round words, in the language of whoever reads it."""
    minutes = max(round(span.total_seconds() / 60), 1)
    if minutes % 60:
        return lazy_ngettext("%(num)s minute", "%(num)s minutes", minutes)
    return lazy_ngettext("%(num)s hour", "%(num)s hours", minutes // 60)


def taken(job: Job) -> str:
    """How long the last run took, or has taken so far."""
    if job.started_at is None:
        return ""
    span = (job.finished_at or now()) - job.started_at
    if job.state == WAITING or span < datetime.timedelta():
        return ""
    return str(format_timedelta(span, granularity="second", threshold=1.5))


def _silence(job: Job) -> str:
    """What is waited for, where the process that ran it is gone or has not been heard of."""
    dead = runner.is_dead(job.runner)
    if dead and no_room():
        return str(gettext("The disk is full. Make room, and a worker goes on by itself"))
    if dead:
        return str(gettext("Its process has died. Waiting for a worker to take over"))
    heard = job.heartbeat_at or job.started_at
    if heard is None or now() - heard < _SILENT:
        return ""
    return str(
        gettext(
            "No sign of life since %(when)s. Waiting; a worker takes over at %(then)s",
            when=full_time(heard),
            then=full_time(heard + LEASE),
        )
    )


def _figures(job: Job) -> str:
    """How many of how many, how fast, how long still."""
    if job.state == WAITING:
        if job.due_at is not None and job.due_at > now():
            return str(gettext("Tries again at %(when)s", when=full_time(job.due_at)))
        return str(gettext("Waiting for a worker"))
    if job.state == RUNNING and (silence := _silence(job)):
        return silence
    if job.state != RUNNING or not job.total:
        return ""
    total = max(job.total, job.done)
    words = str(gettext("%(done)s of %(total)s", done=f"{job.done:,}", total=f"{total:,}"))
    seconds = (now() - job.started_at).total_seconds() if job.started_at else 0.0
    lately = job.done - job.resumed_from
    if seconds < _FIRST_GUESS_SECONDS or lately <= 0:
        return words
    rate = lately / seconds
    left = format_timedelta(max(job.total - job.done, 0) / rate, granularity="second")
    said = gettext(
        "%(done)s, %(rate)s per second, about %(left)s left",
        done=words,
        rate=f"{rate:,.0f}",
        left=left,
    )
    return str(said)
