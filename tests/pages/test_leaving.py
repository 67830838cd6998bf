"""Leaving: everything that a person has goes to another, and their account ends, in one act."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select

import jobs
from app.engine import handover, policy, registry
from app.engine.adapters import queue
from app.engine.adapters.appbuilder import api_keys
from app.engine.adapters.database import db, now, write_transaction
from app.engine.job import DONE, WAITING, Job, request_job
from app.engine.schedule import Schedule
from app.engine.surfaces.imports import ImportProfile
from tests.factories import person, user_id, viewer
from tests.pages.support import given


@pytest.fixture(autouse=True)
def _no_queue(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queue, "send", lambda job_id, name: True)


def leave(browser: Any, name: str, successor: str, by: str = "admin", sure: str = "yes") -> Any:
    form = {"successor": user_id(successor), "sure": sure}
    return browser(by).post(f"/users/leaving/{user_id(name)}", data=form)


def of(entity: str, record_id: int, column: str) -> Any:
    model: Any = registry.current().entity(entity).model
    with policy.unrestricted("the test looks at whose it is") as session:
        return session.scalar(select(getattr(model, column)).where(model.id == record_id))


@pytest.fixture
def belongings(app: Any) -> dict[str, int]:
    """One of each kind that sales has."""
    sales = user_id("sales")
    department = given("Department", head=sales)
    made = {
        "Customer": given("Customer", account_manager=sales).id,
        "Shelf": given("Shelf", keeper=sales).id,
        "Department": department.id,
        "DepartmentMember": given("DepartmentMember", department=department.id, person=sales).id,
        "Team": given("Team", lead=sales).id,
        "RecordShare": given("RecordShare", person=sales).id,
    }
    made["TeamMember"] = given("TeamMember", team=made["Team"], person=sales).id
    made["Delegation"] = given("Delegation", absent=user_id("guest"), substitute=sales).id
    return made


def test_records_go_memberships_end_and_the_account_is_closed(
    browser: Any, belongings: dict[str, int]
) -> None:
    sales, other = user_id("sales"), user_id("sales2")
    there = browser("sales")
    assert there.get("/customer/").status_code == 200
    page = browser("admin").get(f"/users/leaving/{sales}").text
    assert "Customers" in page
    answer = leave(browser, "sales", "sales2")
    assert answer.status_code == 303
    owners = {"Customer": "account_manager_id", "Shelf": "keeper_id", "Department": "head_id",
              "Team": "lead_id", "RecordShare": "person_id", "Delegation": "substitute_id"}  # fmt: skip
    assert {e: of(e, belongings[e], column) for e, column in owners.items()} == dict.fromkeys(
        owners, other
    )
    for ended in ("DepartmentMember", "TeamMember"):
        assert of(ended, belongings[ended], "deleted_at") is not None
    assert person("sales").active is False
    assert there.get("/customer/").status_code == 302
    shown = browser("admin").get(answer.headers["Location"]).text
    assert "Customers" in shown


def test_undoing_gives_the_records_back(browser: Any, belongings: dict[str, int]) -> None:
    leave(browser, "sales", "sales2")
    row = handover.latest_of(user_id("sales"))
    assert row is not None
    assert browser("admin").post(f"/changes/{row.change_set_id}/undo").status_code in (302, 303)
    assert of("Customer", belongings["Customer"], "account_manager_id") == user_id("sales")
    assert of("TeamMember", belongings["TeamMember"], "deleted_at") is None


def test_jobs_schedules_profiles_and_keys(browser: Any, app: Any) -> None:
    sales, other = user_id("sales"), user_id("sales2")
    with policy.acting_as(viewer("sales")):
        waiting = request_job("export", {}, title="x").id
        over = request_job("export", {}, title="y").id
    with write_transaction():
        api_keys.make(sales, "程序", writes=False, entities=None, days=30)
    with write_transaction() as session:
        session.get_one(Job, over).state = DONE
        session.add(
            Schedule(
                name="每日导出", kind="export", answers={}, arguments={}, rule={}, active=True,
                owner_id=sales, owner_name="张伟", language="zh", changed_at=now(), changed_by="x",
            )
        )  # fmt: skip
        session.add_all(
            ImportProfile(
                entity="Customer", name="月度", user_id=who, user_name="x", changed_at=now(),
                columns=[], options={}, shared=[],
            )
            for who in (sales, other)
        )  # fmt: skip
    leave(browser, "sales", "sales2")
    assert db.session.get_one(Job, waiting).asked_by == other
    assert db.session.get_one(Job, waiting).state == WAITING
    assert db.session.get_one(Job, over).asked_by == sales
    assert db.session.scalar(select(Schedule.owner_id)) == other
    profiles = db.session.scalars(select(ImportProfile)).all()
    assert {profile.user_id for profile in profiles} == {other}
    assert len({profile.name for profile in profiles}) == 2
    assert api_keys.live_keys_of(sales) == 0


def test_what_a_rule_forbids_stays_and_is_said(browser: Any, app: Any) -> None:
    stuck = given("Delegation", absent=user_id("sales2"), substitute=user_id("sales")).id
    answer = leave(browser, "sales", "sales2")
    assert of("Delegation", stuck, "substitute_id") == user_id("sales")
    assert (
        "Nobody can stand in for themselves."
        in browser("admin").get(answer.headers["Location"]).text
    )


@pytest.mark.parametrize(("successor", "sure"), [("sales", "yes"), ("sales2", ""), ("gone", "yes")])
def test_a_wrong_choice_changes_nothing(
    browser: Any, belongings: dict[str, int], successor: str, sure: str
) -> None:
    if successor == "gone":
        with write_transaction():
            person("sales2").active = False
        successor = "sales2"
    assert leave(browser, "sales", successor, sure=sure).status_code == 422
    assert of("Customer", belongings["Customer"], "account_manager_id") == user_id("sales")
    assert person("sales").active is True


def test_nobody_hands_over_themselves_or_without_the_right(browser: Any, app: Any) -> None:
    assert leave(browser, "admin", "sales").status_code == 422
    assert person("admin").active is True
    assert leave(browser, "sales", "sales2", by="sales2").status_code == 403
    assert browser("sales").get(f"/users/leaving/{user_id('sales2')}").status_code == 403


def test_many_go_by_a_job_that_goes_on_where_it_stopped(
    browser: Any, app: Any, monkeypatch: Any
) -> None:
    monkeypatch.setattr(handover, "AT_ONCE", 3)
    monkeypatch.setattr(handover, "BATCH", 2)
    ids = [given("Customer", account_manager=user_id("sales")).id for _ in range(7)]
    leave(browser, "sales", "sales2")
    row = handover.latest_of(user_id("sales"))
    assert row is not None
    job_id, row_id = str(row.job_id), row.id
    assert person("sales").active is False
    whole = handover._batch
    calls = []

    def dies(*given: Any) -> bool:
        calls.append(1)
        if len(calls) == 3:
            raise EOFError
        return whole(*given)

    with monkeypatch.context() as broken:
        broken.setattr(handover, "_batch", dies)
        with pytest.raises(EOFError):
            jobs.run_job(job_id)
    from app.engine.job import retry

    monkeypatch.setattr(queue, "send_again", lambda job_id, name, abandoned=False: True)
    with policy.acting_as(viewer("admin")):
        assert retry(job_id)
    jobs.run_job(job_id)
    assert db.session.get_one(Job, job_id, populate_existing=True).state == DONE
    assert {of("Customer", one, "account_manager_id") for one in ids} == {user_id("sales2")}
    done = handover.of_id(row_id)
    assert done.finished_at is not None
    assert [line["tally"]["changed"] for line in done.parts] == [7]


def test_who_may_not_see_the_records_is_told_numbers_only(browser: Any, app: Any) -> None:
    manager: Any = app.appbuilder.sm
    manager.add_user(
        "system",
        "系",
        "统",
        "system@example.org",
        manager.find_role("SystemAdmin"),
        "correct horse 7",
    )
    given("Customer", name="看不到的客户", account_manager=user_id("sales"))
    answer = leave(browser, "sales", "sales2", by="system")
    assert answer.status_code == 303
    page = browser("system").get(answer.headers["Location"]).text
    assert "看不到的客户" not in page
    assert browser("system").get("/customer/").status_code == 403
