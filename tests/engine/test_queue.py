"""The queue's side of jobs, on a real server: the one of REDIS_URL, else an embedded one."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from rq import Queue, SimpleWorker
from rq.job import Job as Message

import jobs
from app.engine.adapters import embedded_queue, queue
from app.engine.adapters.database import db
from app.engine.job import DONE, WAITING, Job, request_job
from config import Settings
from jobs.sweep import sweep
from tests.running.support import eventually


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A queue server that is there for these tests."""
    given = os.environ.get("REDIS_URL")
    if given:
        yield given
        return
    settings = Settings(data_dir=tmp_path_factory.mktemp("queue"), secret_key="x" * 40)
    owner = embedded_queue.EmbeddedQueue.acquire(settings)
    server = subprocess.Popen(owner.command(), pass_fds=(owner.lock,))
    try:
        eventually(lambda: embedded_queue.answers(owner.address.url), 20, "the queue's answer")
        yield owner.address.url
    finally:
        server.terminate()
        server.wait()
        owner.release()


@pytest.fixture
def connected(app: Any, address: str, as_admin: Any) -> Iterator[Any]:
    """The application with that queue, empty."""
    before = app.config["STEWARD"]
    app.config["STEWARD"] = replace(before, redis_url=address)
    app.extensions["steward.queue"].clear()
    _empty()
    yield app
    _empty()
    queue.connection().close()
    app.extensions["steward.queue"].clear()
    app.config["STEWARD"] = before


def _empty() -> None:
    for key in queue.connection().scan_iter("rq:*"):
        queue.connection().delete(key)


@pytest.fixture
def work(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    done: list[str] = []
    monkeypatch.setattr(jobs, "kinds", lambda: {"x": lambda run: done.append(run.id)})
    return done


def burst() -> None:
    """What a worker does until nothing waits."""
    found = [Queue(name, connection=queue.connection()) for name in queue.QUEUES]
    SimpleWorker(found, connection=queue.connection()).work(burst=True, logging_level="ERROR")


def state(job_id: str) -> str:
    db.session.rollback()
    job = db.session.get(Job, job_id, populate_existing=True)
    assert job is not None
    return job.state


def test_a_job_is_sent_and_run(connected: Any, work: list[str]) -> None:
    job_id = request_job("x", {}).id
    assert queue.lengths()["default"] == 1
    assert queue.send(job_id, "default")
    assert queue.lengths()["default"] == 1
    burst()
    assert work == [job_id]
    assert state(job_id) == DONE
    assert not Message.exists(job_id, connection=queue.connection())


def test_what_the_queue_forgot_is_sent_again(connected: Any, work: list[str]) -> None:
    job_id = request_job("x", {}).id
    assert not queue.send_again(job_id, "default")
    _empty()
    assert queue.send_again(job_id, "default")
    queue.connection().delete("rq:queue:default")
    assert queue.send_again(job_id, "default")
    assert queue.lengths()["default"] == 1
    burst()
    assert work == [job_id]


def test_two_sweeps_at_once_send_a_job_once(
    connected: Any, work: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    job_id = request_job("x", {}).id
    queue.connection().delete("rq:queue:default")
    fetch = Message.get_status

    def while_another_sweep_is_faster(message: Any, *given: Any, **named: Any) -> Any:
        monkeypatch.setattr(Message, "get_status", fetch)
        found = fetch(message, *given, **named)
        queue.connection().delete(message.key)
        return found

    monkeypatch.setattr(Message, "get_status", while_another_sweep_is_faster)
    assert queue.send_again(job_id, "default")
    burst()
    assert work == [job_id]


def test_a_run_that_failed_in_the_queue_does_not_block_the_next(
    connected: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(run: Any) -> None:
        raise KeyError("oops")

    monkeypatch.setattr(jobs, "kinds", lambda: {"x": fail})
    job_id = request_job("x", {}).id
    burst()
    assert Message.exists(job_id, connection=queue.connection())
    from app.engine.job import retry

    assert retry(job_id)
    monkeypatch.setattr(jobs, "kinds", lambda: {"x": lambda run: None})
    burst()
    assert state(job_id) == DONE


def test_urgent_jobs_come_first(connected: Any, work: list[str]) -> None:
    wanted = {name: request_job("x", {}, name).id for name in reversed(queue.QUEUES)}
    burst()
    assert work == [wanted[name] for name in queue.QUEUES]


def test_a_silent_queue_fails_no_request(connected: Any, work: list[str], tmp_path: Path) -> None:
    live = connected.config["STEWARD"]
    connected.config["STEWARD"] = replace(live, redis_url=f"unix://{tmp_path}/nobody")
    connected.extensions["steward.queue"].clear()
    job_id = request_job("x", {}).id
    assert state(job_id) == WAITING
    assert sweep()["sent"] == 0
    connected.config["STEWARD"] = live
    connected.extensions["steward.queue"].clear()
    assert queue.send_again(job_id, "default")
    burst()
    assert work == [job_id]


def test_workers_are_counted_while_they_live(connected: Any) -> None:
    assert queue.live_workers() == 0
    worker = SimpleWorker(
        [Queue("default", connection=queue.connection())], connection=queue.connection()
    )
    worker.register_birth()
    assert queue.live_workers() == 1
    worker.register_death()
    assert queue.live_workers() == 0


def test_forgotten_jobs_leave_the_queue(connected: Any, work: list[str]) -> None:
    job_id = request_job("x", {}).id
    queue.forget(job_id)
    queue.forget(job_id)
    assert queue.lengths()["default"] == 0
    with pytest.raises(ValueError, match="no such queue"):
        queue.send(job_id, "nowhere")


def test_a_place_is_kept_for_what_people_wait_for(connected: Any, work: list[str]) -> None:
    """The worker that `run_urgent` starts takes nothing that runs long."""
    wanted = {name: request_job("x", {}, name).id for name in reversed(queue.QUEUES)}
    found = [Queue(name, connection=queue.connection()) for name in queue.URGENT]
    SimpleWorker(found, connection=queue.connection()).work(burst=True, logging_level="ERROR")
    assert work == [wanted["interactive"], wanted["default"]]
    assert state(wanted["bulk"]) == WAITING


def test_a_dead_run_of_which_the_queue_forgot_the_rest_is_sent_again(
    connected: Any, work: list[str]
) -> None:
    job = request_job("x", {})
    message = Message.fetch(job.id, connection=queue.connection())
    queue.connection().lrem(f"rq:queue:{message.origin}", 0, job.id)
    message.set_status("started")
    queue.connection().zadd(message.execution_registry.key, {"gone": time.time() + 60})
    assert queue.send_again(job.id, job.queue, abandoned=True)
    burst()
    assert state(job.id) == DONE
