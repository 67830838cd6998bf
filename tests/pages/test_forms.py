"""Forms: adding, editing, refusing with the input kept, stale forms, likely duplicates."""

from __future__ import annotations

import datetime
import decimal
import html
import re
from collections.abc import Callable
from typing import Any

import pytest

from app.engine import policy, registry
from app.engine.changes import change_set
from app.engine.query import Records
from tests import factories
from tests.pages.support import field_error, given, hidden


def definition(name: str = "Parcel") -> Any:
    return registry.current().entity(name)


def stored(record_id: int, name: str = "Parcel") -> dict[str, Any]:
    return Records(definition(name)).get(record_id)


def edit_form(client: Any, record_id: int, name: str = "parcel") -> dict[str, str]:
    """What the edit form carries beside its inputs."""
    page = client.get(f"/{name}/{record_id}/edit").text
    return {"version": hidden(page, "version"), "first": hidden(page, "first")}


def input_value(page: str, name: str) -> str:
    found = re.search(rf'<input [^>]*\bid="f-{name}"[^>]*>', page)
    assert found is not None, f"no input {name}"
    value = re.search(r'\bvalue="([^"]*)"', found.group(0))
    return html.unescape(value.group(1)) if value else ""


def selected(page: str, name: str) -> str:
    found = re.search(rf'<select [^>]*\bid="f-{name}"[^>]*>(.*?)</select>', page, re.DOTALL)
    assert found is not None, f"no select {name}"
    option = re.search(
        r'<option value="([^"]*)"[^>]* selected|<option value="([^"]*)" selected', found.group(1)
    )
    return (option.group(1) or option.group(2)) if option else ""


EVERYTHING = {
    "name": "一号包裹", "code": "A-1", "pieces": "１２", "weight": "1.250", "price": "12.5万",
    "price_currency": "USD", "arrived_on": "2026-03-05", "opened_at": "2026-03-05T14:30",
    "fragile": ["0", "1"], "colour": "red", "tags": "急, fragile", "email": "a@example.org",
    "phone": "010-88880000", "website": "example.org/x", "notes": "一行\r\n二行",
}  # fmt: skip


def test_every_field_type_is_added(client: Any, as_admin: object) -> None:
    shelf = factories.make("Shelf").id
    keeper = factories.user_id("sales")
    answer = client.post("/parcel/add", data={**EVERYTHING, "shelf": shelf, "keeper": keeper})
    assert answer.status_code == 303, answer.text[:2000]
    record_id = int(answer.headers["Location"].rsplit("/", 1)[1])
    row = stored(record_id)
    assert row["name"] == "一号包裹"
    assert row["pieces"] == 12
    assert row["weight"] == decimal.Decimal("1.250")
    assert (row["price"], row["price_currency"]) == (decimal.Decimal(125000), "USD")
    assert row["arrived_on"] == datetime.date(2026, 3, 5)
    assert row["opened_at"] == datetime.datetime(2026, 3, 5, 6, 30, tzinfo=datetime.UTC)
    assert row["fragile"] is True
    assert row["tags"] == ["急", "fragile"]
    assert row["website"] == "https://example.org/x"
    assert row["notes"] == "一行\n二行"
    assert (row["shelf"], row["keeper"]) == (shelf, keeper)
    assert row["review_state"] == "draft"


def test_the_edit_form_shows_every_value_and_saving_it_changes_nothing(
    client: Any, as_admin: object
) -> None:
    shelf = factories.make("Shelf", name="三号架")
    parcel = factories.make(
        "Parcel",
        shelf=shelf.id,
        opened_at=datetime.datetime(2026, 3, 5, 6, 30, 45, tzinfo=datetime.UTC),
    )
    page = client.get(f"/parcel/{parcel.id}/edit").text
    before = stored(parcel.id)
    sent: dict[str, Any] = {"version": hidden(page, "version"), "first": hidden(page, "first")}
    for name in ("name", "code", "pieces", "weight", "price", "arrived_on", "opened_at", "tags",
                 "email", "phone", "website"):  # fmt: skip
        sent[name] = input_value(page, name)
    for name in ("shelf", "keeper", "colour", "grade", "price_currency"):
        sent[name] = selected(page, name)
    sent |= {"fragile": ["0", "1"], "notes": before["notes"].replace("\n", "\r\n")}
    assert sent["shelf"] == str(shelf.id)
    assert "三号架" in page
    assert sent["opened_at"] == "2026-03-05T14:30"
    answer = client.post(f"/parcel/{parcel.id}/edit", data=sent)
    assert answer.status_code == 303, answer.text[:3000]
    after = stored(parcel.id)
    assert after == before, "not even the seconds that the form does not show"


