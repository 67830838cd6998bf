"""Asking for an undo that is too large to wait for: once for each change set, whoever asks."""

from __future__ import annotations

from typing import Any

from flask_babel import lazy_gettext as _
from sqlalchemy import select

from app.engine.adapters.database import in_turn, write_transaction
from app.engine.errors import InvalidInput
from app.engine.job import RUNNING, WAITING, Job, request_job
from app.engine.policy import current_viewer

KIND = "undo"


def request_undo(
    change_set_id: int,
    title: Any,
    queue: str = "default",
    total: int | None = None,
    page: str | None = None,
) -> Job:
    """The job that takes the change set back: a new one, or the viewer's own that is at it already.

    Raises InvalidInput where somebody else's is. `page`: where its asker sees what came of it.
    """
    viewer = current_viewer()
    with write_transaction() as session:
        in_turn(session, [f"undo {change_set_id}"])
        unfinished = select(Job).where(Job.kind == KIND, Job.state.in_((WAITING, RUNNING)))
        for job in session.scalars(unfinished):
            if job.arguments.get("change_set") == change_set_id:
                if job.asked_by == viewer.user_id:
                    return job
                raise InvalidInput.of(None, _("This is being taken back already."))
        arguments = {"change_set": change_set_id, **({"page": page} if page else {})}
        return request_job(KIND, arguments, queue, title, total)
