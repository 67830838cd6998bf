"""The columns of a list: chosen, put in order, kept in the address and in views."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from tests import factories
from tests.pages.support import HTMX, given, hrefs
from tests.pages.test_saved_views import kept, opened


def heads(page: str) -> list[str]:
    """What stands above the columns, in their order."""
    found = re.findall(r'<th scope="col"(?! class="tick")[^>]*>(?:<a [^>]*>)?([^<]*)', page)
    assert found
    return found


def choices(page: str) -> list[tuple[str, bool]]:
    """The panel's columns in their order, and which are ticked."""
    found = re.findall(r'name="show" value="([^"]*)"( checked)?', page)
    assert found
    return [(name, bool(ticked)) for name, ticked in found]


def test_the_address_says_which_columns_and_in_which_order(client: Any, as_admin: object) -> None:
    factories.make("Parcel", name="包裹", pieces=7)
    page = client.get("/parcel/?cols=pieces,colour,created_at").text
    assert heads(page) == ["Name", "Pieces", "Colour", "Created at"]
    assert ">7<" in page
    turned = client.get("/parcel/?cols=colour,pieces").text
    assert heads(turned) == ["Name", "Colour", "Pieces"]
    assert "/parcel/?sort=-pieces&cols=colour,pieces" in hrefs(turned), "sorting keeps them"
    assert heads(client.get("/parcel/").text) != heads(turned)


def test_the_panel_lists_what_is_shown_first(client: Any, as_admin: object) -> None:
    factories.make("Parcel")
    panel = client.get("/parcel/columns?cols=pieces,colour", headers=HTMX).text
    assert "<html" not in panel
    found = choices(panel)
    assert found[:2] == [("pieces", True), ("colour", True)]
    assert ("created_at", False) in found
    assert not {"id", "version", "name"} & {name for name, _ticked in found}
    assert 'aria-label="Move up: Pieces"' in panel
    whole = client.get("/parcel/columns?cols=pieces").text
    assert "<html" in whole, "a page without scripts"
    assert "data-move" not in whole


def test_the_panel_chooses(client: Any, as_admin: object) -> None:
    factories.make("Parcel")
    asked = "chosen=1&show=colour&show=pieces&close_rows=1&sort=name"
    plain = client.get(f"/parcel/?{asked}")
    assert plain.headers["Location"] == "/parcel/?sort=name&cols=colour,pieces&density=dense"
    partial = client.get(f"/parcel/?{asked}", headers=HTMX)
    assert partial.headers["HX-Push-Url"] == plain.headers["Location"]
    assert heads(partial.text) == ["Name", "Colour", "Pieces"]
    assert 'class="grid dense"' in partial.text
    assert 'class="grid dense"' not in client.get("/parcel/").text
    usual = [name for name, ticked in choices(client.get("/parcel/columns").text) if ticked]
    same = "&".join(f"show={name}" for name in usual)
    assert client.get(f"/parcel/?chosen=1&{same}&sort=name").location == "/parcel/?sort=name"


def test_what_may_not_be_known_is_no_column(browser: Callable[..., Any]) -> None:
    given("Contact", customer=given("Customer").id, phone="13812345678")
    guest = browser("guest")
    page = guest.get("/contact/?cols=phone,nonsense")
    assert page.status_code == 200
    assert "138****5678" in page.text
    assert "13812345678" not in page.text
    assert heads(page.text)[1] == "Phone"
    assert "Nonsense" not in heads(page.text)
    assert "/contact/columns?cols=phone" in hrefs(page.text)


def test_a_view_keeps_columns_and_density(browser: Any) -> None:
    mine = factories.user_id("sales")
    given("Customer", name="在用公司", status="active", account_manager=mine)
    sales = browser("sales")
    number = kept(sales, cols="created_at,nonsense,status", density="dense")
    page = opened(sales, number)
    assert "cols=created_at,status&density=dense" in page.request.query_string.decode()
    assert heads(page.text)[1:] == ["Created at", "Life cycle"]
    assert 'class="grid dense"' in page.text
