"""Boards: a list in columns, what a column adds up to, and how a card goes from one to another."""

from __future__ import annotations

import decimal
import re
from typing import Any
from urllib.parse import quote

import pytest

from app.engine import policy, registry
from app.engine.adapters.database import db, write_transaction
from app.engine.query import Records
from tests import factories
from tests.pages.support import counted, given, hrefs

JSON = {"Accept": "application/json"}


def columns(page: str) -> dict[str, list[str]]:
    """The titles of the cards, by the column that they are in."""
    parts = re.split(r'data-column="([^"]*)"', page)[1:]
    return {
        value: re.findall(r'<a href="[^"]*" title="([^"]*)" draggable', part)
        for value, part in zip(parts[::2], parts[1::2], strict=True)
    }


def head(page: str, value: str) -> str:
    """What a column's head says beside its name."""
    part = page.split(f'data-column="{value}"')[1].split("</section>")[0].split("</h2>")[1]
    return re.sub(r"<[^>]*>", " ", part.split("</div>")[0]).strip()


def move(client: Any, record: Any, to: str, query: str = "?by=stage", version: int = 1) -> Any:
    address = f"/{type(record).options.key}/{record.id}/move{query}"
    return client.post(address, data={"to": to, "version": version}, headers=JSON)


def stage(record: Any) -> str:
    with policy.acting_as(factories.viewer("admin")):
        definition = registry.current().entity("Crate")
        return str(Records(definition).get(record.id)["stage"])


def test_each_state_is_a_column_with_its_records(client: Any) -> None:
    given("Crate", name="茶叶", stage="packed")
    given("Crate", name="瓷器", stage="sent")
    page = client.get("/crate/board").text
    assert columns(page) == {"packed": ["茶叶"], "sent": ["瓷器"], "given": [], "lost": []}
    assert head(page, "packed").split()[0] == "1"


def test_the_filters_and_the_search_of_the_list_hold(client: Any) -> None:
    for name in ("茶叶", "瓷器"):
        given("Crate", name=name, stage="packed")
    page = client.get(f"/crate/board?q={quote('茶叶')}").text
    assert columns(page)["packed"] == ["茶叶"]
    assert f"/crate/?q={quote('茶叶')}" in hrefs(page)  # as a list again
    page = client.get("/crate/board?f=stage:in:sent,lost").text
    assert list(columns(page)) == ["sent", "lost"]
    assert "/crate/board?by=stage" in hrefs(page)  # the chip's way out
    page = client.get("/crate/?f=name:ct:x").text
    assert "/crate/board?f=name:ct:x" in hrefs(page)


def test_a_filter_added_on_the_board_leads_back_to_it(client: Any) -> None:
    answer = client.get(
        "/crate/?as=board&by=stage&field=fragile&operator=eq&value=1",
        headers={"HX-Request": "true"},
    )
    assert answer.headers["HX-Redirect"] == "/crate/board?f=fragile:eq:1&by=stage"


def test_any_choice_can_be_the_columns(client: Any) -> None:
    given("Parcel", name="包裹", colour="red")
    given("Parcel", name="无色", colour=None)
    found = columns(client.get("/parcel/board?by=colour").text)
    assert found == {"": ["无色"], "red": ["包裹"], "blue": []}


def test_columns_add_up_what_counts(client: Any) -> None:
    with policy.acting_as(factories.viewer("admin")):
        for price, currency in (("10.50", "CNY"), ("4.50", "CNY"), ("999", "USD")):
            more = {"price": decimal.Decimal(price), "price_currency": currency}
            factories.make("Parcel", True, colour="red", **more)
        factories.make("Parcel", False, colour="red", price=decimal.Decimal(7))
    said = head(client.get("/parcel/board?by=colour&sum=price").text, "red")
    assert "15.00" in said
    assert said.startswith("4")


def test_a_column_shows_some_and_then_more(client: Any) -> None:
    for number in range(25):
        given("Crate", name=f"箱{number:02}", stage="packed")
    page = client.get("/crate/board?sort=name").text
    assert columns(page)["packed"] == [f"箱{number:02}" for number in range(20)]
    assert head(page, "packed").split()[0] == "25"
    address = re.search(r'hx-get="([^"]*board/more[^"]*)"', page)
    assert address is not None
    more = client.get(address.group(1).replace("&amp;", "&")).text
    assert re.findall(r'title="(箱\d+)" draggable', more) == [f"箱{n}" for n in range(20, 25)]
    assert "board/more" not in more


def test_a_card_goes_by_a_declared_step_and_back_by_undo(client: Any) -> None:
    crate = given("Crate", name="茶叶", stage="packed")
    answer = move(client, crate, "sent")
    assert answer.status_code == 200, answer.text
    assert stage(crate) == "sent"
    assert 'data-version="2"' in answer.json["card"]
    assert set(answer.json["heads"]) == {"packed", "sent"}
    assert client.post(answer.json["undo"]).status_code in (200, 303, 302)
    assert stage(crate) == "packed"


def test_without_scripts_it_comes_back_to_the_board(client: Any) -> None:
    crate = given("Crate", name="茶叶", stage="packed")
    answer = client.post(f"/crate/{crate.id}/move?by=stage", data={"to": "sent"})
    assert (answer.status_code, answer.location) == (303, "/crate/board?by=stage")


