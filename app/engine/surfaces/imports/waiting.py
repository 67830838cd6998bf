"""Imports that wait for a decision of the viewer, for the first page."""

from __future__ import annotations

import datetime

from flask_babel import gettext
from sqlalchemy import select

from app.engine import attention, policy
from app.engine.adapters.database import db, now
from app.engine.registry import current
from app.engine.surfaces.imports.models import CHECKED, UPLOADED, ImportRun

LATELY = datetime.timedelta(days=14)
MOST = 3


def undecided(viewer: policy.Viewer) -> list[attention.Item]:
    """Files that the viewer has brought and not yet let in, the newest first."""
    runs = db.session.scalars(
        select(ImportRun)
        .where(
            ImportRun.user_id == viewer.user_id,
            ImportRun.state.in_((UPLOADED, CHECKED)),
            ImportRun.created_at > now() - LATELY,
        )
        .order_by(ImportRun.id.desc())
        .limit(MOST)
    )
    entities = current().entities
    return [
        attention.Item(
            gettext("The import of %(file)s waits for your decision", file=run.file_name),
            f"/import/{entities[run.entity].key}/{run.id}",
            "upload",
            "warn",
        )
        for run in runs
        if run.entity in entities and viewer.can(run.entity, "import")
    ]
