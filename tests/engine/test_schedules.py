"""Schedules: due when people say, by China's working days, caught up once, never done twice."""

from __future__ import annotations

import datetime
import threading
from typing import Any

import pytest
from sqlalchemy import func, select, update

from app.engine import policy
from app.engine.adapters.database import db, now, write_transaction
from app.engine.errors import InvalidInput
from app.engine.job import DONE, Job, JobKind, claim, declare
from app.engine.schedule import (
    DAILY,
    MONTHLY,
    WEEKLY,
    Rule,
    Schedule,
    ScheduleRun,
    run_due,
    run_now,
)
from app.engine.schedule.rules import CRON
from app.engine.working_days import is_working_day
from jobs.schedule import PLANNED, Planned, reconcile
from tests import factories

UTC = datetime.UTC


def moment(text: str) -> datetime.datetime:
    """On the clock in China."""
    return datetime.datetime.fromisoformat(f"{text}+08:00").astimezone(UTC)


def clock(due: datetime.datetime | None, zone: str = "Asia/Shanghai") -> str:
    from zoneinfo import ZoneInfo

    assert due is not None
    return due.astimezone(ZoneInfo(zone)).strftime("%Y-%m-%d %H:%M")


def times(rule: Rule, start: str, count: int) -> list[str]:
    return [clock(due, rule.zone) for due in rule.upcoming(moment(start), count)]


def test_daily_weekly_monthly() -> None:
    assert times(Rule(DAILY, "08:30"), "2026-03-05T08:30", 2) == [
        "2026-03-06 08:30", "2026-03-07 08:30",
    ]  # fmt: skip
    assert times(Rule(WEEKLY, "09:00", (0, 3)), "2026-03-05T08:00", 3) == [
        "2026-03-05 09:00", "2026-03-09 09:00", "2026-03-12 09:00",
    ]  # fmt: skip
    assert times(Rule(MONTHLY, "00:00", day=31), "2026-01-31T12:00", 3) == [
        "2026-02-28 00:00", "2026-03-31 00:00", "2026-04-30 00:00",
    ]  # fmt: skip


def test_working_days_are_chinas() -> None:
    """A week of holidays is left out, and a Saturday that is worked for it is not."""
    assert not is_working_day(datetime.date(2026, 10, 1))
    assert is_working_day(datetime.date(2026, 2, 14)), "a Saturday before the Spring Festival"
    assert times(Rule(DAILY, "08:00", working_days=True), "2026-09-30T09:00", 1) == [
        "2026-10-08 08:00"
    ]
    assert times(Rule(DAILY, "08:00", working_days=True), "2026-02-13T09:00", 1) == [
        "2026-02-14 08:00"
    ]
    assert is_working_day(datetime.date(2099, 1, 8)), "beyond the calendar: a Thursday"
    assert not is_working_day(datetime.date(2099, 1, 10)), "a Saturday"
    assert not is_working_day(datetime.date(2099, 1, 1)), "New Year's Day by law"


def test_a_day_of_the_month_moves_to_the_next_working_day() -> None:
    assert times(Rule(MONTHLY, "08:00", day=1, working_days=True), "2026-09-02T00:00", 3) == [
        "2026-10-08 08:00", "2026-11-02 08:00", "2026-12-01 08:00",
    ]  # fmt: skip


def test_cron_expressions() -> None:
    rule = Rule(CRON, cron="0 9 * * 1-5", working_days=True)
    assert times(rule, "2026-09-30T09:00", 1) == ["2026-10-08 09:00"]
    assert times(Rule(CRON, cron="*/30 * * * *"), "2026-03-05T08:10", 2) == [
        "2026-03-05 08:30", "2026-03-05 09:00",
    ]  # fmt: skip


def test_summer_time_neither_skips_nor_doubles_a_day() -> None:
    rule = Rule(DAILY, "02:30", zone="Europe/Berlin")
    assert times(rule, "2026-03-28T20:00", 2) == ["2026-03-29 03:30", "2026-03-30 02:30"]
    assert times(rule, "2026-10-24T20:00", 2) == ["2026-10-25 02:30", "2026-10-26 02:30"]


