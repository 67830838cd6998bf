"""The timeline of a customer: interactions, orders and to-dos, newest first, page by page."""

from __future__ import annotations

import datetime
import re
from typing import Any

import pytest

from app.engine import policy
from app.engine.surfaces import timeline
from tests.factories import make, user_id, viewer
from tests.pages.support import counted

NOON = datetime.datetime(2026, 3, 5, 4, tzinfo=datetime.UTC)


def titles(page: str) -> list[str]:
    return re.findall(r'<span class="timeline-what"><a href="[^"]*">(?:<span[^>]*>)?([^<]*)', page)


def more(page: str) -> str | None:
    found = re.search(r'timeline-more"><a class="[^"]*" href="([^"]*)"', page)
    return found.group(1).replace("&amp;", "&") if found else None


def whole(client: Any, customer_id: int) -> list[str]:
    """All pages, one after another."""
    address: str | None = f"/customer/{customer_id}/timeline"
    found: list[str] = []
    while address:
        page = client.get(address, headers={"HX-Request": "true"}).get_data(as_text=True)
        found += titles(page)
        address = more(page)
    return found


def test_everything_with_a_time_stands_in_one_order(client: Any) -> None:
    with policy.acting_as(viewer("admin")):
        one = int(make("Customer").id)
        make("Interaction", customer=one, subject="三月初拜访", at=NOON)
        make("Order", customer=one, number="D-1", ordered_on=datetime.date(2026, 3, 4))
        make("Task", customer=one, subject="三月下旬回访", due_on=datetime.date(2026, 3, 20))
        make("Task", customer=one, subject="没有日期", due_on=None)
        make("Interaction", subject="别家的拜访", at=NOON)
    assert whole(client, one) == ["三月下旬回访", "三月初拜访", "D-1"]


def test_paging_loses_and_repeats_nothing(client: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Though many stand at the same moment, in several entities."""
    monkeypatch.setattr(timeline, "SIZE", 3)
    midnight = datetime.datetime(2026, 3, 4, 16, tzinfo=datetime.UTC)
    with policy.acting_as(viewer("admin")):
        one = int(make("Customer").id)
        for number in range(4):
            make("Interaction", customer=one, subject=f"i{number}", at=midnight)
            make("Order", customer=one, number=f"o{number}", ordered_on=datetime.date(2026, 3, 5))
            make("Task", customer=one, subject=f"t{number}", due_on=datetime.date(2026, 3, 5))
        make("Order", customer=one, number="before", ordered_on=datetime.date(2026, 3, 4))
        make(
            "Interaction", customer=one, subject="after", at=midnight + datetime.timedelta(hours=1)
        )
    found = whole(client, one)
    assert found[0] == "after"
    assert found[-1] == "before"
    assert sorted(found[1:-1]) == sorted(f"{kind}{n}" for kind in "iot" for n in range(4))


def test_whoever_may_not_see_an_entity_does_not_see_it_here(browser: Any, app: Any) -> None:
    """Guests see customers, and neither orders nor interactions."""
    with policy.acting_as(viewer("admin")):
        one = int(make("Customer", approved=True, account_manager=user_id("sales")).id)
        make("Order", customer=one, number="D-1")
    assert whole(browser("guest"), one) == []
    assert whole(browser("sales"), one) == ["D-1"]
    assert 'id="timeline"' not in browser("guest").get(f"/customer/{one}").get_data(as_text=True)


@pytest.mark.parametrize("after", ["x", "2026-01-01|order|1", "2026-01-01T00:00:00+00:00|order|x"])
def test_a_made_up_place_is_refused(client: Any, after: str) -> None:
    with policy.acting_as(viewer("admin")):
        one = int(make("Customer").id)
    answer = client.get(f"/customer/{one}/timeline", query_string={"after": after})
    assert answer.status_code in (400, 422)


def test_a_page_costs_the_same_statements_whatever_its_rows(client: Any) -> None:
    def cost(rows: int) -> int:
        with policy.acting_as(viewer("admin")):
            one = int(make("Customer").id)
            for _row in range(rows):
                make("Interaction", customer=one)
                make("Order", customer=one)
        with counted() as statements:
            client.get(f"/customer/{one}/timeline")
        return len(statements)

    cost(1)
    assert cost(2) == cost(9)


def test_the_first_and_the_last_day_of_the_calendar_have_their_place(
    client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(timeline, "SIZE", 1)
    with policy.acting_as(viewer("admin")):
        one = int(make("Customer").id)
        for subject, day in (("ever", datetime.date.max), ("now", NOON), ("first", None)):
            make("Task", customer=one, subject=subject, due_on=_day(day))
        make("Order", customer=one, number="old", ordered_on=datetime.date.min)
    assert whole(client, one) == ["ever", "now", "old", "first"]


def _day(moment: datetime.date | None) -> datetime.date:
    return moment.date() if isinstance(moment, datetime.datetime) else moment or datetime.date.min


def test_a_place_beyond_the_calendar_is_refused_in_words(client: Any) -> None:
    with policy.acting_as(viewer("admin")):
        one = int(make("Customer").id)
    for place in ("0001-01-01T00:00:00%2B14:00|order|5", "9999-12-31T23:00:00-10:00|order|5"):
        assert client.get(f"/customer/{one}/timeline?after={place}").status_code == 422
    for place in ("0001-01-01T00:00:00Z|order|5", "9999-12-31T23:59:00Z|task|5"):
        assert client.get(f"/customer/{one}/timeline?after={place}").status_code == 200