def test_problems_stand_beside_their_fields_and_the_input_is_kept(client: Any) -> None:
    answer = client.post(
        "/parcel/add",
        data={"name": "", "pieces": "viele", "email": "nobody", "arrived_on": "2026-02-30",
              "colour": "green", "phone": "010-1", "price": "abc", "code": "K-1"},
    )  # fmt: skip
    assert answer.status_code == 422
    page = answer.text
    for name in ("name", "pieces", "email", "arrived_on", "colour", "price"):
        assert field_error(page, name), name
    assert not field_error(page, "code")
    assert input_value(page, "pieces") == "viele"
    assert input_value(page, "arrived_on") == "2026-02-30"
    assert 'type="date"' not in re.search(r"<input [^>]*f-arrived_on[^>]*>", page).group(0)  # type: ignore[union-attr]
    assert input_value(page, "code") == "K-1"
    assert "6 fields need your attention." in page
    summary = page[page.index("6 fields need") :].split("</div>")[0]
    assert re.findall(r'<a href="#([^"]+)"[^>]*>([^<]+)</a>', summary)[0] == ("f-name", "Name")


@pytest.mark.parametrize(
    ("name", "text"),
    [("name", "长" * 10_000), ("pieces", "99999999999999999999"), ("tags", ",".join(str(n) for n in range(60))),
     ("notes", "a\x07b"), ("website", "javascript:alert(1)"), ("shelf", "12345"),
     ("keeper", "abc"), ("weight", "1.23456")],
)  # fmt: skip
def test_what_cannot_be_stored_is_refused(client: Any, name: str, text: str) -> None:
    answer = client.post("/parcel/add", data={"name": "包裹", name: text})
    assert answer.status_code == 422
    assert field_error(answer.text, name)


def test_a_taken_code_is_said_beside_the_code(client: Any, as_admin: object) -> None:
    factories.make("Parcel", code="TAKEN")
    answer = client.post("/parcel/add", data={"name": "包裹", "code": "TAKEN"})
    assert answer.status_code == 422
    assert "another record has this value" in field_error(answer.text, "code")
    assert Records(definition()).count() == (1, True)


def test_the_address_presets_fields_and_another_is_added(client: Any, as_admin: object) -> None:
    shelf = factories.make("Shelf", name="三号架")
    page = client.get(f"/parcel/add?shelf={shelf.id}&colour=blue").text
    assert selected(page, "shelf") == str(shelf.id)
    assert "三号架" in page
    assert selected(page, "colour") == "blue"
    answer = client.post(
        f"/parcel/add?shelf={shelf.id}", data={"name": "包裹", "shelf": shelf.id, "then": "another"}
    )
    assert answer.headers["Location"] == f"/parcel/add?shelf={shelf.id}"


def test_approving_at_once_needs_the_right(browser: Callable[..., Any]) -> None:
    answer = browser("admin").post("/customer/add", data={"name": "甲公司", "approve_now": "1"})
    sales = browser("sales")
    assert "approve_now" not in sales.get("/customer/add").text
    refused = sales.post("/customer/add", data={"name": "乙公司", "approve_now": "1"})
    assert refused.status_code == 403
    assert input_value(refused.text, "name") == "乙公司", "the input is kept"
    own = sales.post("/customer/add", data={"name": "乙公司"})
    assert own.status_code == 303
    made, drafted = (int(a.headers["Location"].rsplit("/", 1)[1]) for a in (answer, own))
    with policy.acting_as(factories.viewer("admin")):
        assert stored(made, "Customer")["review_state"] == "approved"
        row = stored(drafted, "Customer")
    assert row["review_state"] == "draft"
    assert row["account_manager"] == factories.user_id("sales"), "else they would not see it"


