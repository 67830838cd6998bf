"""Search everything."""

from __future__ import annotations

from typing import Any

from app.engine import policy
from tests import factories


def admin() -> Any:
    return policy.acting_as(factories.viewer("admin"))


def test_hits_in_every_entity_with_the_way_to_the_rest(client: Any, as_admin: Any) -> None:
    for n in range(7):
        factories.make("Parcel", name=f"润科精密{n}")
    factories.make("Shelf", name="润科的货架")
    page = client.get("/search?q=润科").text
    assert page.count("润科精密") >= 5
    assert "润科的货架" in page
    assert "/parcel/?q=%E6%B6%A6%E7%A7%91" in page
    assert "All hits in Parcels" in page
    assert "Show in the list" in page


def test_pinyin_and_initials(client: Any, as_admin: Any) -> None:
    factories.make("Parcel", name="润科精密")
    for words in ("runke", "rkjm"):
        assert "润科精密" in client.get(f"/search?q={words}").text


def test_rights_hold(browser: Any) -> None:
    with admin():
        factories.make("Parcel", name="秘密包裹")
        factories.make("Customer", name="秘密客户", account_manager=factories.user_id("sales2"))
    page = browser("sales").get("/search?q=秘密").text
    assert "秘密包裹" not in page
    assert "秘密客户" not in page
    assert "Nothing found" in page
    assert "秘密客户" in browser("sales2").get("/search?q=秘密").text
    assert browser(None).get("/search?q=秘密").status_code == 302


def test_masked_fields_are_not_searched(browser: Any) -> None:
    with admin():
        factories.make("Customer", name="有电话的客户", phone="021-61234567")
    assert "有电话的客户" in browser("admin").get("/search?q=61234567").text
    assert "有电话的客户" not in browser("guest").get("/search?q=61234567").text


def test_only_results_for_htmx(client: Any, as_admin: Any) -> None:
    factories.make("Parcel", name="润科精密")
    answer = client.get("/search?q=润科", headers={"HX-Target": "search-results"})
    assert "<html" not in answer.text
    assert "润科精密" in answer.text


def test_nothing_to_search_for(client: Any, as_admin: Any) -> None:
    factories.make("Parcel", name="润科精密")
    assert "What are you looking for?" in client.get("/search").text
    for words in ("！！！", "%20", "…"):
        answer = client.get(f"/search?q={words}")
        assert answer.status_code == 200
        assert "润科精密" not in answer.text


def test_drafts_are_marked(client: Any, as_admin: Any) -> None:
    factories.make("Parcel", name="草稿包裹")
    assert "draft-mark" in client.get("/search?q=草稿包裹").text
