"""Work on many records at once, as people do it on the pages."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from app.engine import policy, registry
from app.engine.changes import undo
from app.engine.query import Condition, Records
from tests import factories
from tests.pages.support import counted, given, row_titles


def parcels(number: int, **values: Any) -> list[Any]:
    return [given("Parcel", **values) for _n in range(number)]


def rows(entity: str = "Parcel", *conditions: Condition) -> list[dict[str, Any]]:
    with policy.acting_as(factories.viewer("admin")):
        definition = registry.current().entity(entity)
        return Records(definition).where(*conditions).page(500).rows


def undo_toast(page: str) -> int:
    found = re.search(r'action="/changes/(\d+)/undo"', page)
    assert found is not None
    return int(found.group(1))


def agree(client: Any, page: str, address: str, **values: Any) -> Any:
    """Send back the preview's form."""
    form = page[page.index('id="bulk-agree"') :]
    pairs = re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)"', form)
    data: dict[str, list[str]] = {}
    for name, value in pairs:
        data.setdefault(name, []).append(value)
    return client.post(address, data={**data, "step": "run", **values})


def test_a_list_offers_all_that_match(client: Any, as_admin: object) -> None:
    parcels(30, colour="red")
    parcels(3, colour="blue")
    page = client.get("/parcel/?f=colour:eq:red").text
    assert "Select all 30 matching" in page
    assert "data-bulk-matching" not in client.get("/parcel/?f=colour:eq:blue").text


def test_all_that_match_are_edited_after_a_preview(client: Any, as_admin: object) -> None:
    parcels(30, colour="red")
    parcels(3, colour="blue")
    asked = client.post(
        "/parcel/bulk",
        data={"action": "edit", "all": "1", "f": "colour:eq:red", "next": "/parcel/"},
    )
    assert asked.status_code == 303
    form = client.get(asked.headers["Location"])
    assert "30 records" in form.text
    preview = client.post(
        "/parcel/bulk/edit",
        data={
            "all": "1",
            "f": "colour:eq:red",
            "change": ["colour", "pieces", "tags"],
            "colour": "blue",
            "pieces": "",
            "tags": "新, 急",
            "how.tags": "add",
        },
    )
    assert "Would change" in preview.text
    assert "add 新, 急" in preview.text
    assert len(rows("Parcel", Condition("colour", "eq", "red"))) == 30, "nothing is written yet"
    done = agree(client, preview.text, "/parcel/bulk/edit")
    assert done.status_code == 303
    changed = rows("Parcel", Condition("tags", "ct", "新"))
    assert len(changed) == 30
    assert {(row["colour"], row["pieces"]) for row in changed} == {("blue", None)}
    assert changed[0]["tags"] == ["急", "fragile", "新"]
    set_id = undo_toast(client.get("/parcel/").text)
    with policy.acting_as(factories.viewer("admin")):
        report = undo(set_id)
    assert (report.reversed, report.kept, report.blocked) == (30, 0, 0)
    assert len(rows("Parcel", Condition("colour", "eq", "red"))) == 30


def test_what_is_wrong_is_said_beside_the_field(client: Any, as_admin: object) -> None:
    ids = ",".join(str(record.id) for record in parcels(2))
    answer = client.post(
        "/parcel/bulk/edit", data={"ids": ids, "change": ["pieces"], "pieces": "many"}
    )
    assert answer.status_code == 422
    assert 'id="f-pieces-error"' in answer.text
    nothing = client.post("/parcel/bulk/edit", data={"ids": ids, "pieces": "3"})
    assert nothing.status_code == 422
    assert "Choose at least one field to change." in nothing.text


def test_the_preview_names_what_would_be_refused(client: Any, as_admin: object) -> None:
    one = given("Customer", name="甲公司", province="110000", city=None)
    two = given("Customer", name="乙公司", province="310000", city=None)
    city = next(
        option
        for option in registry.current().entity("Customer").fields["city"].options.options
        if option.parent == "310000"
    )
    preview = client.post(
        "/customer/bulk/edit",
        data={"ids": f"{one.id},{two.id}", "change": ["city"], "city": city.value},
    )
    assert "Would be refused" in preview.text
    assert "甲公司" in preview.text
    assert "does not belong to" in preview.text
    agree(client, preview.text, "/customer/bulk/edit")
    page = client.get("/customer/").text
    assert "1 record changed, 1 refused:" in page
    assert [row["name"] for row in rows("Customer", Condition("city", "nempty"))] == ["乙公司"]


