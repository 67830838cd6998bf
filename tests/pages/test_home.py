"""The first page, the navigation, pickers."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

from app.engine import registry
from app.engine.changes import change_set
from config import ROOT
from tests import factories
from tests.pages.support import given, hrefs


def test_first_steps_while_there_is_nothing(client: Any) -> None:
    page = client.get("/").text
    assert "/customer/add" in hrefs(page)


def test_home_shows_what_waits_and_what_one_worked_on(client: Any, as_admin: object) -> None:
    customer = factories.make("Customer", name="润科通用")
    gone = factories.make("Customer", name="删掉的")
    with change_set("form") as changes:
        changes.trash(registry.current().entity("Customer"), gone.id)
    page = client.get("/").text
    assert "Waiting for approval" in page
    assert "/customer/?f=review_state:eq:draft" in hrefs(page)
    assert f"/customer/{customer.id}" in hrefs(page)
    assert "删掉的" not in page


def test_visitors_are_asked_to_sign_in(browser: Callable[..., Any]) -> None:
    answer = browser(None).get("/")
    assert answer.status_code == 302
    assert "/login" in answer.headers["Location"]


def test_navigation_holds_what_one_may_read(browser: Callable[..., Any]) -> None:
    admin, sales = (hrefs(browser(name).get("/").text) for name in ("admin", "sales"))
    assert {"/customer/", "/contact/", "/parcel/", "/choice_option/", "/users/list/"} <= set(admin)
    assert "/customer/" in sales
    assert not {"/parcel/", "/choice_option/", "/users/list/", "/settings/fields"} & set(sales)


def test_areas_go_by_their_own_names(client: Any, as_admin: object) -> None:
    """Not by that of their first entity; on the first page too."""
    factories.make("Shelf", name="东墙货架")
    page = client.get("/").text
    headings = re.findall(r'<h2 class="sidebar-label">([^<]*)</h2>', page)
    assert {"Customers", "Toys", "Settings"} <= set(headings)
    assert "Shelves" not in headings
    assert headings[-1] == "Settings"


def test_figures_stand_under_the_name_of_their_area(client: Any, as_admin: object) -> None:
    factories.make("Customer", approved=True)
    factories.make("Parcel", approved=True)
    page = client.get("/").text
    assert "Customers: figures" in page


def picked(client: Any, address: str) -> list[dict[str, Any]]:
    answer = client.get(address, headers={"Accept": "application/json"})
    assert answer.status_code == 200
    results: list[dict[str, Any]] = answer.json["results"]
    return results


def test_pickers_search_by_pinyin_too(client: Any, as_admin: object) -> None:
    customer = factories.make("Customer", name="润科通用", external_code="300001.SZ")
    factories.make("Customer", name="恒岳装饰")
    choice = {"value": customer.id, "text": "润科通用", "hint": "300001.SZ"}
    for query in ("润科", "runke", "rk", "300001"):
        assert picked(client, f"/customer/pick?q={query}") == [choice]
    assert len(picked(client, "/customer/pick")) == 2


def test_pickers_obey_the_policy(browser: Callable[..., Any]) -> None:
    given("Customer", name="润科通用", account_manager=factories.user_id("sales2"))
    assert picked(browser("sales"), "/customer/pick?q=润科") == []
    assert browser("sales").get("/parcel/pick?q=x").status_code == 403
    assert browser(None).get("/users/pick?q=a").status_code in (302, 401)


def test_people_are_picked_by_name(client: Any) -> None:
    found = picked(client, "/users/pick?q=张伟")
    assert [item["text"] for item in found] == ["张伟"]
    assert found[0]["value"] == factories.user_id("sales")


def test_every_icon_in_the_navigation_is_served(app: Any) -> None:
    """One that is not leaves a hole beside its word."""
    served = set(json.loads((ROOT / "package.json").read_text())["steward"]["icons"])
    used = {d.icon for d in registry.current().entities.values() if d.area != "toys"}
    assert used <= served