@pytest.mark.parametrize(
    ("rule", "field"),
    [
        (Rule(DAILY, "25:00"), "at"),
        (Rule(WEEKLY, "08:00"), "weekdays"),
        (Rule(MONTHLY, "08:00", day=32), "day"),
        (Rule(CRON, cron="* * * *"), "cron"),
        (Rule(CRON, cron="* * * * * *"), "cron"),
        (Rule(CRON, cron="0 0 30 2 *"), "cron"),
        (Rule(DAILY, "08:00", zone="Asia/Nowhere"), "zone"),
    ],
)
def test_a_rule_that_cannot_be_is_refused(app: Any, rule: Rule, field: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        rule.check()
    assert [problem.field for problem in refused.value.problems] == [field]


# -- being due -----------------------------------------------------------------------------


pytestmark = pytest.mark.usefixtures("sent")


def made(rule: Rule, due: datetime.datetime, owner: int | None = None, **values: Any) -> int:
    row = Schedule(
        name="Of the tests", kind="clean_up", answers={}, arguments={}, rule=rule.as_json(),
        active=True, owner_id=owner, owner_name="x", language="en", changed_at=now(),
        changed_by="x", next_due_at=due, **values,
    )  # fmt: skip
    with write_transaction() as session:
        session.add(row)
        session.flush()
        return row.id


def runs() -> list[tuple[str, str, int]]:
    db.session.rollback()
    found = db.session.scalars(select(ScheduleRun).order_by(ScheduleRun.id))
    return [(clock(run.due_at), run.outcome, run.missed) for run in found]


def jobs_asked() -> int:
    db.session.rollback()
    return db.session.scalar(select(func.count(Job.id))) or 0


HOURLY = Rule(CRON, cron="0 * * * *")


def test_what_is_due_is_asked_for_once(as_admin: Any) -> None:
    schedule_id = made(HOURLY, moment("2026-03-05T08:00"))
    assert run_due(moment("2026-03-05T07:59")) == 0
    assert run_due(moment("2026-03-05T08:00")) == 1
    assert run_due(moment("2026-03-05T08:01")) == 0
    assert runs() == [("2026-03-05 08:00", "asked", 0)]
    assert jobs_asked() == 1
    row = db.session.get(Schedule, schedule_id, populate_existing=True)
    assert row is not None
    assert clock(row.next_due_at) == "2026-03-05 09:00"


def test_what_was_missed_is_caught_up_once(as_admin: Any) -> None:
    made(HOURLY, moment("2026-03-05T08:00"))
    assert run_due(moment("2026-03-05T12:20")) == 1
    assert runs() == [("2026-03-05 12:00", "late", 4)]
    assert jobs_asked() == 1
    assert run_due(moment("2026-03-05T12:59")) == 0


def test_a_clock_set_back_does_nothing_twice(as_admin: Any) -> None:
    schedule_id = made(HOURLY, moment("2026-03-05T08:00"))
    run_due(moment("2026-03-05T08:00"))
    with write_transaction() as session:
        session.execute(
            update(Schedule)
            .where(Schedule.id == schedule_id)
            .values(next_due_at=moment("2026-03-05T08:00"))
        )
    assert run_due(moment("2026-03-05T08:00")) == 0
    assert jobs_asked() == 1


def test_two_schedulers_at_once_ask_once(app: Any, as_admin: Any) -> None:
    for _schedule in range(5):
        made(HOURLY, moment("2026-03-05T08:00"))
    gate, done = threading.Barrier(4), []

    def schedule() -> None:
        with app.app_context(), policy.acting_as(policy.SYSTEM_VIEWER):
            gate.wait()
            done.append(run_due(moment("2026-03-05T08:00")))
            db.session.remove()

    threads = [threading.Thread(target=schedule) for _scheduler in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(done) == 5
    assert len(runs()) == jobs_asked() == 5


def test_a_run_is_left_out_while_the_one_before_goes_on(as_admin: Any) -> None:
    made(HOURLY, moment("2026-03-05T08:00"))
    run_due(moment("2026-03-05T08:00"))
    run_due(moment("2026-03-05T09:00"))
    assert [outcome for _due, outcome, _missed in runs()] == ["asked", "skipped"]
    run = claim(db.session.scalars(select(Job.id)).one())
    assert run is not None
    run.finish(DONE)
    run_due(moment("2026-03-05T10:00"))
    assert [outcome for _due, outcome, _missed in runs()] == ["asked", "skipped", "asked"]


def test_it_runs_with_its_owners_rights_and_not_without_an_owner(app: Any) -> None:
    made(HOURLY, moment("2026-03-05T08:00"), factories.user_id("sales"))
    made(HOURLY, moment("2026-03-05T08:00"), 99_999)
    with policy.acting_as(policy.SYSTEM_VIEWER):
        run_due(moment("2026-03-05T08:00"))
    assert sorted(outcome for _due, outcome, _missed in runs()) == ["asked", "orphaned"]
    job = db.session.scalars(select(Job)).one()
    assert job.asked_by == factories.user_id("sales")


def test_one_that_fails_keeps_no_other_from_its_turn(
    as_admin: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad = made(HOURLY, moment("2026-03-05T08:00"))
    good = made(HOURLY, moment("2026-03-05T08:00"))
    with write_transaction() as session:
        session.execute(update(Schedule).where(Schedule.id == bad).values(rule={"every": "day"}))
        session.execute(update(Schedule).where(Schedule.id == bad).values(rule={"no": 1}))
    assert run_due(moment("2026-03-05T08:00")) == 1
    assert db.session.scalars(select(ScheduleRun.schedule_id)).all() == [good]


def test_run_now_is_beside_its_times(as_admin: Any) -> None:
    schedule_id = made(HOURLY, moment("2026-03-05T08:00"))
    job_id = run_now(schedule_id)
    assert db.session.get(Job, job_id) is not None
    assert [outcome for _due, outcome, _missed in runs()] == ["by_hand"]
    assert run_now(4711) is None


def test_the_systems_own_are_as_listed(as_admin: Any) -> None:
    declare(JobKind("toy", "Toy"))
    reconcile()
    reconcile()
    names = select(Schedule.system_name)
    assert set(db.session.scalars(names)) == {entry.name for entry in PLANNED}
    with write_transaction() as session:
        session.execute(update(Schedule).values(active=False))
    reconcile([Planned("clean_up", "Clean-up", "clean_up", Rule(DAILY, "04:00"))])
    row = db.session.scalars(select(Schedule)).one()
    db.session.refresh(row)
    assert (row.rule["at"], row.active, row.next_due_at) == ("04:00", False, None)
    reconcile([Planned("toy", "Toy", "toy", Rule(DAILY))])
    db.session.rollback()
    assert db.session.scalars(names).all() == ["toy"]
