"""Interaction plans become dated to-dos: on working days, once a cycle, for whoever has a manager."""

from __future__ import annotations

import datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

import jobs
from app.domains.customers import plan, stale
from app.engine import policy, registry
from app.engine.adapters.database import db
from app.engine.changes import change_set
from app.engine.errors import InvalidInput
from app.engine.job import Job, request_job
from app.engine.notices import Notification
from app.engine.working_days import is_working_day
from jobs import plans
from tests.factories import make, user_id
from tests.pages.support import counted

TODAY = datetime.date(2026, 2, 2)


@pytest.fixture(autouse=True)
def day(as_admin: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plans, "today", lambda: TODAY)


def tasks() -> list[Any]:
    model: Any = registry.current().entity("Task").model
    with policy.unrestricted("the test looks at all of them") as session:
        return list(session.scalars(select(model).order_by(model.id)))


def run(kind: str) -> Job:
    with policy.acting_as(policy.SYSTEM_VIEWER):
        job_id = request_job(kind, {}).id
    jobs.run_job(job_id)
    db.session.expire_all()
    return db.session.get_one(Job, job_id)


def customers(tier: str, number: int = 1, **values: Any) -> list[int]:
    values.setdefault("account_manager", user_id("sales"))
    made = (make("Customer", approved=True, value_tier=tier, **values) for _one in range(number))
    return [int(one.id) for one in made]


def test_each_tier_gets_what_its_plans_say_and_once() -> None:
    """The usual plans: two for each tier."""
    high, middle, potential = (customers(tier)[0] for tier in ("high", "middle", "potential"))
    assert run("customers.plan").result["made"] == 6
    assert [task.customer_id for task in tasks()].count(high) == 2
    assert {task.customer_id for task in tasks()} == {high, middle, potential}
    assert {task.owner_id for task in tasks()} == {user_id("sales")}
    assert run("customers.plan").result["made"] == 0
    assert len(tasks()) == 6


def test_due_days_are_worked_and_in_the_cycle() -> None:
    customers("high")
    run("customers.plan")
    due = {task.origin_key.split(":")[3]: task.due_on for task in tasks()}
    assert set(due) == {"2026-01", "2026-02"}
    assert all(is_working_day(day) and day >= TODAY for day in due.values())


def test_cycles_that_were_missed_are_not_made_up_for(monkeypatch: pytest.MonkeyPatch) -> None:
    customers("high")
    run("customers.plan")
    monkeypatch.setattr(plans, "today", lambda: datetime.date(2026, 9, 10))
    assert run("customers.plan").result["made"] == 2
    assert {task.origin_key.split(":")[3] for task in tasks()} == {
        "2026-01", "2026-02", "2026-07", "2026-09",
    }  # fmt: skip


def test_who_has_no_account_manager_is_counted_and_listed() -> None:
    customers("high", 2, account_manager=None)
    job = run("customers.plan")
    assert (job.result["made"], job.result["without_manager"]) == (0, 2)
    assert job.result["page"] == (
        "/customer/?f=account_manager:empty:&f=value_tier:in:high,middle,potential"
    )


def test_drafts_and_archived_customers_get_nothing() -> None:
    make("Customer", value_tier="high", account_manager=user_id("sales"))
    assert run("customers.plan").result["made"] == 0


def test_whoever_reads_english_is_asked_in_english() -> None:
    from tests.factories import person

    person("sales").language = "en"
    db.session.commit()
    customers("middle", name="润科")
    run("customers.plan")
    assert {task.subject for task in tasks()} == {
        "Call every two months: 润科", "Product news: 润科",
    }  # fmt: skip


def test_a_batch_costs_the_same_statements_whatever_its_customers() -> None:
    def cost(rule_id: int) -> int:
        with counted() as statements, change_set("job") as changes:
            plan.ask_for_tasks(changes, rule_id, TODAY, ())
        return len(statements)

    rules = [make("PlanRule", tier="high").id for _one in range(2)]
    customers("high", 2)
    first = cost(rules[0])
    customers("high", 20)
    assert cost(rules[1]) == first


@given(st.dates(datetime.date(2004, 1, 1), datetime.date(2026, 12, 31)), st.integers(1, 24))
def test_every_day_lies_in_just_one_cycle(day: datetime.date, months: int) -> None:
    begun = plan.cycle_of(day, months)
    assert begun <= day
    assert begun.day == 1
    assert plan.cycle_of(begun, months) == begun
    assert plan.cycle_of(begun - datetime.timedelta(days=1), months) < begun
    last = (begun.year * 12 + begun.month - 1) + months
    assert day < datetime.date(last // 12, last % 12 + 1, 1)


def test_a_day_beyond_the_cycle_is_refused() -> None:
    with pytest.raises(InvalidInput) as wrong:
        make("PlanRule", every_months=1, due_days=40)
    assert [problem.field for problem in wrong.value.problems] == ["due_days"]


def test_stale_files_give_each_owner_one_to_do_and_one_notice(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    customers("high", 3)
    customers("high", 1, account_manager=user_id("sales2"))
    later = datetime.datetime.now(datetime.UTC).date() + datetime.timedelta(days=40)
    monkeypatch.setattr(plans, "today", lambda: later)
    assert run("customers.stale").result == {"owners": 2, "files": 4, "reminded": 2}
    assert run("customers.stale").result["reminded"] == 0
    assert [task.subject for task in tasks()] == [
        "更新 3 份一个月未更新的客户档案", "更新 1 份一个月未更新的客户档案",
    ]  # fmt: skip
    told = db.session.scalars(select(Notification).order_by(Notification.id)).all()
    assert [one.href for one in told] == [
        stale.list_of(user_id(name), later) for name in ("sales", "sales2")
    ]


def test_the_list_of_stale_files_holds_just_them(client: Any) -> None:
    (fresh,) = customers("high")
    page = client.get(stale.list_of(user_id("sales"), datetime.date.today()))
    assert page.status_code == 200
    assert f"/customer/{fresh}" not in page.get_data(as_text=True)
