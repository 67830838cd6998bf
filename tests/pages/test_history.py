"""A record's history, going back to a version, change sets and their undo."""

from __future__ import annotations

import decimal
from typing import Any

import pytest
from sqlalchemy import select

from app.engine import policy, registry
from app.engine.adapters.database import db
from app.engine.changes import ChangeSet, change_set, undo
from app.engine.job import Job
from app.engine.query import Records
from tests import factories


def admin() -> Any:
    return policy.acting_as(factories.viewer("admin"))


def parcel() -> registry.EntityDefinition:
    return registry.current().entity("Parcel")


def update(record: Any, entity: str = "Parcel", **values: Any) -> int:
    with change_set("form") as changes:
        changes.update(registry.current().entity(entity), record.id, values)
    assert changes.id is not None
    return changes.id


def row(record: Any, entity: str = "Parcel") -> dict[str, Any]:
    db.session.rollback()  # what the requests wrote is to be seen
    return Records(registry.current().entity(entity)).get(record.id)


def sets() -> list[ChangeSet]:
    db.session.rollback()
    return list(db.session.scalars(select(ChangeSet).order_by(ChangeSet.id.desc())))


def change_ids(page: str) -> list[int]:
    """The ids of the changes that the page offers to revert to, newest first."""
    found = []
    for part in page.split("/history/")[1:]:
        number, _slash, rest = part.partition("/")
        if rest.startswith("revert"):
            found.append(int(number))
    return found


# -- a record ------------------------------------------------------------------------------


def test_every_change_is_told_in_words(client: Any, as_admin: Any) -> None:
    shelf = factories.make("Shelf", name="左边的货架")
    record = factories.make("Parcel", name="旧名", colour="red", price_currency="USD")
    update(record, name="新名", colour="blue", shelf=shelf.id, price=decimal.Decimal(7))
    page = client.get(f"/parcel/{record.id}/history").text
    for words in (
        "旧名",
        "新名",
        "Red",
        "Blue",
        "左边的货架",
        "Edited",
        "Added",
        "Form",
        "管理员系统",
        "Change set",
    ):
        assert words in page, words
    assert "$7.00" in page  # the currency that the change does not name
    assert f"#{shelf.id}" not in page


def test_both_languages(client: Any, as_admin: Any) -> None:
    record = factories.make("Parcel", colour="red")
    update(record, colour="blue")
    for language in ("zh", "en"):
        for address in (f"/parcel/{record.id}/history", "/changes/", f"/changes/{sets()[0].id}"):
            assert client.get(address, headers={"Accept-Language": language}).status_code == 200


def test_hidden_fields_are_left_out_and_masked_ones_masked(browser: Any) -> None:
    with admin():
        record = factories.make("Customer", notes="第一条秘密", phone="021-61234567")
        update(record, "Customer", notes="第二条秘密", phone="021-68887777")
    page = browser("guest").get(f"/customer/{record.id}/history").text
    assert "秘密" not in page
    assert "61234567" not in page
    assert "68887777" not in page
    assert "Phone" in page
    assert "****" in page
    full = browser("admin").get(f"/customer/{record.id}/history").text
    assert "第一条秘密" in full
    assert "021-68887777" in full


def test_names_of_records_out_of_scope_stay_hidden(browser: Any) -> None:
    with admin():
        owner = factories.user_id("sales")
        mine = factories.make("Customer", account_manager=owner)
        other = factories.make("Customer", name="别人的客户")
        contact = factories.make("Contact", customer=mine.id)
        update(contact, "Contact", customer=other.id)
        update(contact, "Contact", customer=mine.id)
    page = browser("sales").get(f"/contact/{contact.id}/history").text
    assert "别人的客户" not in page
    assert "(not visible)" in page


def test_only_of_records_that_one_may_see(browser: Any) -> None:
    with admin():
        record = factories.make("Customer", account_manager=factories.user_id("sales2"))
    assert browser("sales").get(f"/customer/{record.id}/history").status_code == 404
    assert browser("sales2").get(f"/customer/{record.id}/history").status_code == 200
    assert browser(None).get(f"/customer/{record.id}/history").status_code == 302
    assert browser("admin").get("/customer/999999/history").status_code == 404


@pytest.mark.parametrize(
    "address", ["/changes/{}", "/import/parcel/{}", "/import/parcel/{}/status"]
)
def test_an_impossible_number_is_that_of_nothing(client: Any, address: str) -> None:
    assert client.get(address.format("9" * 20)).status_code == 404


def test_a_removed_field_is_counted_and_not_shown(client: Any, as_admin: Any) -> None:
    field = factories.make("CustomField", name="weather", kind="text")
    record = factories.make("Parcel", weather="晴空万里")
    with change_set("form") as changes:
        changes.trash(registry.current().entity("CustomField"), field.id)
    registry.refresh()
    page = client.get(f"/parcel/{record.id}/history").text
    assert "晴空万里" not in page
    assert "1 further field does not exist any more." in page


