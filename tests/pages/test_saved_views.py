"""Saved views: kept, opened, shared, changed; and roles that take their conditions from one."""

from __future__ import annotations

import html
import re
from typing import Any

import pytest
from sqlalchemy import select, text

from app.engine import policy, registry, roles, views
from app.engine.adapters.database import db
from app.engine.changes import Change, change_set, undo
from app.engine.errors import InvalidInput
from tests import factories
from tests.factories import user_id, viewer
from tests.pages.support import given, hidden, row_titles
from tests.pages.test_roles import lines, picture, previewed, role_id, save
from tests.test_contract import give


def kept(client: Any, name: str = "活跃客户", key: str = "customer", **data: Any) -> int:
    """The number of a view saved from the list's panel."""
    answer = client.post(f"/{key}/views", data={"name": name, "f": "status:in:active", **data})
    assert answer.status_code == 303, re.findall(r"<p>([^<]*)</p>", answer.text)
    return int(answer.location.rsplit("/", 1)[1])


def opened(client: Any, number: int, key: str = "customer") -> Any:
    return client.get(f"/{key}/views/{number}", follow_redirects=True)


@pytest.fixture
def two_customers(app: Any) -> None:
    mine = user_id("sales")
    given("Customer", name="在用公司", status="active", account_manager=mine)
    given("Customer", name="流失公司", status="lost", account_manager=mine)


def test_a_list_is_kept_under_a_name_and_opened_again(browser: Any, two_customers: None) -> None:
    sales = browser("sales")
    number = kept(sales, sort="-name")
    page = opened(sales, number)
    assert row_titles(page.text) == ["在用公司"]
    assert page.request.query_string.decode() == f"f=status:in:active&sort=-name&view={number}"
    assert "View: 活跃客户" in page.text
    panel = sales.get("/customer/views", headers={"HX-Request": "true"}).text
    assert "活跃客户" in panel
    assert "<html" not in panel


def test_one_view_opens_by_itself_until_it_no_longer_does(
    browser: Any, two_customers: None
) -> None:
    sales = browser("sales")
    number = kept(sales)
    sales.post(f"/customer/views/{number}/default", data={"default": "1"})
    assert row_titles(sales.get("/customer/", follow_redirects=True).text) == ["在用公司"]
    assert len(row_titles(sales.get("/customer/?view=all").text)) == 2
    assert len(row_titles(browser("admin").get("/customer/").text)) == 2, "only their own list"
    sales.post(f"/customer/views/{number}/delete")
    page = sales.get("/customer/", follow_redirects=True)
    assert len(row_titles(page.text)) == 2
    assert "There is no such view any more" in page.text


def test_others_see_a_view_only_when_it_is_shared_by_right(
    client: Any, browser: Any, two_customers: None
) -> None:
    own = kept(browser("sales"), "私人视图")
    shared = kept(client, "销售的视图", share=[str(role_id("Sales"))])
    everyones = kept(client, "大家的视图", share=["*"])
    panel = browser("sales2").get("/customer/views").text
    assert "私人视图" not in panel
    assert "销售的视图" in panel
    assert "大家的视图" in panel
    assert "销售的视图" not in browser("guest").get("/customer/views").text
    assert "There is no such view" in opened(browser("sales2"), own).text
    assert "There is no such view" in opened(browser("guest"), shared).text
    assert opened(browser("guest"), everyones).status_code == 200
    forged = {"name": "强行共享", "share": ["*"]}
    assert browser("sales").post("/customer/views", data=forged).status_code == 422
    assert "强行共享" not in browser("sales2").get("/customer/views").text
    for act in ("change", "filters", "delete"):
        answer = browser("sales2").post(f"/customer/views/{everyones}/{act}", data={"name": "y"})
        assert answer.status_code in (403, 404), act
    api = {"name": "z", "entity": "Customer", "address": "/customer/?f=name:ct:a", "everyone": True}
    assert browser("sales").post("/api/v1/saved_view/", json=api).status_code == 422