@pytest.mark.parametrize(
    ("values", "to", "reason"),
    [
        ({"stage": "packed"}, "given", "it can go to"),
        ({"stage": "packed", "fragile": True}, "lost", "never lost"),
        ({"stage": "sent"}, "given", "asks for this field"),
        ({"stage": "packed"}, "nowhere", "not one of the choices"),
        ({"stage": "packed"}, "", "can't go back to having none"),
    ],
)
def test_a_forbidden_move_is_refused_with_its_reason(
    client: Any, values: dict[str, Any], to: str, reason: str
) -> None:
    crate = given("Crate", name="茶叶", **values)
    answer = move(client, crate, to)
    assert answer.status_code == 422
    assert reason in answer.json["message"]
    assert stage(crate) == values["stage"]


def test_what_somebody_else_changed_meanwhile_is_not_overwritten(client: Any) -> None:
    crate = given("Crate", name="茶叶", stage="packed")
    assert move(client, crate, "sent").status_code == 200
    assert move(client, crate, "lost").status_code == 409
    assert stage(crate) == "sent"


def test_the_menu_offers_the_steps_of_the_column(client: Any) -> None:
    page = client.get("/crate/board").text
    part = page.split('data-column="packed"')[1].split("</section>")[0]
    assert re.findall(r'data-to="([^"]*)"', part) == ["sent", "lost"]
    part = page.split('data-column="sent"')[1].split("</section>")[0]
    assert 'data-to="given" data-ask="give"' in part


def test_who_may_not_write_the_field_moves_nothing(browser: Any, app: Any) -> None:
    crate = given("Crate", name="茶叶", stage="packed")
    allow("Crate", "read", "update")
    forbid("Crate", "stage", "read")
    page = browser("guest").get("/crate/board").text
    assert columns(page)["packed"] == ["茶叶"]
    assert "data-card-menu" not in page
    assert move(browser("guest"), crate, "sent").status_code == 403
    assert stage(crate) == "packed"


def test_who_may_only_look_gets_no_menu(browser: Any) -> None:
    crate = given("Crate", name="茶叶", stage="packed")
    allow("Crate", "read")
    assert "data-card-menu" not in browser("guest").get("/crate/board").text
    assert move(browser("guest"), crate, "sent").status_code == 403


@pytest.mark.parametrize(("access", "status"), [("hidden", 404), ("masked", 403)])
def test_what_one_may_not_see_is_no_column(browser: Any, access: str, status: int) -> None:
    given("Crate", name="茶叶", stage="packed")
    allow("Crate", "read", "update")
    forbid("Crate", "stage", access)
    guest = browser("guest")
    assert guest.get("/crate/board?by=stage").status_code == status
    assert 'value="stage"' not in guest.get("/crate/board").text


def test_records_out_of_reach_are_neither_shown_nor_counted_nor_moved(browser: Any) -> None:
    other = given("Crate", name="别人的", stage="packed")
    allow("Crate", "read", "update", "create", scope="own")
    assert columns(browser("guest").get("/crate/board").text)["packed"] == []
    with policy.acting_as(factories.viewer("guest")):
        factories.make("Crate", name="自己的", stage="packed")
    page = browser("guest").get("/crate/board").text
    assert columns(page)["packed"] == ["自己的"]
    assert head(page, "packed").split()[0] == "1"
    assert move(browser("guest"), other, "sent").status_code == 404


@pytest.mark.parametrize(
    ("address", "status"),
    [
        ("/crate/board?by=nothing", 404),
        ("/crate/board?by=name", 422),
        ("/parcel/board?sum=name", 422),
        ("/crate/board?f=rubbish", 422),
        ("/crate/board/more?after=rubbish", 422),
        ("/leaf/board", 404),
        ("/nothing/board", 404),
    ],
)
def test_what_is_no_board_is_said(client: Any, address: str, status: int) -> None:
    assert client.get(address).status_code == status


def test_more_records_ask_the_database_no_more_often(client: Any) -> None:
    def asked() -> int:
        with counted() as statements:
            assert client.get("/parcel/board?by=colour&sum=price").status_code == 200
        return len(statements)

    for colour in ("red", "blue"):  # more of each than is shown
        for _number in range(21):
            given("Parcel", colour=colour, shelf=given("Shelf").id)
    asked()
    few = asked()
    for _number in range(30):
        given("Parcel", colour="red", shelf=given("Shelf").id)
    assert asked() == few


def test_strange_titles_stay_text(client: Any) -> None:
    given("Crate", name="<script>alert(1)</script>", stage="packed")
    page = client.get("/crate/board").text
    assert "<script>alert(1)" not in page
    assert "&lt;script&gt;alert(1)" in page


@pytest.mark.parametrize(("language", "word"), [("zh", "看板"), ("en", "Board")])
def test_both_languages(client: Any, language: str, word: str) -> None:
    answer = client.get("/customer/board", headers={"Accept-Language": language})
    assert answer.status_code == 200
    assert word in answer.text


def allow(entity: str, *actions: str, scope: str = "all") -> None:
    """Give guests these rights on the entity, and none on others."""
    role_id = factories.viewer("guest").role_ids[0]
    policy.replace_role(db.session(), role_id, {"grants": {entity: dict.fromkeys(actions, scope)}})
    registry.raise_version(db.session(), registry.RIGHTS)
    db.session.commit()
    db.session.remove()


def forbid(entity: str, field: str, access: str) -> None:
    role_id = factories.viewer("guest").role_ids[0]
    with write_transaction() as session:
        session.add(
            policy.RoleFieldAccess(role_id=role_id, entity=entity, field=field, access=access)
        )
        registry.raise_version(session, registry.RIGHTS)
    db.session.remove()