def test_pages_of_a_long_history(client: Any, as_admin: Any) -> None:
    record = factories.make("Parcel", pieces=0)
    for n in range(1, 33):
        update(record, pieces=n)
    first = client.get(f"/parcel/{record.id}/history").text
    older = first.split('rel="next" href="')[1].split('"')[0].replace("&amp;", "&")
    second = client.get(older).text
    assert first.count("/revert") == 29
    assert "Added" in second
    assert second.count('class="section"') == 3


# -- going back ----------------------------------------------------------------------------


def test_going_back_gives_every_field_its_value_of_then(client: Any, as_admin: Any) -> None:
    record = factories.make("Parcel", name="一", colour="red", pieces=1)
    update(record, name="二", tags=["新"])
    update(record, name="三", colour="blue")
    update(record, pieces=3)
    page = client.get(f"/parcel/{record.id}/history").text
    _third, second, first = change_ids(page)
    answer = client.post(
        f"/parcel/{record.id}/history/{second}/revert", data={"version": row(record)["version"]}
    )
    assert answer.status_code == 302
    now = row(record)
    assert (now["name"], now["colour"], now["pieces"], now["tags"]) == ("二", "red", 1, ["新"])
    assert sets()[0].door == "revert"
    client.post(f"/parcel/{record.id}/history/{first}/revert")
    assert (row(record)["name"], row(record)["tags"]) == ("一", ["急", "fragile"])
    undo(sets()[0].id)
    assert row(record)["name"] == "二"


def test_going_back_where_nothing_differs_writes_nothing(client: Any, as_admin: Any) -> None:
    record = factories.make("Parcel", name="一")
    update(record, name="二")
    update(record, name="一")
    before = len(sets())
    first = change_ids(client.get(f"/parcel/{record.id}/history").text)[-1]
    client.post(f"/parcel/{record.id}/history/{first}/revert")
    assert len(sets()) == before
    assert "Nothing differs from that version." in client.get(f"/parcel/{record.id}/history").text


def test_going_back_is_refused_when_the_page_was_old(client: Any, as_admin: Any) -> None:
    record = factories.make("Parcel", name="一")
    update(record, name="二")
    page = client.get(f"/parcel/{record.id}/history").text
    version = row(record)["version"]
    update(record, name="三")
    address = f"/parcel/{record.id}/history/{change_ids(page)[-1]}/revert"
    assert client.post(address, data={"version": version}).status_code == 409
    assert row(record)["name"] == "三"


def test_what_cannot_be_gone_back_to_is_said_with_its_field(client: Any, as_admin: Any) -> None:
    record = factories.make("Parcel", code="ONCE")
    update(record, code="TWICE")
    factories.make("Parcel", code="ONCE")
    first = change_ids(client.get(f"/parcel/{record.id}/history").text)[-1]
    client.post(f"/parcel/{record.id}/history/{first}/revert")
    page = client.get(f"/parcel/{record.id}/history").text
    assert "Code: " in page
    assert "another record has this value" in page
    assert row(record)["code"] == "TWICE"


def test_only_who_may_edit_goes_back(browser: Any) -> None:
    with admin():
        record = factories.make("Customer", name="一")
        update(record, "Customer", name="二")
    page = browser("guest").get(f"/customer/{record.id}/history").text
    assert "revert" not in page
    full = browser("admin").get(f"/customer/{record.id}/history").text
    address = f"/customer/{record.id}/history/{change_ids(full)[0]}/revert"
    assert browser("guest").post(address).status_code == 403
    assert browser("admin").post(f"/customer/{record.id}/history/999/revert").status_code == 404


# -- change sets ---------------------------------------------------------------------------


def test_the_list_shows_ones_own_and_everybodys_to_the_administrator(browser: Any) -> None:
    with policy.acting_as(factories.viewer("sales")):
        factories.make("Customer")
    with policy.acting_as(factories.viewer("sales2")):
        factories.make("Customer")
    newest, older = (item.id for item in sets()[:2])
    assert f'href="/changes/{older}"' in browser("sales").get("/changes/").text
    assert f'href="/changes/{newest}"' not in browser("sales").get("/changes/").text
    assert browser("sales").get(f"/changes/{newest}").status_code == 404
    assert browser("sales").post(f"/changes/{newest}/undo").status_code == 404
    page = browser("admin").get("/changes/").text
    assert f'href="/changes/{newest}"' in page
    assert f'href="/changes/{older}"' in page
    assert f'href="/changes/{newest}"' not in browser("admin").get("/changes/?whose=mine").text
    assert "Reference data" in browser("admin").get("/changes/?door=seed").text
    assert browser("admin").get("/changes/?door=window").status_code == 422


def test_pages_of_change_sets(client: Any, as_admin: Any) -> None:
    for _n in range(55):
        factories.make("Shelf")
    first = client.get("/changes/").text
    older = first.split('rel="next" href="')[1].split('"')[0].replace("&amp;", "&")
    second = client.get(older).text
    newer = second.split('rel="prev" href="')[1].split('"')[0].replace("&amp;", "&")
    assert first.count('data-href="/changes/') == 50
    assert 'rel="prev" aria-disabled' in first
    assert client.get(newer).text.count('data-href="/changes/') == 50