def test_fields_that_one_may_not_write_are_not_in_the_form(browser: Callable[..., Any]) -> None:
    guest = browser("guest")
    customer = given("Customer")
    assert guest.get("/customer/add").status_code == 403
    assert guest.get(f"/customer/{customer.id}/edit").status_code == 403
    assert guest.post(f"/customer/{customer.id}/edit", data={"name": "x"}).status_code == 403
    page = browser("admin").get("/parcel/add").text
    assert 'name="number"' not in page, "serial numbers are given by the system"
    assert 'name="review_state"' not in page


def test_unknown_inputs_are_ignored(client: Any, as_admin: object) -> None:
    parcel = factories.make("Parcel", name="原名")
    sent = {**edit_form(client, parcel.id), "id": "999", "review_state": "approved",
            "number": "X", "created_by": "1", "name": "新名"}  # fmt: skip
    assert client.post(f"/parcel/{parcel.id}/edit", data=sent).status_code == 303
    row = stored(parcel.id)
    assert (row["id"], row["name"], row["review_state"]) == (parcel.id, "新名", "draft")
    assert row["number"] != "X"


def test_a_cleared_box_is_a_no_and_an_untouched_empty_one_stays_empty(
    client: Any, as_admin: object
) -> None:
    empty = factories.make("Parcel", fragile=None)
    yes = factories.make("Parcel", fragile=True)
    for parcel in (empty, yes):
        sent = {**edit_form(client, parcel.id), "fragile": ["0"], "pieces": "5"}
        client.post(f"/parcel/{parcel.id}/edit", data=sent)
    assert stored(empty.id)["fragile"] is None
    assert stored(yes.id)["fragile"] is False


# -- stale forms ---------------------------------------------------------------------------


def save_elsewhere(record_id: int, **values: Any) -> None:
    with change_set("form") as changes:
        changes.update(definition(), record_id, values)


def test_a_stale_form_shows_both_versions_and_keeps_the_input(
    client: Any, as_admin: object
) -> None:
    parcel = factories.make("Parcel", name="原名", pieces=1, notes="原来")
    form = edit_form(client, parcel.id)
    save_elsewhere(parcel.id, name="别人的名", pieces=7)
    mine = {"name": "我的名", "pieces": "1", "notes": "我的备注"}
    refused = client.post(f"/parcel/{parcel.id}/edit", data={**form, **mine})
    assert refused.status_code == 409
    page = refused.text
    assert "Somebody else saved this record meanwhile" in page
    assert "别人的名" in page
    assert input_value(page, "name") == "我的名"
    assert input_value(page, "pieces") == "7", "only they changed it: theirs stays"
    assert "我的备注" in page
    assert 'name="take.name" value="theirs"' in page
    assert "take.pieces" not in page
    assert stored(parcel.id)["name"] == "别人的名", "nothing was written"


@pytest.mark.parametrize(("choice", "name"), [("mine", "我的名"), ("theirs", "别人的名")])
def test_saving_again_takes_what_was_chosen(
    client: Any, as_admin: object, choice: str, name: str
) -> None:
    parcel = factories.make("Parcel", name="原名", notes="原来")
    form = edit_form(client, parcel.id)
    save_elsewhere(parcel.id, name="别人的名")
    mine = {"name": "我的名", "notes": "我的备注"}
    page = client.post(f"/parcel/{parcel.id}/edit", data={**form, **mine}).text
    again = {
        "version": hidden(page, "version"),
        "first": hidden(page, "first"),
        **mine,
        "take.name": choice,
    }
    assert client.post(f"/parcel/{parcel.id}/edit", data=again).status_code == 303
    row = stored(parcel.id)
    assert (row["name"], row["notes"]) == (name, "我的备注")