def test_a_view_is_renamed_shared_changed_and_all_of_it_undone(
    client: Any, browser: Any, two_customers: None
) -> None:
    number = kept(client)
    form = client.get(f"/customer/views/{number}/change").text
    data = {"name": "全员视图", "share": ["*"], "version": hidden(form, "version")}
    assert client.post(f"/customer/views/{number}/change", data=data).status_code == 303
    assert "全员视图" in browser("guest").get("/customer/views").text
    client.post(f"/customer/views/{number}/filters", data={"f": "status:in:lost"})
    assert row_titles(opened(client, number).text) == ["流失公司"]
    page = client.get(f"/saved_view/{number}/history").text
    for change_set_id in sorted(set(re.findall(r"/changes/(\d+)", page)), reverse=True)[:2]:
        client.post(f"/changes/{change_set_id}/undo")
    assert row_titles(opened(client, number).text) == ["在用公司"]
    assert "全员视图" not in browser("guest").get("/customer/views").text


def test_a_view_on_a_hidden_field_tells_nothing_and_selects_nothing(
    client: Any, browser: Any, two_customers: None, app: Any
) -> None:
    number = kept(client, "电话视图", f="phone:ct:138001", share=["*"])
    for access in ("hidden", "masked"):
        rights = {
            "grants": {"Customer": {"read": "all"}, "SavedView": {"read": "all"}},
            "fields": {"Customer": {"phone": access}},
        }
        give(app, "Guest", rights)
        guest = browser("guest")
        page = opened(guest, number)
        assert "uses a field that you may not see or that is gone" in page.text
        assert len(row_titles(page.text)) == 2
        everywhere = [
            page.text, guest.get("/customer/views").text, guest.get("/saved_view/").text,
            guest.get(f"/saved_view/{number}").text, guest.get(f"/saved_view/{number}/history").text,
            guest.get("/api/v1/saved_view/").text, guest.get(f"/api/v1/saved_view/{number}").text,
        ]  # fmt: skip
        assert not [text for text in everywhere if "138001" in text or "phone:" in text]
    guessing = guest.get("/saved_view/?f=address:ct:138001")
    assert guessing.status_code == 422


def test_a_view_of_a_field_that_is_gone_says_so(client: Any, two_customers: None) -> None:
    with policy.acting_as(viewer("admin")):
        field = factories.make("CustomField", entity="Customer", name="grade_x", kind="text")
    number = kept(client, f="grade_x:ct:a")
    assert opened(client, number).status_code == 200
    with policy.acting_as(viewer("admin")), change_set("form") as changes:
        changes.trash(registry.current().entity("CustomField"), field.id)
    registry.refresh()
    assert "uses a field that you may not see or that is gone" in opened(client, number).text
    page = client.post("/customer/views", data={"name": "新", "f": "grade_x:ct:a"})
    assert page.status_code in (404, 422)


# -- roles -------------------------------------------------------------------------------------


@pytest.fixture
def used(client: Any, two_customers: None) -> int:
    """A view that the guest role takes its condition for reading from."""
    number = kept(client, "访客可见", share=["*"])
    page = previewed(client, role_id("Guest"), "Customer")
    data = lines(client, role_id("Guest"), "Customer")
    data |= {"g.Customer.read": "all", "v.Customer.read": str(number)}
    page = client.post(f"/roles/{role_id('Guest')}/edit", data=data)
    assert page.status_code == 200
    assert "访客可见" in page.text
    assert save(client, page).status_code == 303
    return number


def names(client: Any) -> list[str]:
    return row_titles(client.get("/customer/?view=all").text)


def test_a_role_reaches_what_its_view_selects_and_the_why_page_names_it(
    client: Any, browser: Any, used: int
) -> None:
    assert names(browser("guest")) == ["在用公司"]
    grant = picture("Guest").grants["Customer", "read"]
    assert grant.conditions == ("status:in:active",)
    assert grant.view is not None
    assert grant.view.view_id == used
    page = client.get(f"/users/{user_id('guest')}/access?on=Customer").text
    assert "by the view “访客可见”" in html.unescape(page)
    grid = html.unescape(client.get(f"/roles/{role_id('Guest')}?before=1").text)
    assert "all records, if by the view “访客可见” Life cycle is one of Active" in grid


