"""What the tests of files' contents share: files that are filed, and the jobs that then read them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from unittest import mock

from sqlalchemy import delete, select

from app.engine import files
from app.engine.adapters.database import db, write_transaction
from app.engine.contents import Contents, asking, work
from app.engine.job import DONE, Job
from jobs import run_job
from tests import factories

KINDS = (asking.READ.name, asking.DRAW.name)


def brought(make: Callable[[Path], Any], name: str) -> int:
    """The number of a file, made by `make` and brought by whoever acts."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / name
        make(path)
        return int(files.put(path, name).id)


def filed(make: Callable[[Path], Any], name: str, **values: Any) -> Any:
    """A leaf that holds the file."""
    return factories.make("Leaf", content=brought(make, name), name=name, **values)


def waiting(*kinds: str) -> list[Job]:
    """The jobs that wait to read or draw."""
    db.session.rollback()
    statement = select(Job).where(Job.kind.in_(kinds or KINDS), Job.state == "waiting")
    return list(db.session.scalars(statement.order_by(Job.created_at, Job.id)))


def read_all() -> int:
    """Do what was asked for; how many jobs."""
    asked = waiting()
    for job in asked:
        run_job(job.id)
        db.session.rollback()
        row = db.session.get_one(Job, job.id, populate_existing=True)
        assert row.state == DONE, row.message
    return len(asked)


def read_quickly() -> None:
    """What the jobs would do of files that are all short texts, without a process for each."""

    def text(path: Path, _media_type: str) -> Contents:
        return Contents((path.read_text(),))

    def shown(path: Path, _media_type: str) -> list[dict[str, Any]]:
        return [{"text": path.read_text(), "cut": False}]

    with mock.patch.multiple(work, read=text, show=shown):
        for job in waiting(asking.READ.name):
            work.read_file(int(job.arguments["file"]), lambda _session: None)
    with write_transaction() as session:
        session.execute(delete(Job).where(Job.kind == asking.READ.name))
