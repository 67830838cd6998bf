"""Checks and runs imports."""

from __future__ import annotations

from typing import Any

from flask_babel import lazy_gettext as _

from app.engine.adapters.database import db, write_transaction
from app.engine.adapters.storage import store
from app.engine.errors import StewardError
from app.engine.job import Run
from app.engine.surfaces.imports import CHECKED, CHECKING, ImportRun, Runner
from app.engine.surfaces.imports import check as check_file


def check(run: Run) -> dict[str, Any]:
    """Make the preview of the import `import`; leaves nothing else behind."""
    row = _import_of(run)
    with store().local(str(row.file_path)) as path:
        preview = check_file(row.entity, path, row.file_name, row.decided, run.progress)
    with write_transaction() as session:
        run.hold(session)
        fresh = session.get_one(ImportRun, row.id, populate_existing=True)
        if fresh.state == CHECKING:
            fresh.plan = preview.as_json()
            fresh.state = CHECKED
    return preview.counts


def run(run: Run) -> dict[str, Any]:
    """Carry the import out from where it stands."""
    row = _import_of(run)
    with store().local(str(row.file_path)) as path:
        done = Runner(row.id, path, run.hold).run()
    return {**(done.counts or {}), "change_set": done.change_set_id}


def _import_of(run: Run) -> ImportRun:
    row: ImportRun | None = db.session.get(
        ImportRun, int(run.arguments["import"]), populate_existing=True
    )
    if row is None:
        raise StewardError(_("This import was discarded."))
    return row
