"""Record pages: facts, what belongs to the record, what was done to it, and the acts."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from app.engine import policy, registry
from app.engine.changes import change_set, undo
from app.engine.errors import NotFound
from app.engine.query import Records
from tests import factories
from tests.pages.support import counted, given, hrefs


def stored(entity: str, record_id: int) -> dict[str, Any] | None:
    try:
        return Records(registry.current().entity(entity)).get(record_id)
    except NotFound:
        return None


def test_facts_stand_in_groups(client: Any, as_admin: object) -> None:
    customer = factories.make("Customer", name="润科通用", industry="I65", city="440300")
    page = client.get(f"/customer/{customer.id}").text
    assert "<h1" in page
    assert "润科通用" in page
    groups = re.findall(r'<h2 id="group-\d+-title">([^<]*)</h2>', page)
    assert groups[:2] == ["Basics", "Address and ways to reach"]
    assert "Shenzhen" in page
    assert "yearly_amount_currency" not in page


def test_a_draft_is_marked_and_approved(client: Any, as_admin: object) -> None:
    parcel = factories.make("Parcel")
    page = client.get(f"/parcel/{parcel.id}").text
    assert "Draft" in page
    answer = client.post(f"/parcel/{parcel.id}/approve")
    assert answer.headers["Location"] == f"/parcel/{parcel.id}"
    after = client.get(f"/parcel/{parcel.id}").text
    assert f"/parcel/{parcel.id}/approve" not in after
    row = stored("Parcel", parcel.id)
    assert row is not None
    assert row["review_state"] == "approved"


def test_deleting_is_undoable(client: Any, as_admin: object) -> None:
    parcel = factories.make("Parcel", name="误删的")
    answer = client.post(f"/parcel/{parcel.id}/delete")
    assert answer.headers["Location"] == "/parcel/"
    page = client.get("/parcel/").text
    found = re.search(r'action="/changes/(\d+)/undo"', page)
    assert found is not None
    gone = client.get(f"/parcel/{parcel.id}")
    assert gone.status_code == 404
    assert "trash" in gone.text
    undo(int(found.group(1)))
    assert client.get(f"/parcel/{parcel.id}").status_code == 200
    assert client.get(f"/parcel/{parcel.id}/delete").status_code in (404, 405), "never by GET"


def test_what_belongs_to_it_is_listed(client: Any, as_admin: object) -> None:
    customer = factories.make("Customer")
    for n in range(12):
        factories.make("Contact", customer=customer.id, name=f"联系人{n:02}")
    factories.make("Contact", name="别家的人")
    page = client.get(f"/customer/{customer.id}").text
    assert page.count("联系人1") == 2 + page.count('title="联系人1')
    assert "别家的人" not in page
    assert f"/contact/?f=customer:eq:{customer.id}" in hrefs(page)
    assert f"/contact/add?customer={customer.id}" in hrefs(page)


def test_latest_changes_name_who_and_what(client: Any, as_admin: object) -> None:
    parcel = factories.make("Parcel")
    with change_set("form") as changes:
        changes.update(registry.current().entity("Parcel"), parcel.id, {"pieces": 77})
    page = client.get(f"/parcel/{parcel.id}").text
    section = page[page.index('id="changes"') :]
    assert "changed" in section
    assert "Pieces" in section
    assert "管理员系统" in section


def test_hidden_fields_are_neither_shown_nor_named(browser: Callable[..., Any]) -> None:
    contact = given("Contact", wechat="secret-id", phone="13812345678")
    with policy.acting_as(factories.viewer("admin")), change_set("form") as changes:
        changes.update(registry.current().entity("Contact"), contact.id, {"wechat": "other-id"})
    page = browser("guest").get(f"/contact/{contact.id}").text
    assert "other-id" not in page
    assert "WeChat" not in page
    assert "13812345678" not in page
    assert "138****5678" in page
    for path in ("edit", "delete", "approve"):
        assert f"/contact/{contact.id}/{path}" not in page


def test_records_out_of_scope_are_not_there(browser: Callable[..., Any]) -> None:
    customer = given("Customer", account_manager=factories.user_id("sales2"))
    sales = browser("sales")
    assert sales.get(f"/customer/{customer.id}").status_code == 404
    assert sales.get(f"/customer/{customer.id}/edit").status_code == 404
    assert sales.post(f"/customer/{customer.id}/delete").status_code == 404
    assert sales.post(f"/customer/{customer.id}/approve").status_code == 403
    with policy.acting_as(factories.viewer("admin")):
        assert stored("Customer", customer.id) is not None


def test_queries_do_not_grow_with_what_belongs_to_it(client: Any, as_admin: object) -> None:
    customer = factories.make("Customer")
    factories.make("Contact", customer=customer.id)
    client.get(f"/customer/{customer.id}")
    with counted() as few:
        client.get(f"/customer/{customer.id}")
    for _n in range(9):
        factories.make("Contact", customer=customer.id)
    client.get(f"/customer/{customer.id}")
    with counted() as many:
        client.get(f"/customer/{customer.id}")
    assert len(many) == len(few) <= 20


def test_numbers_that_are_no_record(client: Any) -> None:
    assert client.get("/parcel/999999").status_code == 404
    assert client.get("/parcel/99999999999999999999999").status_code == 404
