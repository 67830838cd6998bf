"""Work on many records in a browser, by keyboard, from the list to the undo."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.browser.looking import english_on, overflow_of
from tests.browser.support import NARROW, NewTab, Steward


@pytest.fixture(scope="module", autouse=True)
def _customers(steward: Steward, tmp_path_factory: pytest.TempPathFactory) -> None:
    file = tmp_path_factory.mktemp("bulk") / "customers.csv"
    rows = "".join(f"睡着的客户{n}有限公司,dormant\n" for n in range(40))
    file.write_text(f"name,status\n{rows}", encoding="utf-8")
    steward.command("import", "customer", str(file))


@pytest.mark.parametrize("language", ["zh", "en"])
def test_all_that_match_are_edited_by_keyboard_and_undone(new_tab: NewTab, language: str) -> None:
    tab = new_tab(language)
    tab.sign_in()
    page, word = tab.open("/customer/?f=status:eq:dormant"), tab.word
    page.locator("[data-tick-all]").focus()
    page.keyboard.press("Space")
    bar = page.locator("[data-bulk]")
    expect(bar).to_be_in_viewport(ratio=1)
    page.locator("[data-bulk-matching]").focus()
    page.keyboard.press("Enter")
    chosen = bar.locator("[data-bulk-count]")
    expect(chosen).to_be_focused()
    number = int(re.sub(r"\D", "", chosen.inner_text()))
    assert number == 40, "those of the next page too"
    bar.get_by_role("button", name=word("Edit")).focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/customer/bulk/edit*")
    box = page.locator("#f-short_name")
    box.fill("同一个简称")
    page.keyboard.press("Tab")
    expect(page.locator("[data-changes][value=short_name]")).to_be_checked()
    assert overflow_of(page) == []
    page.get_by_role("button", name=word("Preview")).press("Enter")
    agree = page.locator("#bulk-agree button[value=run]")
    expect(agree).to_be_visible()
    if language == "zh":
        assert english_on(page) == []
    agree.press("Enter")
    page.wait_for_url("**/customer/?f=status**")
    toast = page.locator("[data-toast]").first
    expect(toast).to_contain_text(str(number))
    toast.get_by_role("button", name=word("Undo")).press("Enter")
    page.wait_for_url("**/customer/?f=status**")
    tab.open("/customer/?q=同一个简称")
    expect(page.locator(".empty-state")).to_be_visible()
    tab.check()


def test_the_bar_leaves_a_phone_room_for_the_rows(new_tab: NewTab) -> None:
    tab = new_tab("en", viewport=NARROW)
    tab.sign_in()
    page = tab.open("/customer/")
    page.locator("[data-tick]").first.check()
    bar = page.locator("[data-bulk]").bounding_box()
    assert bar is not None
    assert bar["height"] < 140
    assert overflow_of(page) == []
