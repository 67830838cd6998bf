"""Lists as a browser sees them."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from app.engine import policy, registry
from app.engine.changes import change_set, undo
from app.engine.query import Records
from tests import factories
from tests.pages.support import HTMX, counted, given, hrefs, row_titles


def parcels(count: int, **values: Any) -> list[Any]:
    definition = registry.current().entity("Parcel")
    with change_set("form") as changes:
        return [
            changes.create(definition, factories.parcel(**{"code": None, **values, "pieces": n}))
            for n in range(1, count + 1)
        ]


def titles_at(client: Any, address: str) -> list[str]:
    answer = client.get(address)
    assert answer.status_code == 200, answer.text[:500]
    return row_titles(answer.text)


def test_queries_are_few_and_do_not_grow_with_the_rows(client: Any, as_admin: object) -> None:
    shelf = factories.make("Shelf").id
    keeper = factories.user_id("sales")
    parcels(3, shelf=shelf, keeper=keeper)
    client.get("/parcel/")
    with counted() as few:
        client.get("/parcel/?size=25&f=colour:in:red&sort=-pieces")
    parcels(40, shelf=shelf, keeper=keeper)
    client.get("/parcel/")
    with counted() as many:
        client.get("/parcel/?size=100&f=colour:in:red&sort=-pieces")
    assert len(many) == len(few)
    with counted() as several_pages:
        client.get("/parcel/?size=25&f=colour:in:red&q=包裹&sort=-pieces&page=2")
    assert len(several_pages) <= 8


def test_sorting_by_the_heads(client: Any, as_admin: object) -> None:
    for name, pieces in (("乙", 2), ("甲", 1), ("丙", None)):
        factories.make("Parcel", name=name, pieces=pieces)
    page = client.get("/parcel/").text
    assert "/parcel/?sort=-pieces" in hrefs(page)
    assert titles_at(client, "/parcel/?sort=-pieces") == ["乙", "甲", "丙"]
    assert titles_at(client, "/parcel/?sort=pieces") == ["丙", "甲", "乙"]
    assert titles_at(client, "/parcel/?sort=name") == ["丙", "甲", "乙"], "by pinyin"
    sorted_page = client.get("/parcel/?sort=-pieces").text
    assert 'aria-sort="descending"' in sorted_page
    assert "/parcel/?sort=pieces" in hrefs(sorted_page), "a second click turns it round"


def test_a_second_column_is_added_to_the_order(client: Any, as_admin: object) -> None:
    for name, code, pieces in (("甲", "A", 1), ("乙", "B", 2), ("甲", "C", 3)):
        factories.make("Parcel", name=name, code=code, pieces=pieces)
    page = client.get("/parcel/?sort=name").text
    assert 'data-add-href="/parcel/?sort=name,-pieces"' in page
    both = client.get("/parcel/?sort=name,-pieces").text
    assert row_titles(both) == ["甲", "甲", "乙"]
    assert re.findall(r"<td[^>]*>([123])</td>", both) == ["3", "1", "2"]
    assert 'data-add-href="/parcel/?sort=name,pieces"' in both, "turned round the next time"
    assert both.count("aria-sort=") == 2
    assert re.findall(r'class="sort-place"[^>]*>(\d)<', both) == ["1", "2"]
    assert "/parcel/?sort=-pieces" in hrefs(both), "a plain click sorts by this alone"
    turned = client.get("/parcel/?sort=name,pieces").text
    assert 'data-add-href="/parcel/?sort=name"' in turned, "then left out"


def test_a_masked_field_is_not_sorted_by_as_the_second(browser: Callable[..., Any]) -> None:
    given("Contact", customer=given("Customer").id, phone="13812345678")
    assert browser("guest").get("/contact/?sort=name").status_code == 200
    assert browser("guest").get("/contact/?sort=name,phone").status_code == 403


def test_pages_by_cursor_and_by_number_hold_the_same(client: Any, as_admin: object) -> None:
    parcels(60)
    seen: list[str] = []
    address: str | None = "/parcel/?sort=pieces"
    by_number = 1
    while address:
        answer = client.get(address)
        rows = row_titles(answer.text)
        assert rows == titles_at(client, f"/parcel/?sort=pieces&page={by_number}")
        seen += rows
        found = re.search(r'rel="next" href="([^"]*)"', answer.text)
        address = found.group(1).replace("&amp;", "&") if found else None
        by_number += 1
    assert len(seen) == len(set(seen)) == 60
    assert by_number == 4
    last = client.get("/parcel/?sort=pieces&page=3").text
    back = re.search(r'rel="prev" href="([^"]*)"', last)
    assert back is not None
    assert titles_at(client, back.group(1).replace("&amp;", "&")) == seen[25:50]


def test_a_page_beyond_the_end_says_so(client: Any, as_admin: object) -> None:
    parcels(2)
    assert "There is no such page" in client.get("/parcel/?page=99").text


def test_filters_show_as_chips_that_can_be_removed(client: Any, as_admin: object) -> None:
    factories.make("Parcel", name="红的", colour="red")
    factories.make("Parcel", name="蓝的", colour="blue")
    answer = client.get("/parcel/?f=colour:in:red&q=红")
    assert row_titles(answer.text) == ["红的"]
    assert re.search(r'class="chip-name">Colour</span> <span>is one of Red</span>', answer.text)
    assert "/parcel/?q=%E7%BA%A2" in hrefs(answer.text)
    assert "/parcel/?f=colour:in:red" in hrefs(answer.text)


def test_a_filter_on_a_reference_is_named(client: Any, as_admin: object) -> None:
    shelf = factories.make("Shelf", name="三号架")
    factories.make("Parcel", name="在架", shelf=shelf.id)
    factories.make("Parcel", name="别处")
    answer = client.get(f"/parcel/?f=shelf:eq:{shelf.id}")
    assert row_titles(answer.text) == ["在架"]
    assert "is 三号架" in answer.text


@pytest.mark.parametrize("field", ["name", "colour", "shelf", "keeper", "fragile", "arrived_on",
                                   "opened_at", "price", "tags", "grade"])  # fmt: skip
def test_the_panel_has_a_control_for_every_field(client: Any, field: str) -> None:
    answer = client.get(f"/parcel/filter?field={field}", headers=HTMX)
    assert answer.status_code == 200
    assert "<html" not in answer.text
    assert re.search(rf'<option value="{field}" selected>', answer.text)
    assert 'name="value"' in answer.text
    empty = client.get(f"/parcel/filter?field={field}&operator=empty", headers=HTMX)
    assert 'name="value"' not in empty.text
    assert "<html" in client.get(f"/parcel/filter?field={field}").text, "a page without scripts"


def test_the_panel_adds_a_filter(client: Any, as_admin: object) -> None:
    factories.make("Parcel", name="红的", colour="red")
    factories.make("Parcel", name="蓝的", colour="blue")
    chosen = "field=colour&operator=in&value=red&value=blue&sort=name"
    plain = client.get(f"/parcel/?{chosen}")
    assert plain.status_code == 302
    assert plain.headers["Location"] == "/parcel/?f=colour:in:red,blue&sort=name"
    partial = client.get(f"/parcel/?{chosen}", headers=HTMX)
    assert partial.headers["HX-Push-Url"] == "/parcel/?f=colour:in:red,blue&sort=name"
    assert "<html" not in partial.text
    assert len(row_titles(partial.text)) == 2


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("/parcel/?f=nonsense", "is not a filter"),
        ("/parcel/?f=pieces:ge:many", "Pieces"),
        ("/parcel/?f=arrived_on:ge:2026-02-30", "Arrived on"),
        ("/parcel/?field=pieces&operator=ge&value=", "Pieces"),
        ("/parcel/?f=colour:gt:red", "Colour"),
        ("/parcel/?after=junk", "does not lead to a page"),
    ],
)
def test_bad_addresses_are_refused_with_the_reason(client: Any, address: str, said: str) -> None:
    answer = client.get(address)
    assert answer.status_code == 422
    assert said in answer.text


@pytest.mark.parametrize("address", ["/parcel/?page=abc", "/parcel/?page=-3", "/parcel/?size=0",
                                     "/parcel/?size=999999999999", "/parcel/?sort=-"])  # fmt: skip
def test_numbers_that_are_none_count_as_left_out(client: Any, address: str) -> None:
    assert client.get(address).status_code == 200


def test_htmx_gets_the_table_only(client: Any, as_admin: object) -> None:
    parcels(2)
    answer = client.get("/parcel/?sort=name", headers=HTMX)
    assert "<html" not in answer.text
    assert answer.headers["HX-Push-Url"] == "/parcel/?sort=name"
    assert "no-store" in answer.headers["Cache-Control"]
    typed = client.get("/parcel/?q=包裹", headers={**HTMX, "HX-Trigger": "list-search"})
    assert "HX-Push-Url" not in typed.headers
    assert typed.headers["HX-Replace-Url"] == "/parcel/?q=%E5%8C%85%E8%A3%B9"
    assert 'id="list-q"' not in typed.text, "the box that is being typed in stays"


def test_drafts_are_marked(client: Any, as_admin: object) -> None:
    factories.make("Parcel", name="草稿包裹")
    factories.make("Parcel", approved=True, name="已批包裹")
    rows = dict(
        re.findall(r'<td class="main"><a [^>]*>([^<]*)</a>(.*?)</td>', client.get("/parcel/").text)
    )
    assert "Draft" in rows["草稿包裹"]
    assert "Draft" not in rows["已批包裹"]


def test_several_are_approved_as_one_change_set(client: Any, as_admin: object) -> None:
    ids = [record.id for record in parcels(3)]
    answer = client.post(
        "/parcel/bulk", data={"action": "approve", "ids": ids[:2], "next": "/parcel/?sort=name"}
    )
    assert answer.status_code == 303
    assert answer.headers["Location"] == "/parcel/?sort=name"
    assert "2 records approved." in client.get("/parcel/").text
    rows = Records(registry.current().entity("Parcel")).page(10).rows
    assert sorted(row["review_state"] for row in rows) == ["approved", "approved", "draft"]


def test_several_are_deleted_and_the_toast_takes_it_back(client: Any, as_admin: object) -> None:
    ids = [record.id for record in parcels(3)]
    client.post("/parcel/bulk", data={"action": "trash", "ids": [*ids[:2], "x", 10**12]})
    page = client.get("/parcel/").text
    assert len(row_titles(page)) == 1
    assert "2 records moved to the trash." in page
    found = re.search(r'action="/changes/(\d+)/undo"', page)
    assert found is not None
    undo(int(found.group(1)))
    assert len(titles_at(client, "/parcel/")) == 3


def test_bulk_is_refused_without_the_right(browser: Callable[..., Any]) -> None:
    customer = given("Customer")
    guest = browser("guest")
    page = guest.get("/customer/").text
    assert "data-tick" not in page
    assert "/customer/add" not in page
    for action, status in (("approve", 403), ("trash", 403), ("edit", 403), ("nonsense", 403)):
        answer = guest.post("/customer/bulk", data={"action": action, "ids": [customer.id]})
        assert answer.status_code == status, action
    assert len(titles_at(guest, "/customer/")) == 1


def test_who_may_not_read_sees_no_list(browser: Callable[..., Any]) -> None:
    assert browser("sales").get("/parcel/").status_code == 403
    assert browser(None).get("/parcel/").status_code == 302
    assert browser("admin").get("/nonsense/").status_code == 404


def test_only_own_rows_are_listed(browser: Callable[..., Any]) -> None:
    given("Customer", name="张伟的客户", account_manager=factories.user_id("sales"))
    given("Customer", name="别人的客户", account_manager=factories.user_id("sales2"))
    sales = browser("sales")
    assert titles_at(sales, "/customer/") == ["张伟的客户"]
    assert titles_at(sales, "/customer/?q=客户") == ["张伟的客户"]


def test_masked_fields_are_masked_and_not_sorted_by(browser: Callable[..., Any]) -> None:
    customer = given("Customer")
    given("Contact", customer=customer.id, phone="13812345678")
    page = browser("guest").get("/contact/").text
    assert "13812345678" not in page
    assert "138****5678" in page
    assert "sort=phone" not in page
    assert browser("guest").get("/contact/?sort=phone").status_code == 403
    assert 'value="phone"' not in browser("guest").get("/contact/filter", headers=HTMX).text


def test_empty_lists_say_what_to_do(client: Any, as_admin: object) -> None:
    assert "/parcel/add" in hrefs(client.get("/parcel/").text)
    parcels(1)
    assert "Nothing matches" in client.get("/parcel/?q=没有的").text


def test_a_run_time_field_is_in_the_list_at_once(client: Any, as_admin: policy.Viewer) -> None:
    client.get("/parcel/")
    factories.make("CustomField", name="floor", label_en="Floor", kind="integer")
    definition = registry.current().entity("Parcel")
    with change_set("form") as changes:
        changes.create(definition, factories.parcel(name="在三楼", floor=3))
        changes.create(definition, factories.parcel(name="在一楼", floor=1))
    page = client.get("/parcel/?sort=floor").text
    assert ">Floor</a>" in page or ">Floor<" in page
    assert row_titles(page) == ["在一楼", "在三楼"]
    assert titles_at(client, "/parcel/?f=floor:ge:2") == ["在三楼"]


def test_html_in_values_is_text(client: Any, as_admin: object) -> None:
    factories.make(
        "Parcel", name="<script>alert(1)</script>", tags=["<b>x</b>"], code='"><i>' + "y" * 40
    )
    page = client.get("/parcel/").text
    assert "<script>alert" not in page
    assert "<b>x</b>" not in page
    assert '"><i>' not in page


def test_both_languages(client: Any, as_admin: object) -> None:
    parcels(1)
    assert "草稿" in client.get("/parcel/", headers={"Accept-Language": "zh"}).text
    assert "Draft" in client.get("/parcel/", headers={"Accept-Language": "en"}).text


def test_a_restricted_role_asks_the_database_no_more_than_an_administrator(browser: Any) -> None:
    for _n in range(30):
        given("Customer", account_manager=factories.user_id("sales"))
    asked = {}
    for name in ("admin", "sales"):
        list_page = browser(name)
        list_page.get("/customer/")
        with counted() as statements:
            list_page.get("/customer/")
        asked[name] = len(statements)
    assert asked["sales"] <= asked["admin"] <= 8
