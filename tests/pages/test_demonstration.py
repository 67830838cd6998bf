"""Demonstration data in the browser: what there is of it, and the job that takes it away."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import select

from app.engine import policy
from app.engine.adapters.database import db
from app.engine.changes.demonstration import present, stands
from app.engine.job import DONE, Job, JobLine
from jobs import run_job
from seeds import demo as demonstration
from tests import factories
from tests.pages.support import given, hrefs


def add() -> None:
    with policy.acting_as(policy.SYSTEM_VIEWER):
        demonstration.add(times=0.05)
    db.session.rollback()


def test_the_first_page_and_a_page_of_its_own_tell_of_it(client: Any) -> None:
    assert "No demonstration data" in client.get("/demo/").text
    assert "/demo/remove" not in client.get("/demo/").text
    add()
    assert "Demonstration data is among the records" in client.get("/").text
    page = client.get("/demo/").text
    assert "/customer/" in hrefs(page)
    assert "/demo/remove" in page


def test_a_job_takes_it_away_and_names_what_stays(client: Any) -> None:
    add()
    with policy.acting_as(factories.viewer("admin")):
        customer = db.session.scalar(select(_model("Customer").id).limit(1))
    given("Contact", customer=customer, name="真的联系人")
    answer = client.post("/demo/remove")
    again = client.post("/demo/remove")
    assert answer.headers["Location"] == again.headers["Location"]
    number = answer.headers["Location"].rpartition("/")[2]
    run_job(number)
    job = db.session.get(Job, number, populate_existing=True)
    assert job is not None
    assert job.state == DONE
    assert job.result is not None
    assert job.result["kept"] == 1
    lines = db.session.scalars(select(JobLine).where(JobLine.job_id == number))
    assert any("真的联系人" in str(line.message) for line in lines)
    with policy.acting_as(policy.SYSTEM_VIEWER):
        assert present() == {"Customer": 1}
        assert not stands()
    assert "Demonstration data is among the records" not in client.get("/").text


def _model(name: str) -> Any:
    from app.engine import registry

    return registry.current().entity(name).model


def test_only_those_who_run_the_system_may(browser: Callable[..., Any]) -> None:
    add()
    sales = browser("sales")
    assert sales.get("/demo/").status_code == 403
    assert sales.post("/demo/remove").status_code == 403
    assert "/demo/" not in hrefs(sales.get("/").text)


def test_whoever_may_not_see_a_record_is_not_told_its_name(app: Any) -> None:
    from app.engine.changes.demonstration import take_away

    add()
    with policy.acting_as(factories.viewer("admin")):
        customer = db.session.scalar(select(_model("Customer").id).limit(1))
    given("Contact", customer=customer, name="真的联系人")
    with policy.acting_as(factories.viewer("sales")):
        report = take_away()
    assert report.kept == 1
    assert "真的联系人" not in str(report.left)