def test_what_others_change_after_the_preview_is_left_alone(client: Any, as_admin: object) -> None:
    first, second = parcels(2, colour="red")
    preview = client.post(
        "/parcel/bulk/edit",
        data={"ids": f"{first.id},{second.id}", "change": ["colour"], "colour": "blue"},
    )
    with policy.acting_as(factories.viewer("admin")):
        from app.engine.changes import change_set

        with change_set("form") as changes:
            changes.update(registry.current().entity("Parcel"), first.id, {"pieces": 77})
    agree(client, preview.text, "/parcel/bulk/edit")
    assert "1 record changed, 1 left alone, changed meanwhile." in client.get("/parcel/").text
    assert {row["id"]: row["colour"] for row in rows()} == {first.id: "red", second.id: "blue"}


def test_archived_records_leave_the_list_until_asked_for(client: Any, as_admin: object) -> None:
    kept = given("Parcel", name="留着的")
    aside = given("Parcel", name="放好的")
    client.post("/parcel/bulk", data={"action": "archive", "ids": [aside.id]})
    page = client.get("/parcel/").text
    assert row_titles(page) == ["留着的"]
    assert "1 record archived." in page
    assert row_titles(client.get("/parcel/?f=archived_at:nempty:").text) == ["放好的"]
    assert row_titles(client.get("/parcel/?q=放好").text) == ["放好的"], "a search finds it"
    assert "Archived" in client.get(f"/parcel/{aside.id}").text
    client.post("/parcel/bulk", data={"action": "unarchive", "ids": [aside.id, kept.id]})
    assert len(row_titles(client.get("/parcel/").text)) == 2


def test_the_whole_trash_is_restored(client: Any, as_admin: object) -> None:
    shelf = given("Shelf")
    ids = [record.id for record in parcels(3, shelf=shelf.id)]
    client.post("/parcel/bulk", data={"action": "trash", "ids": ids})
    address = re.search(r'href="(/parcel/bulk/restore[^"]*)"', client.get("/parcel/trash").text)
    assert address is not None
    preview = client.get(address.group(1).replace("&amp;", "&")).text
    assert "3 records" in preview
    agree(client, preview, "/parcel/bulk/restore")
    assert len(rows()) == 3


def test_many_are_left_to_a_job(client: Any, as_admin: object, monkeypatch: Any) -> None:
    from app.engine.surfaces.bulk import pages

    monkeypatch.setattr(pages, "AT_ONCE", 5)
    parcels(12, colour="red")
    preview = client.post(
        "/parcel/bulk/edit", data={"all": "1", "change": ["colour"], "colour": "blue"}
    )
    asked = agree(client, preview.text, "/parcel/bulk/edit")
    job_id = asked.headers["Location"].removeprefix("/jobs/")
    from jobs import run_job

    run_job(job_id)
    assert len(rows("Parcel", Condition("colour", "eq", "blue"))) == 12
    page = client.get(f"/jobs/{job_id}").text
    assert "12 changed, 0 already so, 0 refused" in page
    assert "/changes/" in page


def test_nobody_does_more_than_their_roles_allow(browser: Callable[..., Any]) -> None:
    mine = given("Customer", name="我的", account_manager=factories.user_id("sales"))
    other = given("Customer", name="别人的", account_manager=factories.user_id("sales2"))
    sales = browser("sales")
    preview = sales.post(
        "/customer/bulk/edit",
        data={"ids": f"{mine.id},{other.id}", "change": ["status"], "status": "lost"},
    )
    assert "1 record" in preview.text
    agree(sales, preview.text, "/customer/bulk/edit")
    assert [row["name"] for row in rows("Customer", Condition("status", "eq", "lost"))] == ["我的"]
    guest = browser("guest")
    for address in ("/customer/bulk/edit", "/customer/bulk/trash", "/customer/merge"):
        assert guest.get(f"{address}?ids={mine.id}").status_code == 403
    assert guest.get(f"/customer/bulk/nonsense?ids={mine.id}").status_code == 403
    assert sales.get(f"/customer/bulk/nonsense?ids={mine.id}").status_code == 400
    assert browser(None).get("/customer/bulk/edit?ids=1").status_code == 302


