"""Jobs: a row first, claimed once, run with the asker's rights of now, never lost."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any

import pytest
from sqlalchemy import update

import jobs
from app.engine import policy
from app.engine.adapters.database import db, now, write_transaction
from app.engine.errors import InvalidInput, NotAllowed
from app.engine.job import (
    CANCELLED,
    DONE,
    FAILED,
    LEASE,
    MAX_ATTEMPTS,
    RUNNING,
    WAITING,
    Job,
    JobLost,
    Run,
    cancel,
    claim,
    request_job,
    retry,
)
from app.engine.messages import freeze, thaw
from jobs.clean_up import remove_jobs
from jobs.sweep import sweep
from tests import factories
from tests.engine.job_rows import row

pytestmark = pytest.mark.usefixtures("sent")


def test_the_queue_is_told_after_the_commit_only(as_admin: Any, sent: list[Any]) -> None:
    with write_transaction():
        job = request_job("x", {}, "bulk")
        assert sent == []
    assert sent == [(job.id, "bulk")]
    assert row(job.id).state == WAITING


def test_a_change_that_fails_asks_for_no_job(as_admin: Any, sent: list[Any]) -> None:
    asked = []

    def fail() -> None:
        with write_transaction():
            asked.append(request_job("x", {}).id)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert sent == []
    assert db.session.get(Job, asked[0]) is None
    with write_transaction():
        pass
    assert sent == []


def test_a_savepoint_does_not_tell_the_queue(as_admin: Any, sent: list[Any]) -> None:
    with write_transaction() as session:
        request_job("x", {})
        with session.begin_nested():
            pass
        assert sent == []
    assert len(sent) == 1


def test_a_job_runs_once_whatever_is_sent_twice(as_admin: Any, work: dict[str, Any]) -> None:
    ran = []

    def do(run: Run) -> Mapping[str, Any]:
        ran.append(policy.current_viewer().user_id)
        return {"answer": 42}

    work["x"] = do
    job = request_job("x", {})
    jobs.run_job(job.id)
    jobs.run_job(job.id)
    assert ran == [as_admin.user_id]
    done = row(job.id)
    assert (done.state, done.result, done.percent) == (DONE, {"answer": 42}, 100)
    assert done.keep_until is not None


def test_a_job_has_the_rights_that_its_asker_has_when_it_runs(
    acting: Any, work: dict[str, Any]
) -> None:
    acting("sales")
    work["x"] = lambda run: policy.current_viewer().require("Parcel", "purge")
    job_id = request_job("x", {}).id
    acting("admin")
    jobs.run_job(job_id)
    failed = row(job_id)
    assert failed.state == FAILED
    assert thaw(failed.message) == str(NotAllowed().message)


def test_what_a_job_refuses_is_said_in_the_readers_language(
    as_admin: Any, work: dict[str, Any]
) -> None:
    from flask_babel import force_locale
    from flask_babel import lazy_gettext as _

    def refuse(run: Run) -> None:
        raise InvalidInput.of(None, _("There is no field “%(name)s”.", name="x"))

    work["x"] = refuse
    job_id = request_job("x", {}).id
    jobs.run_job(job_id)
    message = row(job_id).message
    with force_locale("en"):
        assert thaw(message) == "There is no field “x”."


def test_an_unexpected_fault_is_told_and_raised(as_admin: Any, work: dict[str, Any]) -> None:
    def fail(run: Run) -> None:
        raise KeyError("oops")

    work["x"] = fail
    job_id = request_job("x", {}).id
    with pytest.raises(KeyError):
        jobs.run_job(job_id)
    assert row(job_id).state == FAILED
    assert retry(job_id)
    work["x"] = lambda run: None
    jobs.run_job(job_id)
    assert row(job_id).state == DONE


def test_a_cancelled_run_has_no_further_effect(as_admin: Any, work: dict[str, Any]) -> None:
    def go_on(run: Run) -> None:
        run.progress(1, 10, every=0)
        cancel(run.id)
        run.progress(2, 10, every=0)
        raise AssertionError("not reached")

    work["x"] = go_on
    job_id = request_job("x", {}).id
    jobs.run_job(job_id)
    stopped = row(job_id)
    assert (stopped.state, stopped.done) == (CANCELLED, 1)
    assert not cancel(job_id)


def test_only_the_run_that_holds_the_claim_can_write(as_admin: Any) -> None:
    job = request_job("x", {})
    first = claim(job.id)
    assert first is not None
    assert claim(job.id) is None
    age(job.id)
    sweep()
    second = claim(job.id)
    assert second is not None
    with pytest.raises(JobLost), write_transaction() as session:
        first.hold(session)
    with pytest.raises(JobLost):
        first.finish(DONE)
    second.finish(DONE)
    assert row(job.id).attempts == 2


def age(job_id: str, by: datetime.timedelta = LEASE * 2) -> None:
    with write_transaction() as session:
        session.execute(
            update(Job)
            .where(Job.id == job_id)
            .values(heartbeat_at=now() - by, created_at=now() - by)
        )


def test_the_sweep_sends_what_was_forgotten_and_frees_what_died(
    as_admin: Any, sent: list[Any]
) -> None:
    job = request_job("x", {})
    sent.clear()
    assert sweep()["sent"] == 0
    age(job.id)
    assert sweep()["sent"] == 1
    assert sent == [(job.id, "default")]
    claim(job.id)
    assert sweep()["freed"] == 0
    assert row(job.id).state == RUNNING
    age(job.id)
    assert sweep()["freed"] == 1
    assert row(job.id).state == WAITING


def test_a_job_that_kills_its_worker_ends(as_admin: Any) -> None:
    job = request_job("x", {})
    for _attempt in range(MAX_ATTEMPTS):
        assert claim(job.id) is not None
        age(job.id)
        sweep()
    assert row(job.id).state == FAILED


def test_old_jobs_go(as_admin: Any) -> None:
    job = request_job("x", {})
    run = claim(job.id)
    assert run is not None
    run.finish(DONE, {"file": "exports/none.csv"})
    with write_transaction() as session:
        session.execute(update(Job).values(keep_until=now() - LEASE))
    assert remove_jobs() == 1
    assert db.session.get(Job, job.id) is None


@pytest.mark.parametrize("name", ["jobs/", "jobs/none", "jobs/none/download"])
def test_pages_need_a_sign_in(browser: Any, name: str) -> None:
    assert browser(None).get(f"/{name}").status_code in (302, 401)


def test_one_sees_ones_own_jobs_and_administrators_all(app: Any, browser: Any) -> None:
    with policy.acting_as(factories.viewer("sales")):
        job = request_job("export", {"entity": "Parcel"}, title="Export: 包裹")
    assert b"Export: \xe5\x8c\x85" in browser("sales").get("/jobs/").data
    assert browser("sales").get(f"/jobs/{job.id}").status_code == 200
    assert browser("sales2").get(f"/jobs/{job.id}").status_code == 404
    assert browser("sales2").post(f"/jobs/{job.id}/cancel").status_code == 404
    assert browser("admin").get(f"/jobs/{job.id}").status_code == 200
    assert browser("sales").get(f"/jobs/{job.id}/status").status_code == 200
    assert browser("sales").post(f"/jobs/{job.id}/cancel").status_code == 303
    assert row(job.id).state == CANCELLED
    answer = browser("sales").get(f"/jobs/{job.id}/status")
    assert answer.headers["HX-Refresh"] == "true"
    assert browser("sales").post(f"/jobs/{job.id}/retry").status_code == 303
    assert row(job.id).state == WAITING
    assert browser("sales").post(f"/jobs/{job.id}/retry").status_code == 409


def test_messages_are_kept_as_what_they_say(app: Any) -> None:
    from flask_babel import force_locale, lazy_ngettext
    from flask_babel import lazy_gettext as _

    inner = _("Name")
    kept = freeze(_("“%(value)s” is not a date like 2026-03-05.", value=inner))
    with force_locale("zh"):
        assert "名称" in thaw(kept)
    with force_locale("en"):
        assert thaw(kept) == "“Name” is not a date like 2026-03-05."
        assert thaw(freeze(lazy_ngettext("%(num)s day", "%(num)s days", 3))) == "3 days"
        assert thaw("plain") == "plain"
