"""The process that archives is killed, again and again: each package comes out once, whole, without a gap."""

from __future__ import annotations

import io
import os
import random
import signal
import time
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import select

import jobs
from app.domains.documents.package import ArchiveItem
from app.engine import policy
from app.engine.adapters import queue
from app.engine.adapters.database import db
from app.engine.adapters.storage import store
from app.engine.archives import checking, proof
from app.engine.job import Job, free_dead_runs, retry, scratch
from app.engine.job import models as states
from tests.domains.documents import act, fresh, update
from tests.domains.test_archiving import a_class
from tests.factories import filed, make, viewer

FULL = os.environ.get("STEWARD_PROOF") == "full"
KILLS = 100 if FULL else 6
ITEMS = 12
LONGEST = 1.2
"""Seconds after which a run is killed at the latest: about as long as one needs."""

pytestmark = pytest.mark.proof


@pytest.fixture(autouse=True)
def _no_queue(app: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(queue, "send", lambda *_given, **_named: True)
    monkeypatch.setattr(queue, "send_again", lambda *_given, **_named: True)
    monkeypatch.setattr("jobs.archiving.BATCH", 3)
    for path in (*store().paths("archives"), *store().paths("files")):
        store().remove(path)
    with policy.acting_as(viewer("admin")):
        yield


def documents(kind: Any) -> None:
    for number in range(ITEMS):
        document = make("Document", document_class=kind.id)
        version = make("DocumentVersion", document=document.id)
        content = random.Random(number).randbytes(300_000)
        make("DocumentFile", document_version=version.id, content=filed(content))
        update(document, state="in_review")
        update(document, state="in_force")


ARCHIVES = Job.kind.like("archive.%")


def waiting() -> Any:
    """The job to be run next; one that failed, since it was killed too often, is tried again."""
    db.session.rollback()
    for job in db.session.scalars(select(Job).where(Job.state == states.FAILED, ARCHIVES)).all():
        retry(job.id)
    statement = select(Job).where(Job.state.in_((states.WAITING, states.RUNNING)), ARCHIVES)
    return db.session.scalar(statement, execution_options={"populate_existing": True})


def killed(job_id: str, after: float) -> bool:
    """A process of its own runs the job and is killed so much later; whether it still ran then."""
    db.session.remove()
    child = os.fork()
    if child == 0:
        db.engine.dispose(close=False)
        jobs.run_job(job_id)
        os._exit(0)
    until = time.monotonic() + after
    while time.monotonic() < until:
        if os.waitpid(child, os.WNOHANG)[0]:
            return False
        time.sleep(0.005)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return True


def whole(package: Any) -> list[int]:
    """Checks a sealed package; gives the places of its items in their series."""
    made = fresh(package, "ArchivePackage")
    assert (made.state, made.items) == ("sealed", ITEMS)
    content = store().open(made.path).read()
    assert checking.seal_of(io.BytesIO(content)) == made.seal
    item: Any = ArchiveItem
    with policy.unrestricted("a test looks at all of it") as session:
        return sorted(session.scalars(select(item.place).where(item.package_id == made.id)))


def test_each_package_comes_out_once_and_whole(app: Any) -> None:
    chance = random.Random(8493)
    kind, fonds = a_class(code="TH"), make("Fonds", code="R001")
    kills, packages = 0, []
    while kills < KILLS:
        documents(kind)
        package = make("ArchivePackage", by_rule=True, document_class=kind.id, fonds=fonds.id)
        packages.append(package)
        while (job := waiting()) is not None:
            if kills < KILLS:
                kills += killed(job.id, chance.uniform(0, LONGEST))
                free_dead_runs()
            else:
                jobs.run_job(job.id)
            if waiting() is None and fresh(package, "ArchivePackage").state == "open":
                act(package, "seal", "ArchivePackage")
    places = [place for package in packages for place in whole(package)]
    assert places == list(range(1, len(packages) * ITEMS + 1)), "no gap, no number twice"
    assert len(store().paths("archives")) == len(packages), "no orphan"
    scratch.sweep()
    assert [one for one in proof.verify().findings if not one.startswith("register: ")] == []
    print(f"killed {kills} times over {len(packages)} packages")
