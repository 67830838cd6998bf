"""Who has files read: whoever files one, in the transaction that does; and time, for new readers."""

from __future__ import annotations

import datetime
from collections.abc import Collection, Mapping
from typing import Any

from flask_babel import lazy_gettext as _
from sqlalchemy import and_, or_, select

from app.engine import policy
from app.engine.adapters.database import db, now
from app.engine.contents.keeping import about
from app.engine.job import FAILED, RUNNING, WAITING, Job, JobKind, declare, request_job

READ = declare(
    JobKind(
        "contents.read",
        _("Reading of a file"),
        queue="bulk",
        limit=datetime.timedelta(hours=1),
        notifies=False,
    )
)
DRAW = declare(
    JobKind(
        "contents.draw",
        _("Pictures of pages"),
        limit=datetime.timedelta(minutes=20),
        notifies=False,
    )
)
AGAIN = declare(
    JobKind("contents.again", _("Reading of files by newer readers"), queue="bulk", notifies=False)
)

PAUSE = datetime.timedelta(minutes=10)
"""So long what has failed is not asked for again."""


def ask_to_read(file_ids: Collection[int]) -> None:
    """Have files read, on nobody's behalf: what is in one does not depend on who has filed it."""
    with policy.acting_as(policy.SYSTEM_VIEWER):
        for file_id in file_ids:
            request_job(READ.name, {"file": file_id}, queue=READ.queue, title=READ.label)


def ask_to_draw(file_id: int, batch: int) -> None:
    """Have a batch of pages drawn, unless they are or somebody has asked already."""
    known = about(file_id)
    if known is None or batch in known.drawn or known.draw_problem is not None:
        return
    _ask_once(DRAW, {"file": file_id, "batch": batch})


def ask_once_to_read(file_id: int) -> None:
    """Have a file read that somebody wants to look at, unless it is about to be."""
    _ask_once(READ, {"file": file_id})


def _ask_once(kind: JobKind, wanted: Mapping[str, Any]) -> None:
    """Unless the same is waiting or running, or has failed just now: a page that waits asks again."""
    under_way = select(Job).where(
        Job.kind == kind.name,
        or_(
            Job.state.in_((WAITING, RUNNING)),
            and_(Job.state == FAILED, Job.finished_at > now() - PAUSE),
        ),
    )
    if any(job.arguments == wanted for job in db.session.scalars(under_way)):
        return
    with policy.acting_as(policy.SYSTEM_VIEWER):
        request_job(kind.name, wanted, queue=kind.queue, title=kind.label)
