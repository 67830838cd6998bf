"""How a run ends otherwise than well, what is done about it, and what its log says."""

from __future__ import annotations

import datetime
import errno
import functools
import shutil
import subprocess
import sys
import time
from typing import Any

import pytest
from flask_babel import force_locale, lazy_gettext
from sqlalchemy import select, update
from sqlalchemy.exc import OperationalError

import jobs
from app.engine.adapters.beside import BesideEnded
from app.engine.adapters.database import db, now, write_transaction
from app.engine.job import (
    DONE,
    FAILED,
    MAX_ATTEMPTS,
    RUNNING,
    WAITING,
    Job,
    JobKind,
    JobLine,
    JobLost,
    Run,
    cancel,
    claim,
    declare,
    free_dead_runs,
    request_job,
    runner,
)
from app.engine.job.run import MOST_LINES
from app.engine.job.watch import OutOfTime, alive
from app.engine.job_words import described
from app.engine.messages import thaw
from tests.engine.job_rows import row

_ = lazy_gettext


pytestmark = pytest.mark.usefixtures("sent")


def log_of(job_id: str) -> list[tuple[str, str]]:
    db.session.rollback()
    lines = db.session.scalars(
        select(JobLine).where(JobLine.job_id == job_id).order_by(JobLine.id)
    ).all()
    with force_locale("en"):
        return [(line.level, thaw(line.message)) for line in lines]


def lost_connection() -> OperationalError:
    return OperationalError("SELECT 1", {}, Exception("server closed the connection"))


def test_a_log_is_kept_with_the_job_and_read_in_the_readers_language(
    as_admin: Any, work: dict[str, Any]
) -> None:
    def do(run: Run) -> None:
        run.log(_("There is no field “%(name)s”.", name="x"), "warning")

    work["x"] = do
    job_id = request_job("x", {}).id
    jobs.run_job(job_id)
    assert log_of(job_id) == [
        ("info", "Started."),
        ("warning", "There is no field “x”."),
        ("info", "Done."),
    ]
    with force_locale("zh"):
        assert "字段" in thaw(db.session.scalars(select(JobLine.message)).all()[1])


def test_a_log_has_an_end(as_admin: Any, work: dict[str, Any]) -> None:
    def do(run: Run) -> None:
        for number in range(MOST_LINES + 50):
            run.log(f"line {number}")

    work["x"] = do
    job_id = request_job("x", {}).id
    jobs.run_job(job_id)
    lines = log_of(job_id)
    assert len(lines) == MOST_LINES + 1
    assert lines[-1][1] == "Further lines are left out."
    assert row(job_id).state == DONE


@pytest.mark.parametrize(
    "fault",
    [lost_connection(), ConnectionResetError("gone"), TimeoutError("slow"), BesideEnded("killed")],
)
def test_what_passes_by_itself_is_tried_again_later(
    as_admin: Any, work: dict[str, Any], fault: Exception
) -> None:
    def fail(run: Run) -> None:
        raise fault

    work["x"] = fail
    job_id = request_job("x", {}).id
    pauses = []
    for _attempt in range(MAX_ATTEMPTS - 1):
        jobs.run_job(job_id)
        waits = row(job_id)
        assert waits.state == WAITING
        assert waits.due_at is not None
        pauses.append((waits.due_at - now()).total_seconds())
        assert claim(job_id) is None
        with write_transaction() as session:
            session.execute(update(Job).values(due_at=now()))
    assert pauses == sorted(pauses)
    assert pauses[-1] > 4 * pauses[0]
    jobs.run_job(job_id)
    assert row(job_id).state == FAILED
    assert "did not answer" in log_of(job_id)[-1][1]


def test_what_stays_until_somebody_mends_it_fails_at_once(
    as_admin: Any, work: dict[str, Any]
) -> None:
    def fail(run: Run) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    work["x"] = fail
    job_id = request_job("x", {}).id
    jobs.run_job(job_id)
    assert row(job_id).state == FAILED
    assert log_of(job_id)[-1] == (
        "error",
        "The disk is full. What was written so far stays; make room and try again.",
    )