def test_a_change_set_shows_what_the_viewer_may_see_of_it(browser: Any) -> None:
    sales = factories.user_id("sales")
    with policy.acting_as(factories.viewer("sales")), change_set("bulk") as changes:
        customers = registry.current().entity("Customer")
        for n in range(3):
            changes.create(customers, factories.customer(name=f"第{n}家"))
    with admin():
        taken = Records(customers).where().ids()[-1]
        update(
            type("R", (), {"id": taken}), "Customer", account_manager=factories.user_id("sales2")
        )
    page = browser("sales").get(f"/changes/{changes.id}").text
    assert "第0家" in page
    assert "第2家" not in page
    assert "3 added" in page
    assert "第2家" in browser("admin").get(f"/changes/{changes.id}").text
    assert sales


def test_long_change_sets_come_in_pages(client: Any, as_admin: Any) -> None:
    with change_set("bulk") as changes:
        for n in range(130):
            changes.create(registry.current().entity("Shelf"), factories.shelf(name=f"架{n:03}"))
    first = client.get(f"/changes/{changes.id}").text
    assert "架000" in first
    assert "架099" in first
    assert "架100" not in first
    after = first.split('rel="next" href="')[1].split('"')[0].replace("&amp;", "&")
    second = client.get(after).text
    assert "架100" in second
    assert "架129" in second


def test_undo_goes_back_to_where_it_was_clicked(client: Any, as_admin: Any) -> None:
    record = factories.make("Parcel", name="一")
    number = update(record, name="二")
    answer = client.post(
        f"/changes/{number}/undo", headers={"Referer": f"http://localhost/parcel/{record.id}?a=1"}
    )
    assert answer.location == f"/parcel/{record.id}?a=1"
    assert row(record)["name"] == "一"
    page = client.get(f"/changes/{number}").text
    assert "1 change undone." in page
    assert "How the undo went" in page
    assert f'/changes/{number}/undo"' not in page
    assert "Undone" in page
    again = client.post(f"/changes/{number}/undo")
    assert again.location == f"/changes/{number}"
    assert "has been undone already" in client.get(f"/changes/{number}").text


def test_undo_never_leads_away(client: Any, as_admin: Any) -> None:
    record = factories.make("Parcel", name="一")
    for referrer in ("http://elsewhere.example/parcel/", "http://localhost//elsewhere.example"):
        number = update(record, name=referrer)
        answer = client.post(f"/changes/{number}/undo", headers={"Referer": referrer})
        assert answer.location == f"/changes/{number}"


def test_undo_of_a_new_record_leads_to_its_report(client: Any, as_admin: Any) -> None:
    record = factories.make("Parcel")
    number = sets()[0].id
    answer = client.post(
        f"/changes/{number}/undo", headers={"Referer": f"http://localhost/parcel/{record.id}"}
    )
    assert answer.location == f"/changes/{number}"
    assert client.get(f"/parcel/{record.id}/history").status_code == 404
    assert client.get(f"/changes/{number}").status_code == 200
    assert client.get(f"/changes/{sets()[0].id}").status_code == 200


def test_the_report_names_what_was_kept_and_blocked_and_stays(client: Any, as_admin: Any) -> None:
    with change_set("bulk") as changes:
        shelves = [
            changes.create(registry.current().entity("Shelf"), factories.shelf(name=name))
            for name in ("随便的", "改过的", "用着的")
        ]
    update(shelves[1], "Shelf", colour="red")
    factories.make("Parcel", shelf=shelves[2].id)
    answer = client.post(f"/changes/{changes.id}/undo")
    assert answer.location == f"/changes/{changes.id}"
    page = client.get(answer.location).text
    report = page.split('id="undo-report"')[1].split("</section>")[0]
    assert "改过的" in report
    assert "用着的" in report
    assert "Somebody edited it since." in report
    assert "Other records point at it: Parcels." in report
    assert "Partly undone" in page
    assert sets()[0].report["reversed"] == 1


def test_undoing_the_undo_brings_it_back(client: Any, as_admin: Any) -> None:
    record = factories.make("Parcel", name="一")
    number = update(record, name="二")
    client.post(f"/changes/{number}/undo")
    client.post(f"/changes/{sets()[0].id}/undo")
    assert row(record)["name"] == "二"


def test_large_change_sets_are_undone_by_a_job(client: Any, as_admin: Any) -> None:
    with change_set("bulk") as changes:
        for _n in range(201):
            changes.create(registry.current().entity("Shelf"), factories.shelf())
    answer = client.post(f"/changes/{changes.id}/undo")
    job = db.session.scalars(select(Job)).one()
    assert answer.location == f"/jobs/{job.id}"
    assert (job.kind, job.arguments, job.total) == ("undo", {"change_set": changes.id}, 201)
    assert db.session.get_one(ChangeSet, changes.id, populate_existing=True).state == "done"


@pytest.mark.parametrize("address", ["/changes/", "/changes/1"])
def test_visitors_sign_in_first(browser: Any, address: str) -> None:
    assert browser(None).get(address).status_code == 302
