"""What each day brings: periods that have ended, holds that have run out, papers that are missing."""

from __future__ import annotations

from typing import Any

from flask_babel import lazy_gettext as _
from sqlalchemy import select

from app.domains.documents import holding, papers
from app.domains.documents.choices import DocumentState, today
from app.domains.documents.document import Document
from app.engine.errors import InvalidInput
from app.engine.job import JobKind, declare
from app.engine.registry import current

KIND = declare(JobKind("documents.due", _("Periods and papers of documents"), queue="bulk"))


def fall_due(changes: Any, after: int, most: int) -> tuple[int, int, int | None]:
    """Let archived documents fall due whose period is over: how many did and were held, and the last.

    What is held stays in the archive and falls due on the day after it was released. The next ones
    come after the id that is given back; None: there are none.
    """
    model: Any = Document
    statement = (
        select(model.id)
        .where(
            model.state == DocumentState.ARCHIVED.value,
            model.retain_until < today(),
            model.id > after,
        )
        .order_by(model.id)
        .limit(most)
    )
    ids = changes.session.scalars(statement).all()
    due = 0
    for record_id in ids:
        due += _falls_due(changes, record_id)
    return due, len(ids) - due, ids[-1] if len(ids) == most else None


def _falls_due(changes: Any, record_id: int) -> bool:
    try:
        with changes.attempt():
            state = {"state": DocumentState.DUE.value}
            changes.update(current().entity("Document"), record_id, state)
    except InvalidInput:
        return False
    return True


def take_stock(changes: Any) -> dict[str, int]:
    """Note anew on all documents what days and other records have changed; on how many."""
    return {"held": holding.note(changes), "papers": papers.note(changes)}


__all__ = ["KIND", "fall_due", "take_stock"]
