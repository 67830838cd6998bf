"""The pool's pages: masked until it is one's own, taken by ticking, given back with a reason."""

from __future__ import annotations

from typing import Any

import pytest

from app.engine import policy, registry
from app.engine.adapters.database import db
from tests.factories import make, user_id, viewer
from tests.pages.support import given


@pytest.fixture
def pooled(app: Any) -> Any:
    with policy.acting_as(viewer("admin")):
        return make("Customer", approved=True, name="公海客户", phone="13855556666")


def test_contact_data_is_masked_until_it_is_ones_own(browser: Any, pooled: Any) -> None:
    page = browser("sales").get("/customer/pool?q=公海").text
    assert "公海客户" in page
    assert browser("sales").get(f"/customer/{pooled.id}").status_code == 404
    answer = browser("sales").post("/customer/pool/take", data={"ids": pooled.id})
    assert answer.status_code == 303
    assert "13855556666" in browser("sales").get(f"/customer/{pooled.id}").text
    assert "公海客户" not in browser("sales2").get("/customer/pool").text


def test_masked_values_can_be_neither_seen_nor_searched_for(browser: Any, pooled: Any) -> None:
    person = browser("sales")
    page = person.get("/customer/pool").text
    assert "138****6666" in page
    assert "13855556666" not in page
    assert "公海客户" not in person.get("/customer/pool?q=13855556666").text


def test_only_with_the_right_and_only_where_there_is_one(browser: Any, pooled: Any) -> None:
    assert browser("guest").get("/customer/pool").status_code == 403
    assert browser("guest").post("/customer/pool/take", data={"ids": 1}).status_code == 403
    assert browser("admin").get("/contact/pool").status_code == 404
    assert browser("sales").post("/customer/pool/take").status_code == 422
    assert 'href="/customer/pool"' in browser("sales").get("/").text
    assert 'href="/customer/pool"' not in browser("guest").get("/").text


def test_giving_back_asks_for_a_reason(browser: Any, app: Any) -> None:
    mine = given("Customer", name="要退回的", account_manager=user_id("sales"))
    address = f"/customer/pool/return?ids={mine.id}"
    assert f'href="{address}"' in browser("sales").get(f"/customer/{mine.id}").text
    assert "要退回的" in browser("sales").get(address).text
    form = {"ids": mine.id, "reason": " "}
    assert browser("sales").post("/customer/pool/return", data=form).status_code == 422
    form["reason"] = "客户已停业"
    assert browser("sales").post("/customer/pool/return", data=form).status_code == 303
    assert browser("sales").get(f"/customer/{mine.id}").status_code == 404
    model: Any = registry.current().entity("Customer").model
    with policy.acting_as(viewer("admin")):
        found = db.session.get_one(model, mine.id, populate_existing=True)
        assert found.account_manager_id is None
