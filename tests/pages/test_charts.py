"""Charts: their figures, whom they show what, and where their bars lead."""

from __future__ import annotations

import datetime
import decimal
from typing import Any

import pytest

from app.engine import policy, registry
from app.engine.adapters.database import db
from app.engine.changes import change_set
from app.engine.query import Condition, Records
from tests import factories
from tests.pages.support import counted


def parcels(*rows: dict[str, Any], approved: bool = True) -> list[Any]:
    return [factories.make("Parcel", approved, **row) for row in rows]


def figures(client: Any, address: str) -> dict[str, Any]:
    answer = client.get(address)
    assert answer.status_code == 200, answer.text
    return dict(answer.json)


def pairs(chart: dict[str, Any]) -> dict[str, Any]:
    return dict(zip(chart["labels"], chart["series"][0]["data"], strict=True))


def test_a_declared_chart_counts_by_group_and_leaves_drafts_out(client: Any, as_admin: Any) -> None:
    parcels({"colour": "red"}, {"colour": "red"}, {"colour": "blue"}, {"colour": None})
    parcels({"colour": "red"}, approved=False)
    chart = figures(client, "/parcel/chart/colours.json")
    assert chart["kind"] == "bar"
    assert pairs(chart) == {"Red": 2, "Blue": 1, "(none)": 1}
    assert chart["unit"] == ""
    assert chart["stacked"] is False


def test_links_open_just_the_records_behind_a_bar(client: Any, as_admin: Any) -> None:
    made = parcels({"colour": "red", "pieces": 9}, {"colour": "red", "pieces": 1})
    parcels({"colour": "red", "pieces": 9}, approved=False)
    chart = figures(client, "/parcel/chart/colours.json?f=pieces:ge:5")
    link = chart["series"][0]["links"][chart["labels"].index("Red")]
    assert link == "/parcel/?f=pieces:ge:5&f=review_state:eq:approved&f=colour:eq:red"
    conditions = [Condition.parse(text.partition("=")[2]) for text in link.split("?")[1].split("&")]
    definition = registry.current().entity("Parcel")
    assert Records(definition).where(*conditions).ids() == [made[0].id]


def test_filters_and_search_are_respected(client: Any, as_admin: Any) -> None:
    parcels({"name": "润科精密", "colour": "red"}, {"name": "别的", "colour": "red"})
    assert pairs(figures(client, "/parcel/chart/colours.json?q=润科")) == {"Red": 1}
    assert pairs(figures(client, "/parcel/chart/colours.json?f=colour:eq:blue")) == {}


def test_a_chart_of_ones_own_sums_one_currency_only(client: Any, as_admin: Any) -> None:
    parcels(
        {"colour": "red", "price": decimal.Decimal("10.50")},
        {"colour": "red", "price": decimal.Decimal("4.50")},
        {"colour": "red", "price": decimal.Decimal(1000), "price_currency": "USD"},
    )
    chart = figures(client, "/parcel/chart/chosen.json?by=colour&measure=price&kind=pie")
    assert pairs(chart) == {"Red": 15}
    assert chart["unit"] == "CNY"
    assert "price_currency:eq:CNY" in chart["series"][0]["links"][0]
    chart = figures(
        client, "/parcel/chart/chosen.json?by=colour&measure=price&f=price_currency:eq:USD"
    )
    assert (pairs(chart), chart["unit"]) == ({"Red": 1000}, "USD")


def test_months_come_in_order_without_gaps(client: Any, as_admin: Any) -> None:
    parcels(
        {"arrived_on": datetime.date(2026, 3, 5)},
        {"arrived_on": datetime.date(2025, 12, 31)},
        {"arrived_on": None},
    )
    line = figures(client, "/parcel/chart/chosen.json?by=arrived_on&kind=line")
    assert pairs(line) == {"2025-12": 1, "2026-01": 0, "2026-02": 0, "2026-03": 1}
    assert list(pairs(line)) == sorted(pairs(line))
    bars = figures(client, "/parcel/chart/chosen.json?by=arrived_on&kind=bar")
    assert pairs(bars)["(none)"] == 1


def test_fields_of_ones_own_can_be_grouped_by_and_summed(client: Any, as_admin: Any) -> None:
    factories.make("CustomField", name="weather", kind="choice", choices="晴 / Sunny\n雨 / Rain")
    factories.make("CustomField", name="steps", kind="integer")
    factories.make("CustomField", name="cost", kind="decimal")
    parcels(
        {"weather": "晴", "steps": 3, "cost": decimal.Decimal("1.25")},
        {"weather": "晴", "steps": 4, "cost": decimal.Decimal("0.25")},
        {"weather": "雨", "steps": 5},
    )
    chart = figures(client, "/parcel/chart/chosen.json?by=weather&measure=steps")
    assert pairs(chart) == {"Sunny": 7, "Rain": 5}
    chart = figures(client, "/parcel/chart/chosen.json?by=weather&measure=cost")
    assert pairs(chart) == {"Sunny": 1.5, "Rain": 0}
    page = client.get("/parcel/charts").text
    assert 'value="weather"' in page
    assert 'value="sum:cost"' in page
    assert 'value="median:steps"' in page


def test_the_page_offers_what_the_policy_lets_one_see(browser: Any) -> None:
    forbid("Customer", "industry", "hidden")
    forbid("Customer", "status", "masked")
    page = browser("guest").get("/customer/charts").text
    assert 'value="province"' in page
    assert 'value="industry"' not in page
    assert 'value="status"' not in page
    assert "/customer/chart/industry.json" not in page
    assert browser("guest").get("/customer/chart/industry.json").status_code == 404
    assert browser("guest").get("/customer/chart/status.json").status_code == 403
    assert browser("guest").get("/customer/charts?by=status").status_code == 403