def test_a_run_that_takes_too_long_is_stopped(as_admin: Any, work: dict[str, Any]) -> None:
    def dawdle(run: Run) -> None:
        try:
            while True:
                time.sleep(0.01)
        except Exception as error:  # a job's own carelessness must not save it
            raise AssertionError from error

    declare(JobKind("slow", "Slow", limit=datetime.timedelta(seconds=0.2)))
    work["slow"] = dawdle
    job_id = request_job("slow", {}).id
    jobs.run_job(job_id)
    assert row(job_id).state == FAILED
    assert "was stopped" in log_of(job_id)[-1][1]
    assert issubclass(OutOfTime, BaseException)


def test_getting_further_counts_the_attempts_anew(as_admin: Any) -> None:
    job_id = request_job("x", {}, total=100).id
    for attempt in range(2 * MAX_ATTEMPTS):
        run = claim(job_id)
        assert run is not None
        run.progress(attempt + 1, every=0)
        die(job_id)
        assert free_dead_runs() == 1
        assert row(job_id).state == WAITING
    assert row(job_id).done == 2 * MAX_ATTEMPTS


def die(job_id: str) -> None:
    """As if the run's process were one that has ended."""
    with write_transaction() as session:
        session.execute(update(Job).where(Job.id == job_id).values(runner=ended_process()))


@functools.cache
def ended_process() -> str:
    """The mark of a process that has ended; one serves all, since starting one takes seconds."""
    return subprocess.run(
        [sys.executable, "-c", "from app.engine.job.runner import mark; print(mark())"],
        capture_output=True, text=True, check=True,
    ).stdout.strip()  # fmt: skip


@pytest.mark.skipif(runner.mark() is None, reason="the system does not tell processes apart")
def test_a_dead_process_is_noticed_long_before_its_lease_is_over(as_admin: Any) -> None:
    job_id = request_job("x", {}).id
    assert claim(job_id) is not None
    assert free_dead_runs() == 0
    die(job_id)
    assert free_dead_runs() == 1
    assert row(job_id).state == WAITING
    assert log_of(job_id)[-1][1] == "The process that ran it has died."


@pytest.mark.skipif(runner.mark() is None, reason="the system does not tell processes apart")
def test_a_job_whose_process_died_on_a_full_disk_says_so(
    as_admin: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    job_id = request_job("x", {}, total=100).id
    assert claim(job_id) is not None
    die(job_id)
    with force_locale("en"):
        assert described(row(job_id)).figures.startswith("Its process has died.")
        full = shutil.disk_usage("/")._replace(free=0)
        monkeypatch.setattr(shutil, "disk_usage", lambda _path: full)
        assert described(row(job_id)).figures.startswith("The disk is full.")


def test_an_unexpected_error_names_the_job_by_the_number_in_the_log(
    as_admin: Any, work: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    def fail(run: Run) -> None:
        raise ZeroDivisionError

    work["x"] = fail
    job_id = request_job("x", {}).id
    with pytest.raises(ZeroDivisionError):
        jobs.run_job(job_id)
    assert row(job_id).state == FAILED
    assert job_id in thaw(row(job_id).message)
    assert job_id in caplog.text


def test_another_machines_process_is_not_judged() -> None:
    assert not runner.is_dead(None)
    assert not runner.is_dead("another boot/pid:[1]/1/1")


def test_a_long_step_keeps_its_claim_and_learns_that_it_has_lost_it(
    app: Any, as_admin: Any
) -> None:
    job_id = request_job("x", {}).id
    run = claim(job_id)
    assert run is not None
    first = row(job_id).heartbeat_at
    with alive(app, run, every=0.02):
        until = time.monotonic() + 10
        while row(job_id).heartbeat_at == first and time.monotonic() < until:
            time.sleep(0.02)
        assert row(job_id).heartbeat_at > first
        cancel(job_id)
        while not run.lost and time.monotonic() < until:
            time.sleep(0.02)
    assert run.lost
    with pytest.raises(JobLost):
        run.progress(1)


def test_the_end_is_written_down_once_the_database_is_back(
    as_admin: Any, work: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    finish, tries = Run.finish, []

    def falter(run: Run, *given: Any, **named: Any) -> None:
        tries.append(1)
        if len(tries) == 1:
            raise lost_connection()
        finish(run, *given, **named)

    monkeypatch.setattr(Run, "finish", falter)
    work["x"] = lambda run: {"answer": 42}
    job_id = request_job("x", {}).id
    jobs.run_job(job_id)
    assert (row(job_id).state, len(tries)) == (DONE, 2)
    assert row(job_id).state != RUNNING
