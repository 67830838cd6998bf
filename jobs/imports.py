"""Checks and runs imports."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask_babel import lazy_gettext as _
from sqlalchemy.orm import Session

from app.engine import policy, registry
from app.engine.adapters.database import db, write_transaction
from app.engine.adapters.storage import store
from app.engine.errors import NotAllowed, StewardError
from app.engine.job import Run
from app.engine.surfaces.imports import (
    CHECKED,
    CHECKING,
    ImportRun,
    Runner,
    forget_refusals,
    keep_refusals,
)
from app.engine.surfaces.imports import check as check_file


def check(run: Run) -> dict[str, Any]:
    """Make the preview of the import `import`; leaves nothing else behind."""
    row = _import_of(run)

    def keep(refused: Sequence[Any]) -> None:
        with write_transaction() as session:
            run.hold(session)
            keep_refusals(session, row.id, refused)

    with write_transaction() as session:
        run.hold(session)
        forget_refusals(session, row.id)
    with store().local(str(row.file_path)) as path:
        preview = check_file(row.entity, path, row.file_name, row.decided, run.progress, keep)
    with write_transaction() as session:
        run.hold(session)
        fresh = session.get_one(ImportRun, row.id, populate_existing=True)
        if fresh.state == CHECKING:
            fresh.plan = preview.as_json()
            fresh.state = CHECKED
    return preview.counts


def run(run: Run) -> dict[str, Any]:
    """Carry the import out from where it stands."""
    row, viewer = _import_of(run), policy.current_viewer()

    def hold(session: Session, **values: Any) -> None:
        _same_rights(run, viewer)
        run.hold(session, **values)

    with store().local(str(row.file_path)) as path:
        done = Runner(row.id, path, hold).run()
    return {**(done.counts or {}), "change_set": done.change_set_id}


def _same_rights(run: Run, viewer: policy.Viewer) -> None:
    """Raises NotAllowed where the asker's rights have changed since the run began.

    Each batch is written with the rights that its person has then, so the run ends; it can go on
    with those of now.
    """
    if run.job.asked_by is None:
        return
    policy.refresh_rights(registry.versions())
    fresh = policy.viewer_by_id(run.job.asked_by, anew=True)
    if fresh.rights != viewer.rights:
        raise NotAllowed(
            _("Your rights have changed meanwhile. What was imported so far stays; the rest can go on.")
        )  # fmt: skip


def _import_of(run: Run) -> ImportRun:
    row: ImportRun | None = db.session.get(
        ImportRun, int(run.arguments["import"]), populate_existing=True
    )
    if row is None:
        raise StewardError(_("This import was discarded."))
    return row
