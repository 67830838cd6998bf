"""Exports by mail: told to whom they go when they are ready, with the file only where that is wanted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask_babel import lazy_gettext as _
from sqlalchemy.orm import Session

from app.engine import mails
from app.engine.job import Job
from app.engine.job_files import recipients
from app.engine.surfaces.exports.request import Request


def ask_for_mails(session: Session, job: Job, wanted: Request, result: Mapping[str, Any]) -> None:
    """Have each recipient mailed, in the transaction that ends the export."""
    if wanted.mail is None:
        return
    entities, rows = wanted.definition.plural, f"{result['rows']:,}"
    for user_id in recipients(job):
        mine = user_id == job.asked_by
        subject = _("Export: %(entities)s", entities=entities)
        line = _("Your export is ready: %(entities)s, %(rows)s rows.", entities=entities, rows=rows)
        if not mine:
            line = _(
                "%(who)s has exported this for you: %(entities)s, %(rows)s rows.",
                who=job.asked_by_name,
                entities=entities,
                rows=rows,
            )
        mails.ask(
            session,
            cause=f"export:{job.id}:{user_id}",
            user_id=user_id,
            subject=subject,
            lines=[line],
            href=f"/jobs/{job.id}" if mine else f"/jobs/{job.id}/download",
            file_of=job.id,
            attach=wanted.mail.attach,
        )
