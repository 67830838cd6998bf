"""A job as it stands in the database."""

from __future__ import annotations

from app.engine.adapters.database import db
from app.engine.job import Job


def row(job_id: str) -> Job:
    """The job, read anew."""
    db.session.rollback()
    found = db.session.get(Job, job_id, populate_existing=True)
    assert found is not None
    return found