def test_a_form_without_a_version_is_stale(client: Any, as_admin: object) -> None:
    parcel = factories.make("Parcel", name="原名")
    assert client.post(f"/parcel/{parcel.id}/edit", data={"name": "x"}).status_code == 409
    broken = {"name": "x", "version": "1; DROP", "first": "[]"}
    assert client.post(f"/parcel/{parcel.id}/edit", data=broken).status_code == 409
    assert stored(parcel.id)["name"] == "原名"


def test_a_record_deleted_meanwhile_is_said_and_the_input_kept(
    client: Any, as_admin: object
) -> None:
    parcel = factories.make("Parcel")
    form = edit_form(client, parcel.id)
    with change_set("form") as changes:
        changes.trash(definition(), parcel.id)
    answer = client.post(f"/parcel/{parcel.id}/edit", data={**form, "name": "写了很久"})
    assert answer.status_code == 404
    assert "Somebody deleted this record meanwhile" in answer.text
    assert input_value(answer.text, "name") == "写了很久"


# -- choices and pickers -------------------------------------------------------------------


def test_long_lists_are_searched_and_refining_ones_say_what_they_belong_to(client: Any) -> None:
    page = client.get("/customer/add").text
    city = re.search(r'<select [^>]*\bid="f-city"[^>]*>', page)
    assert city is not None
    assert "data-picker" in city.group(0)
    assert 'data-parent-field="f-province"' in city.group(0)
    assert 'value="440300" data-parent="440000"' in page
    status = re.search(r'<select [^>]*\bid="f-status"[^>]*>', page)
    assert status is not None
    assert "data-picker" not in status.group(0)
    manager = re.search(r'<select [^>]*\bid="f-account_manager"[^>]*>(.*?)</select>', page)
    assert manager is not None
    assert manager.group(1).count("<option") == 1, "people are searched, never listed"


def test_a_retired_choice_stays_where_it_is(client: Any, as_admin: object) -> None:
    option = factories.make("ChoiceOption", value="old", label_en="Old grade")
    parcel = factories.make("Parcel", grade="old")
    with change_set("form") as changes:
        changes.update(definition("ChoiceOption"), option.id, {"active": False})
    registry.refresh()
    page = client.get(f"/parcel/{parcel.id}/edit").text
    assert selected(page, "grade") == "old"
    assert 'value="old"' not in client.get("/parcel/add").text


def test_fields_are_grouped(client: Any) -> None:
    assert client.get("/parcel/add").text.count('<fieldset class="field-group">') == 2
    assert client.get("/customer/add").text.count('<fieldset class="field-group">') == 4


# -- likely duplicates ---------------------------------------------------------------------


def likely(client: Any, **texts: str) -> list[str]:
    answer = client.post("/customer/duplicates", data=texts)
    assert answer.status_code == 200
    return re.findall(r'<a href="/customer/\d+"[^>]*>([^<]*)</a>', answer.text)


def test_likely_duplicates_are_shown_while_typing(client: Any, as_admin: object) -> None:
    factories.make("Customer", name="深圳市润科通用技术有限公司", phone="0755-88886666")
    factories.make("Customer", name="成都恒岳装饰工程有限公司")
    name = "深圳市润科通用技术有限公司"
    assert likely(client, name="润科") == [name]
    assert likely(client, name="深圳润科通用技术公司") == [name]
    assert likely(client, name="", phone="0755 88886666") == [name]
    assert likely(client, name="润") == []
    assert likely(client, name="别的什么有限公司") == []
    page = client.get("/customer/add").text
    assert 'hx-post="/customer/duplicates"' in page


def test_duplicates_show_only_what_the_viewer_may_see(browser: Callable[..., Any]) -> None:
    given("Customer", name="润科通用", account_manager=factories.user_id("sales2"))
    assert likely(browser("sales"), name="润科通用") == []
    masked = browser("guest").post("/customer/duplicates", data={"phone": "010-88880001"})
    assert masked.status_code == 200
    assert "/customer/" not in masked.text
