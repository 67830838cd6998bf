"""What nobody needs is taken away; what a record, its trash or its history needs never is."""

from __future__ import annotations

import datetime
import io
from typing import Any

import pytest
from sqlalchemy import select, update

from app.engine import files, registry
from app.engine.adapters.database import db, now, write_transaction
from app.engine.adapters.storage import Storage, store
from app.engine.changes import change_set
from app.engine.changes.undo import undo
from app.engine.files import sweeping, uploads
from app.engine.files.keeping import UNFINISHED
from app.engine.query import Records
from tests.factories import make

LONG_AGO = datetime.timedelta(days=2)


def leaf() -> registry.EntityDefinition:
    return registry.current().entity("Leaf")


def put(content: bytes) -> files.StoredFile:
    return files.put(io.BytesIO(content), "x.txt")


def days_later() -> None:
    """All that has happened so far happened long ago."""
    with write_transaction() as session:
        past = now() - LONG_AGO
        session.execute(update(files.StoredFile).values(created_at=past))
        session.execute(update(files.FileUpload).values(expires_at=past))


def sweep() -> int:
    while sweeping.sweep_uploads():
        pass
    return sweeping.sweep_contents()


def there(stored: files.StoredFile) -> bool:
    row = db.session.scalar(select(files.StoredFile.id).where(files.StoredFile.id == stored.id))
    assert (row is not None) == store().has(stored.path)
    return row is not None


@pytest.fixture(autouse=True)
def _nothing_else(as_admin: Any) -> None:
    for folder in (files.models.FOLDER, uploads.FOLDER):
        for path in store().paths(folder):
            store().remove(path)


def test_a_content_that_nobody_filed_goes_after_a_day(as_admin: Any) -> None:
    stored = put(b"never filed")
    assert sweep() == 0
    assert there(stored)
    days_later()
    assert sweep() == 1
    assert not there(stored)


def test_what_somebody_brought_again_stays(as_admin: Any) -> None:
    stored = put(b"brought again")
    days_later()
    put(b"brought again")
    assert sweep() == 0
    assert there(stored)


def test_records_trash_and_history_keep_theirs(as_admin: Any) -> None:
    contents = [put(f"content {n}".encode()) for n in range(4)]
    first, second, third, fourth = contents
    changed = make("Leaf", content=first.id)
    trashed = make("Leaf", content=third.id)
    with change_set("form") as changes:
        changes.update(leaf(), changed.id, {"content": second.id})
        changes.trash(leaf(), trashed.id)
    with change_set("form") as made:
        made.create(leaf(), {"name": "x", "content": fourth.id})
    undo(made.id or 0)
    days_later()
    assert sweep() == 0
    assert all(map(there, contents)), "undone twice, each is needed again"
    with change_set("form") as changes:
        changes.purge(leaf(), trashed.id)
    assert sweep() == 1
    assert not there(third)
    undo(changes_of(changed.id))
    assert Records(leaf()).get(changed.id)["content"] == first.id


def changes_of(record_id: int) -> int:
    from app.engine.changes import Change

    statement = select(Change.change_set_id).where(
        Change.entity == "Leaf", Change.record_id == record_id, Change.kind == "update"
    )
    return int(db.session.scalar(statement) or 0)


def test_who_comes_to_need_it_while_it_is_swept_has_it(
    as_admin: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored = put(b"just in time")
    days_later()
    sweeping.sweep_uploads()
    found = sweeping._candidates(0)
    assert found == [stored.id]
    make("Leaf", content=put(b"just in time").id)
    monkeypatch.setattr(sweeping, "_candidates", lambda after: [] if after else found)
    assert sweeping.sweep_contents() == 0
    assert there(stored)


def test_an_upload_left_alone_goes_with_its_parts(as_admin: Any) -> None:
    upload = uploads.begin("x.bin", 100)
    uploads.take(upload, 0, io.BytesIO(b"x" * 50))
    assert sweeping.sweep_uploads() == 0
    days_later()
    assert sweeping.sweep_uploads() == 1
    assert not store().paths(uploads.FOLDER)


def test_what_a_killed_process_left_goes_after_a_day(
    as_admin: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload = uploads.begin("x.bin", 100)
    uploads.take(upload, 0, io.BytesIO(b"x" * 50))
    for path in (f"{UNFINISHED}/half", f"{uploads.FOLDER}/gone/0-x", f"{uploads.FOLDER}/y.part"):
        store().write(path, io.BytesIO(b"half"))
    assert sweeping.sweep_leftovers() == 0
    monkeypatch.setattr(Storage, "written_at", lambda self, path: now() - LONG_AGO)
    assert sweeping.sweep_leftovers() == 3
    assert len(store().paths(uploads.FOLDER)) == 1, "the part of an upload under way"


def test_the_job_says_what_it_did(as_admin: Any, sent: Any) -> None:
    import jobs
    from app.engine.job import Job, request_job
    from jobs import run_job

    put(b"of the job")
    days_later()
    job = request_job("files.sweep", {}, title="x")
    run_job(job.id)
    done = db.session.get(Job, job.id, populate_existing=True)
    assert done is not None
    assert (done.state, done.result) == ("done", {"uploads": 1, "leftovers": 0, "contents": 1})
    assert "files.sweep" in jobs.kinds()


def test_who_made_something_of_a_content_hears_that_it_goes(
    as_admin: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []
    monkeypatch.setattr(sweeping, "_forgetting", [told.append])
    stored = put(b"heard of")
    days_later()
    sweep()
    assert told == [stored.sha256]