def forbid(entity: str, field: str, access: str) -> None:
    from app.engine.adapters.database import write_transaction

    role_id = factories.viewer("guest").role_ids[0]
    with write_transaction() as session:
        session.add(
            policy.RoleFieldAccess(role_id=role_id, entity=entity, field=field, access=access)
        )
        registry.raise_version(session, registry.RIGHTS)
    db.session.remove()


def test_row_scope_holds_in_figures(browser: Any) -> None:
    sales, other = factories.user_id("sales"), factories.user_id("sales2")
    with policy.acting_as(factories.viewer("admin")):
        for owner in (sales, sales, other):
            factories.make("Customer", True, account_manager=owner, status="active")
    assert sum(pairs(figures(browser("admin"), "/customer/chart/status.json")).values()) == 3
    assert sum(pairs(figures(browser("sales"), "/customer/chart/status.json")).values()) == 2


def test_the_state_of_the_page_is_in_its_address(client: Any, as_admin: Any) -> None:
    page = client.get("/parcel/charts?by=colour&measure=pieces&kind=pie&f=pieces:ge:5&q=润科").text
    assert "/parcel/chart/chosen.json?f=pieces:ge:5&amp;q=%E6%B6%A6%E7%A7%91&amp;by=colour" in page
    assert '<option value="pie" selected>' in page
    assert '<input type="hidden" name="f" value="pieces:ge:5">' in page
    assert "Pieces by Colour" in page
    assert "/parcel/charts?q=%E6%B6%A6%E7%A7%91&amp;by=colour" in page  # the chip's way out


@pytest.mark.parametrize(
    ("address", "status"),
    [
        ("/parcel/charts?by=nothing", 404),
        ("/parcel/charts?by=notes", 422),
        ("/parcel/charts?by=colour&measure=name", 422),
        ("/parcel/charts?by=colour&kind=cake", 422),
        ("/parcel/charts?f=rubbish", 422),
        ("/parcel/chart/nothing.json", 404),
        ("/parcel/chart/chosen.json", 404),
        ("/nothing/charts", 404),
    ],
)
def test_what_cannot_be_drawn_is_said(client: Any, address: str, status: int) -> None:
    assert client.get(address).status_code == status


@pytest.mark.parametrize("language", ["zh", "en"])
def test_both_languages(client: Any, language: str) -> None:
    answer = client.get("/customer/charts", headers={"Accept-Language": language})
    assert answer.status_code == 200


def test_visitors_sign_in_first(browser: Any) -> None:
    assert browser(None).get("/parcel/charts").status_code == 302
    assert browser("guest").get("/parcel/charts").status_code == 403


def test_what_a_figure_leaves_out_is_told_and_leads_to_those_records(
    client: Any, as_admin: Any
) -> None:
    parcels({"colour": "red", "pieces": 4}, {"colour": "red", "pieces": None})
    chart = figures(client, "/parcel/chart/chosen.json?by=colour&measure=average:pieces")
    assert pairs(chart) == {"Red": 4}
    assert [note["text"] for note in chart["notes"]] == [
        "Left out: 1 record without a value (Pieces)"
    ]
    assert chart["notes"][0]["href"] == "/parcel/?f=review_state:eq:approved&f=pieces:empty:"
    line = figures(client, "/parcel/chart/chosen.json?by=opened_at:week&kind=line")
    assert line["notes"] == []


def test_each_part_of_a_divided_bar_opens_its_records(client: Any, as_admin: Any) -> None:
    parcels(
        {"colour": "red", "fragile": True},
        {"colour": "red", "fragile": False},
        {"colour": "blue", "fragile": True},
    )
    chart = figures(client, "/parcel/chart/chosen.json?by=colour&split=fragile")
    assert chart["stacked"] is True
    found = {series["name"]: series for series in chart["series"]}
    assert found["Yes"]["data"] == [1, 1]
    assert found["No"]["data"] == [1, 0]
    assert found["No"]["links"][0].endswith("&f=colour:eq:red&f=fragile:eq:0")
    side_by_side = figures(
        client, "/parcel/chart/chosen.json?by=colour&split=fragile&measure=average:pieces"
    )
    assert side_by_side["stacked"] is False


@pytest.mark.parametrize(
    "question",
    ["by=colour", "by=shelf&split=keeper&measure=median:pieces", "by=opened_at:day&split=shelf"],
)
def test_a_chart_asks_the_database_no_more_often_for_more_records(
    client: Any, as_admin: Any, question: str
) -> None:
    def asked() -> int:
        with counted() as statements:
            figures(client, f"/parcel/chart/chosen.json?{question}")
        return len(statements)

    parcels({"shelf": factories.make("Shelf").id})
    figures(client, f"/parcel/chart/chosen.json?{question}")
    few = asked()
    parcels(*({"shelf": factories.make("Shelf").id} for _number in range(20)))
    assert asked() == few


def test_an_empty_chart_says_what_to_do(client: Any, browser: Any) -> None:
    chart = figures(client, "/parcel/chart/colours.json?f=pieces:ge:5")
    assert chart["empty"]["href"] == "/parcel/"
    chart = figures(client, "/shelf/chart/chosen.json?by=colour")
    assert chart["empty"]["href"] == "/shelf/add"


def test_negative_sums_are_never_slices(client: Any, as_admin: Any) -> None:
    with change_set("form") as changes:
        changes.create(
            registry.current().entity("Parcel"),
            factories.parcel(colour="red", weight=decimal.Decimal(-1)),
            approved=True,
        )
    chart = figures(client, "/parcel/chart/chosen.json?by=colour&measure=weight&kind=pie")
    assert chart["kind"] == "bar"
