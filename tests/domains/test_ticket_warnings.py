"""Warnings of deadlines: before, at the breach, once each, in sets."""

from __future__ import annotations

import contextlib
import datetime
import threading
from typing import Any

import pytest
from sqlalchemy import select

from app.domains.tickets import steps
from app.engine import policy, registry, reminding
from app.engine.adapters.database import db
from app.engine.changes import change_set
from app.engine.notices import Notification
from jobs import deadlines, schedule
from tests.factories import make, user_id, viewer
from tests.pages.support import counted

OPENED = datetime.datetime(2026, 3, 3, 1, 0, tzinfo=datetime.UTC)  # 9 o'clock in China


def minutes(number: float) -> datetime.datetime:
    return OPENED + datetime.timedelta(minutes=number)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Any:
    """`clock(12)`: it is 12 minutes past the opening, for rules and job alike."""

    def set_to(number: float) -> None:
        monkeypatch.setattr(steps, "now", lambda: minutes(number))
        monkeypatch.setattr(reminding, "now", lambda: minutes(number))

    set_to(0)
    return set_to


def ticket(**values: Any) -> Any:
    people = {"assignee": user_id("sales"), "lead": user_id("sales2")}
    return make("Ticket", **{"impact": None, "urgency": None, **people, **values})


def told() -> list[tuple[int, str]]:
    db.session.commit()
    rows = db.session.execute(
        select(Notification.user_id, Notification.tone).order_by(Notification.id)
    )
    return [(row.user_id, row.tone) for row in rows]


def fresh(record: Any) -> Any:
    with change_set("form") as changes:
        return changes.load(registry.current().entity("Ticket"), record.id, "read")


def test_people_are_warned_at_80_per_cent_and_told_at_the_breach_once_each(
    as_admin: Any, clock: Any
) -> None:
    record, both = ticket(), [user_id("sales"), user_id("sales2")]
    for moment, words in ((7.9, []), (8, ["warn"]), (9, ["warn"]), (10, ["warn", "bad"])):
        clock(moment)
        deadlines.remind()
        deadlines.remind()
        assert told() == [(person, tone) for tone in words for person in both], moment
    assert fresh(record).response_clock == "breached"


def test_one_person_who_is_both_is_told_once(as_admin: Any, clock: Any) -> None:
    ticket(lead=user_id("sales"))
    clock(8)
    deadlines.remind()
    assert len(told()) == 1


def test_nothing_is_told_of_what_was_done_or_waits(as_admin: Any, clock: Any) -> None:
    definition = registry.current().entity("Ticket")
    done, waits = ticket(), ticket(state="open")
    with change_set("form") as changes:
        changes.update(definition, done.id, {"state": "solved"})
        changes.update(definition, waits.id, {"state": "waiting"})
    clock(500)
    deadlines.remind()
    assert told() == []


def test_a_breach_that_a_save_found_first_is_told_all_the_same(as_admin: Any, clock: Any) -> None:
    record = ticket()
    clock(11)
    with change_set("form") as changes:
        values = {"complex": True}
        changes.update(registry.current().entity("Ticket"), record.id, values)
    assert fresh(record).response_clock == "breached"
    deadlines.remind()
    assert {tone for _person, tone in told()} == {"bad"}


def test_what_was_told_is_in_the_history_and_leaves_the_ticket_consistent(
    as_admin: Any, clock: Any, client: Any
) -> None:
    record = ticket()
    clock(200)
    assert deadlines.remind() == 2
    record = fresh(record)
    assert (record.solution_clock, record.solution_alarm_at) == ("breached", None)
    assert client.get(f"/ticket/{record.id}/history").status_code == 200


def test_statements_do_not_grow_with_the_tickets(as_admin: Any, clock: Any) -> None:
    counts = []
    for number in (1, 12):
        clock(0)
        for _one in range(number):
            ticket()
        clock(8)
        with counted() as statements:
            deadlines.remind()
        counts.append(len(statements))
    assert counts[0] == counts[1]


def test_two_workers_at_once_tell_each_once(
    app: Any, clock: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both have looked before either writes."""
    with policy.acting_as(viewer("admin")):
        for _one in range(3):
            ticket()
    db.session.commit()
    clock(8)
    both, failed = threading.Barrier(2, timeout=30), []
    loading = reminding.load_many

    def load_together(*given: Any) -> Any:
        with contextlib.suppress(threading.BrokenBarrierError):
            both.wait(timeout=2)
        return loading(*given)

    def work() -> None:
        try:
            with app.app_context(), policy.acting_as(policy.SYSTEM_VIEWER):
                deadlines.remind()
                db.session.remove()
        except Exception as error:
            failed.append(error)

    monkeypatch.setattr(reminding, "load_many", load_together)
    threads = [threading.Thread(target=work) for _one in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed
    assert len(told()) == 6


def test_it_is_on_the_schedule_each_minute() -> None:
    found = {entry.name: entry.seconds for entry in schedule.SCHEDULE}
    assert found["deadlines"] == 60
