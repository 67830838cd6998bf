"""Takes back a change set that is too large to wait for."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from app.engine import changes
from app.engine.adapters.database import db
from app.engine.changes.models import PARTLY, UNDONE
from app.engine.job import Run


def run(run: Run) -> dict[str, Any]:
    """Undo the change set `change_set`; runs again from where it stopped."""
    change_set_id = int(run.arguments["change_set"])
    finished = _report_of(change_set_id)
    if finished is not None:
        return finished
    return changes.undo(change_set_id, on_progress=run.progress, hold=run.hold).as_json()


def _report_of(change_set_id: int) -> dict[str, Any] | None:
    """What an earlier run of this job came to, if it finished and could not say so any more."""
    target = db.session.get(changes.ChangeSet, change_set_id, populate_existing=True)
    if target is None or target.state not in (UNDONE, PARTLY):
        return None
    report: dict[str, Any] | None = db.session.scalar(
        select(changes.ChangeSet.report)
        .where(changes.ChangeSet.undoes_id == change_set_id)
        .order_by(changes.ChangeSet.id.desc())
        .limit(1)
    )
    return report