def test_a_preview_costs_the_same_for_few_and_many(client: Any, as_admin: object) -> None:
    def cost(ids: str) -> int:
        with counted() as statements:
            client.post(
                "/parcel/bulk/edit", data={"ids": ids, "change": ["colour"], "colour": "blue"}
            )
        return len(statements)

    few = ",".join(str(record.id) for record in parcels(2, colour="red"))
    cost(few)
    many = ",".join(str(record.id) for record in parcels(40, colour="red"))
    assert cost(many) == cost(few)


# -- merging ---------------------------------------------------------------------------------


def test_two_are_merged_with_what_was_chosen(client: Any, as_admin: object) -> None:
    shelf, spare = given("Shelf", name="第一架"), given("Shelf", name="旧架", colour="red")
    parcel = given("Parcel", shelf=spare.id)
    page = client.get(f"/shelf/merge?ids={shelf.id},{spare.id}").text
    assert "Parcels 1" in page
    answer = client.post(
        "/shelf/merge",
        data={
            "ids": f"{shelf.id},{spare.id}",
            "survivor": shelf.id,
            "take.name": spare.id,
            "take.colour": shelf.id,
        },
    )
    assert answer.headers["Location"] == f"/shelf/{shelf.id}"
    (stayed,) = rows("Shelf")
    assert (stayed["id"], stayed["name"], stayed["colour"]) == (shelf.id, "旧架", "blue")
    assert [row["shelf"] for row in rows()] == [shelf.id]
    old = client.get(f"/shelf/{spare.id}")
    assert old.headers["Location"] == f"/shelf/{shelf.id}"
    page = client.get(f"/shelf/{shelf.id}").text
    assert "merged into this one" in page
    assert "Merged into" in client.get(f"/shelf/{spare.id}/history").text
    set_id = undo_toast(page)
    with policy.acting_as(factories.viewer("admin")):
        report = undo(set_id)
    assert (report.kept, report.blocked) == (0, 0)
    assert {row["id"]: row["name"] for row in rows("Shelf")} == {
        shelf.id: "第一架",
        spare.id: "旧架",
    }
    assert [(row["id"], row["shelf"]) for row in rows()] == [(parcel.id, spare.id)]
    assert client.get(f"/shelf/{spare.id}").status_code == 200


def test_duplicates_are_found_and_merged(client: Any, as_admin: object) -> None:
    one = given("Customer", name="润科生物有限公司", external_code="A1", phone=None)
    two = given("Customer", name="润科生物股份有限公司", external_code=None, phone="010-88880000")
    given("Customer", name="别的公司")
    given("Contact", customer=two.id, name="王小明")
    address = client.post(
        "/customer/bulk", data={"action": "merge_duplicates", "all": "1"}
    ).headers["Location"]
    assert "Records are duplicates when they agree in" in client.get(address).text
    preview = client.post(
        "/customer/bulk/merge_duplicates", data={"all": "1", "by": "name", "keep": "oldest"}
    )
    assert "润科生物股份有限公司" in preview.text
    agree(client, preview.text, "/customer/bulk/merge_duplicates")
    assert "1 duplicate merged." in client.get("/customer/").text
    left = {row["id"]: row for row in rows("Customer")}
    assert len(left) == 2
    assert left[one.id]["phone"] == "010-88880000"
    assert [row["customer"] for row in rows("Contact")] == [one.id]


def test_no_merge_moves_what_one_may_not_change(browser: Callable[..., Any]) -> None:
    mine = [given("Customer", account_manager=factories.user_id("sales")).id for _n in range(2)]
    given("Contact", customer=mine[1])
    from sqlalchemy import update

    from app.engine.adapters.database import db
    from app.engine.policy import RoleGrant
    from app.engine.registry import raise_version

    db.session.execute(update(RoleGrant).where(RoleGrant.entity == "Contact").values(scope="none"))
    raise_version(db.session(), "rights")
    db.session.commit()
    sales = browser("sales")
    answer = sales.post(
        "/customer/merge", data={"ids": f"{mine[0]},{mine[1]}", "survivor": mine[0]}
    )
    assert answer.status_code == 403
    assert "Contacts" in answer.text
    assert len(rows("Customer")) == 2


def test_who_may_do_nothing_here_is_told_so_whatever_they_ask(browser: Any) -> None:
    assert browser("guest").post("/customer/bulk", data={"ids": "1"}).status_code == 403
    assert browser("admin").post("/customer/bulk", data={"ids": "1"}).status_code == 400
