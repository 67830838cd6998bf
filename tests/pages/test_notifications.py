"""A person is told, once, how what they asked for has ended; the bell says how much is unread."""

from __future__ import annotations

import re
from typing import Any

import pytest
from sqlalchemy import func, select

from app.engine import policy
from app.engine.adapters import queue
from app.engine.adapters.database import db
from app.engine.job import DONE, FAILED, JobKind, JobLost, cancel, claim, declare, request_job
from app.engine.notices import Notification
from tests import factories
from tests.pages.support import counted, hrefs


@pytest.fixture(autouse=True)
def _no_queue(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queue, "send", lambda *_given: True)
    monkeypatch.setattr(queue, "forget", lambda job_id: None)


def ended(by: str = "sales", state: str = DONE, kind: str = "export", **arguments: Any) -> str:
    with policy.acting_as(factories.viewer(by)):
        job_id = request_job(kind, arguments, title="Export: Parcels").id
        run = claim(job_id)
        assert run is not None
        run.finish(state, message="It broke." if state == FAILED else None)
        with pytest.raises(JobLost):
            run.finish(state)
    return job_id


def bell(page: str) -> int:
    found = re.search(r'bell-count"[^>]*>(\d+)', page)
    return int(found[1]) if found else 0


def test_the_asker_is_told_once_and_nobody_else(browser: Any) -> None:
    ended()
    assert db.session.scalar(select(func.count(Notification.id))) == 1
    assert bell(browser("sales").get("/jobs/").text) == 1
    assert bell(browser("admin").get("/jobs/").text) == 0
    page = browser("sales").get("/notifications/").text
    assert "Done: Export: Parcels" in page
    chinese = browser("sales").get("/notifications/", headers={"Accept-Language": "zh"}).text
    assert "已完成：Export: Parcels" in chinese
    assert "Export" not in browser("sales2").get("/notifications/").text


def test_a_failure_says_why(browser: Any) -> None:
    ended(state=FAILED)
    page = browser("sales").get("/notifications/").text
    assert "Failed: Export: Parcels" in page
    assert "It broke." in page


def test_seeing_the_job_is_reading_the_notification(browser: Any) -> None:
    first, _second = ended(), ended()
    client = browser("sales")
    assert bell(client.get("/notifications/").text) == 2
    assert bell(client.get(f"/jobs/{first}").text) == 1
    assert bell(client.get("/notifications/").text) == 1
    ended()
    assert client.post("/notifications/read").status_code == 303
    assert bell(client.get("/notifications/").text) == 0


def test_a_job_with_a_page_of_its_own_leads_there(browser: Any) -> None:
    ended(page="/import/parcel/1")
    client = browser("sales")
    link = next(
        h for h in hrefs(client.get("/notifications/").text) if re.search(r"notifications/\d", h)
    )
    assert browser("sales2").get(link).status_code == 404
    assert client.get(link).headers["Location"] == "/import/parcel/1"
    page = client.get("/notifications/").text
    assert bell(page) == 0
    assert "/import/parcel/1" in hrefs(page)


def test_who_cancels_their_own_knows_it(browser: Any) -> None:
    with policy.acting_as(factories.viewer("sales")):
        mine, other = (request_job("export", {}, title="Export").id for _job in range(2))
        cancel(mine)
    assert bell(browser("sales").get("/jobs/").text) == 0
    assert browser("admin").post(f"/jobs/{other}/cancel").status_code == 303
    assert bell(browser("sales").get("/jobs/").text) == 1
    assert "Cancelled: Export" in browser("sales").get("/notifications/").text


def test_quiet_kinds_and_jobs_of_the_system_tell_nobody(app: Any) -> None:
    declare(JobKind("quiet", "Quiet", notifies=False))
    ended(kind="quiet")
    with policy.acting_as(policy.SYSTEM_VIEWER):
        run = claim(request_job("export", {}).id)
        assert run is not None
        run.finish(DONE)
    assert db.session.scalar(select(func.count(Notification.id))) == 0


def test_the_bell_costs_a_page_no_statement(browser: Any) -> None:
    client = browser("sales")
    client.get("/jobs/")
    with counted() as without:
        client.get("/jobs/")
    for _job in range(3):
        ended()
    with counted() as several:
        assert bell(client.get("/jobs/").text) == 3
    assert len(several) == len(without)


def test_notifications_need_a_sign_in(browser: Any) -> None:
    assert browser(None).get("/notifications/").status_code in (302, 401)
    assert browser(None).post("/notifications/read").status_code != 200
