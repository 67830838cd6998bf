"""The process that runs an import is killed, again and again; the result is that of one whole run."""

from __future__ import annotations

import io
import os
import signal
import time
from typing import Any

import pytest
from sqlalchemy import func, select

import jobs
from app.engine import changes, policy
from app.engine.adapters import queue
from app.engine.adapters.database import db
from app.engine.job import Job, free_dead_runs
from app.engine.surfaces.imports import ImportRun, batches
from tests.engine.toys import Parcel, Shelf

ROWS = 300
KILLS = 3


@pytest.fixture(autouse=True)
def _no_queue(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queue, "send", lambda job_id, name: True)
    monkeypatch.setattr(queue, "send_again", lambda *_given, **_named: True)
    monkeypatch.setattr(batches.Reading.batches, "__defaults__", (5,))


def started(client: Any) -> ImportRun:
    lines = "".join(f"包裹{n},{n},架{n % 40}\r\n" for n in range(ROWS))
    file = (io.BytesIO(f"name,code,shelf\r\n{lines}包裹,x,\r\n,y,\r\n".encode()), "rows.csv")
    here = client.post("/import/parcel", data={"file": file}).headers["Location"]
    client.post(f"{here}/check", data={"make-shelf": "1"})
    number = int(here.rsplit("/", 1)[1])
    jobs.run_job(str(run_of(number).job_id))
    client.post(f"{here}/start")
    return run_of(number)


def run_of(number: int) -> ImportRun:
    db.session.rollback()
    return db.session.get_one(ImportRun, number, populate_existing=True)


def killed_after(run: ImportRun, position: int) -> bool:
    """A process of its own works at the import and is killed beyond that line; whether it was."""
    db.session.remove()
    child = os.fork()
    if child == 0:
        db.engine.dispose(close=False)
        jobs.run_job(str(run.job_id))
        os._exit(0)
    until = time.monotonic() + 60
    while time.monotonic() < until and run_of(run.id).position < position:
        if os.waitpid(child, os.WNOHANG)[0]:
            return False
        time.sleep(0.002)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return True


def test_a_killed_import_comes_to_what_one_run_comes_to(client: Any, app: Any) -> None:
    run = started(client)
    planned = run.plan or {}
    assert (planned["new"], planned["made"], planned["refused"]) == (ROWS + 1, 40, 1)
    killed = []
    for kill in range(KILLS):
        killed.append(killed_after(run, 20 + 60 * kill))
        free_dead_runs()
    assert any(killed)
    assert db.session.get_one(Job, str(run.job_id), populate_existing=True).state == "waiting"
    jobs.run_job(str(run.job_id))
    done = run_of(run.id)
    assert done.state == "done"
    assert {name: planned[name] for name in done.counts or {}} == done.counts
    with policy.acting_as(policy.SYSTEM_VIEWER):
        assert db.session.scalar(select(func.count(Parcel.id))) == ROWS + 1
        assert len(set(db.session.scalars(select(Shelf.name)))) == 40
        assert db.session.scalar(select(func.count(Shelf.id))) == 40
        assert changes.undo(done.change_set_id or 0).reversed == ROWS + 41
        assert db.session.scalar(select(func.count(Parcel.id))) == 0
