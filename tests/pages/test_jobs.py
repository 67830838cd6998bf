"""The job centre as people see it."""

from __future__ import annotations

import datetime
from typing import Any

import pytest
from sqlalchemy import update

from app.engine import policy
from app.engine.adapters import queue
from app.engine.adapters.database import db, now, write_transaction
from app.engine.job import DONE, FAILED, RUNNING, Job, claim, request_job, runner
from tests import factories
from tests.pages.support import counted, hrefs


@pytest.fixture(autouse=True)
def _no_queue(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("send", "send_again"):
        monkeypatch.setattr(queue, name, lambda *_given, **_named: True)
    monkeypatch.setattr(queue, "forget", lambda job_id: None)


def asked(by: str = "sales", kind: str = "export", state: str = "waiting", **more: Any) -> Job:
    with policy.acting_as(factories.viewer(by)):
        job = request_job(kind, {"entity": "Parcel"}, title=more.pop("title", "Export: Parcels"))
        with write_transaction() as session:
            session.execute(update(Job).where(Job.id == job.id).values(state=state, **more))
    found = db.session.get(Job, job.id, populate_existing=True)
    assert found is not None
    return found


def test_the_list_moves_only_while_something_runs(browser: Any) -> None:
    asked(state=DONE)
    assert 'hx-trigger="every' not in browser("sales").get("/jobs/").text
    asked()
    page = browser("sales").get("/jobs/").text
    assert 'hx-get="/jobs/"' in page
    part = browser("sales").get("/jobs/", headers={"HX-Request": "true", "HX-Target": "job-table"})
    assert part.text.lstrip().startswith('<div id="job-table"')
    assert "<html" not in part.text


def test_the_list_is_narrowed_by_state_and_person(browser: Any) -> None:
    asked(title="Finished one", state=DONE)
    asked(title="Broken one", state=FAILED)
    asked(title="Waiting one")
    asked("admin", title="Of the administrator")
    page = browser("sales").get("/jobs/?state=failed").text
    assert "Broken one" in page
    assert "Finished one" not in page
    page = browser("sales").get("/jobs/?state=unfinished").text
    assert "Waiting one" in page
    assert "administrator" not in page
    assert "Broken one" in browser("admin").get("/jobs/").text
    mine = browser("admin").get("/jobs/?whose=mine").text
    assert "Of the administrator" in mine
    assert "Broken one" not in mine
    assert browser("sales").get("/jobs/?state=cancelled").status_code == 200
    assert browser("sales").get("/jobs/?state=nonsense").status_code == 200


def test_a_long_list_has_pages(browser: Any) -> None:
    for number in range(51):
        asked(title=f"Job number {number:02}", state=DONE)
    first = browser("sales").get("/jobs/").text
    assert "Job number 50" in first
    assert "Job number 00" not in first
    following = next(address for address in hrefs(first) if "before=" in address)
    second = browser("sales").get(following).text
    assert "Job number 00" in second
    assert "Job number 50" not in second


def test_a_list_costs_the_same_however_long_it_is(browser: Any) -> None:
    asked(state=DONE)
    client = browser("sales")
    client.get("/jobs/")
    with counted() as few:
        client.get("/jobs/")
    for _job in range(30):
        asked(state=DONE)
    with counted() as many:
        client.get("/jobs/")
    assert len(many) == len(few)


def test_a_job_says_what_was_done_in_the_readers_language(browser: Any) -> None:
    job = asked()
    run = claim(job.id)
    assert run is not None
    run.log("first line")
    run.finish(FAILED, message="It broke.")
    page = browser("sales").get(f"/jobs/{job.id}").text
    for word in ("Started.", "first line", "It broke.", "Kept until", "6 hours"):
        assert word in page, word
    chinese = browser("sales").get(f"/jobs/{job.id}", headers={"Accept-Language": "zh"}).text
    assert "已开始。" in chinese
    assert "6 小时" in chinese


def test_while_it_runs_bar_and_log_move(browser: Any) -> None:
    job = asked(total=10)
    run = claim(job.id)
    assert run is not None
    run.log("so far")
    run.progress(4, every=0)
    answer = browser("sales").get(f"/jobs/{job.id}/status").text
    assert 'value="40"' in answer
    assert "so far" in answer
    assert 'hx-swap-oob="true"' in answer


def test_what_may_be_repeated_is_asked_for_anew(browser: Any) -> None:
    job = asked(state=DONE)
    answer = browser("sales").post(f"/jobs/{job.id}/again")
    assert answer.status_code == 303
    made = db.session.get(Job, answer.headers["Location"].rpartition("/")[2])
    assert made is not None
    assert (made.kind, made.arguments, made.state) == ("export", {"entity": "Parcel"}, "waiting")
    assert made.id != job.id
    assert browser("admin").post(f"/jobs/{job.id}/again").status_code == 409
    assert browser("sales2").post(f"/jobs/{job.id}/again").status_code == 404
    unfinished = asked()
    assert browser("sales").post(f"/jobs/{unfinished.id}/again").status_code == 409
    once = asked(kind="undo", state=DONE)
    assert browser("sales").post(f"/jobs/{once.id}/again").status_code == 409


def test_a_job_whose_process_is_gone_says_what_it_waits_for(browser: Any) -> None:
    moment = now()
    running: dict[str, Any] = {
        "state": RUNNING, "done": 500, "total": 1000, "resumed_from": 0,
        "started_at": moment - datetime.timedelta(minutes=2),
    }  # fmt: skip
    lively = asked(**running, heartbeat_at=moment, runner=runner.mark())
    assert "left" in browser("sales").get(f"/jobs/{lively.id}").text
    silent = asked(**running, heartbeat_at=moment - datetime.timedelta(seconds=70))
    page = browser("sales").get(f"/jobs/{silent.id}").text
    assert "No sign of life since" in page
    assert "per second" not in page
    gone = asked(**running, heartbeat_at=moment, runner=f"{runner.mark()}0")
    page = browser("sales").get(f"/jobs/{gone.id}").text
    assert "Waiting for a worker to take over" in page
    assert "per second" not in page


def test_an_undo_that_kept_something_is_shown_without_a_file(browser: Any) -> None:
    job = asked(kind="undo", state=DONE, result={"reversed": 1, "kept": 2, "blocked": 0})
    answer = browser("sales").get(f"/jobs/{job.id}")
    assert answer.status_code == 200
    assert "SHA-256" not in answer.text