def test_changing_the_view_is_previewed_like_the_role_and_changes_both(
    client: Any, browser: Any, used: int
) -> None:
    panel = client.get("/customer/views?f=status:in:lost").text
    assert f'action="/roles/views/{used}"' in panel
    page = client.post(f"/roles/views/{used}", data={"f": "status:in:lost"})
    assert page.status_code == 200, re.findall(r"<p>([^<]*)</p>", page.text)
    assert "1 gained" in page.text
    assert "1 lost" in page.text
    assert names(browser("guest")) == ["在用公司"], "only looked at"
    sent = {name: hidden(page.text, name) for name in ("address", "version", "marks")}
    assert client.post(f"/roles/views/{used}/save", data=sent).status_code == 303
    assert names(browser("guest")) == ["流失公司"]
    assert row_titles(opened(client, used).text) == ["流失公司"]
    assert roles.changes_of(role_id("Guest"), 1)[0].after["grants"]["Customer"]["read"] == {
        "scope": "all",
        "conditions": [{"view": used, "conditions": ["status:in:lost"]}],
    }
    assert client.post(f"/roles/views/{used}/save", data=sent).status_code == 409


def test_nobody_widens_rights_by_way_of_a_view(
    client: Any, browser: Any, used: int, app: Any
) -> None:
    """Its owner may not, by any door, without the right over roles."""
    with policy.acting_as(viewer("admin")), change_set("form") as changes:
        changes.update(registry.current().entity("SavedView"), used, {"owner": user_id("sales")})
    sales = browser("sales")
    wide = "/customer/?f=status:in:active,lost"
    wanted = {"f": "status:in:active,lost"}
    assert sales.post(f"/customer/views/{used}/filters", data=wanted).status_code == 422
    assert sales.post(f"/roles/views/{used}", data=wanted).status_code == 403
    form = {"address": wide, "name": "访客可见", "entity": "Customer", "version": "2"}
    assert sales.post(f"/saved_view/{used}/edit", data=form).status_code in (409, 422)
    by_api = {"headers": {"If-Match": '"2"'}, "json": {"address": wide}}
    put = sales.put(f"/api/v1/saved_view/{used}", **by_api)
    assert put.status_code == 422
    assert "Read-only guest" in put.text
    sent = {"address": wide, "version": "2", "marks": "{}"}
    assert sales.post(f"/roles/views/{used}/save", data=sent).status_code == 403
    assert client.post(f"/roles/views/{used}/save", data=sent).status_code == 409, "not looked at"
    assert names(browser("guest")) == ["在用公司"]
    # The rights are the role's own: even a row changed behind everybody's back widens nothing.
    with policy.unrestricted("a test") as session:
        session.execute(text("UPDATE saved_view SET address = :wide"), {"wide": wide})
        session.commit()
    registry.raise_version(db.session(), registry.RIGHTS)
    db.session.commit()
    assert names(browser("guest")) == ["在用公司"]


def test_a_view_in_use_is_not_deleted_and_its_change_not_undone_alone(
    client: Any, used: int
) -> None:
    answer = client.post(f"/customer/views/{used}/delete")
    assert answer.status_code == 422
    assert "Read-only guest" in answer.text
    with policy.acting_as(viewer("admin")):
        report = undo(_made_by(used))
    assert report.blocked == 1
    assert "只读访客" in report.details[0]["what"]
    save(client, previewed(client, role_id("Guest"), "Customer", read="all", **_no_view("read")))
    assert client.post(f"/customer/views/{used}/delete").status_code == 303


def _no_view(action: str) -> dict[str, str]:
    return {f"v_{action}": ""}


def _made_by(number: int) -> int:
    found = db.session.scalar(
        select(Change.change_set_id).where(
            Change.entity == "SavedView", Change.record_id == number, Change.kind == "create"
        )
    )
    assert found is not None
    return found


def test_a_role_takes_nothing_from_a_view_that_says_otherwise(client: Any, used: int) -> None:
    page = previewed(client, role_id("Guest"), "Customer")
    proposal = hidden(page.text, "proposal").replace("status:in:active", "status:in:active,lost")
    data = {**{n: hidden(page.text, n) for n in ("role_id", "base")}, "proposal": proposal}
    answer = client.post("/roles/save", data=data)
    assert answer.status_code == 422
    assert "says something else now" in answer.text


@pytest.mark.parametrize("address", ["/customer/", "/customer/?q=润科&f=status:in:lost"])
def test_roles_take_no_view_without_filters_or_with_a_search(app: Any, address: str) -> None:
    with pytest.raises(InvalidInput):
        views.use_of(1, address)
