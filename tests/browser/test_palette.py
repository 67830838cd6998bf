"""The search box and the keys, by keyboard alone, wide and on a phone."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.looking import obstacles_on, overflow_of
from tests.browser.support import NARROW, WIDE, NewTab, Steward, Tab

NAMES = ("重庆长江航运有限公司", "杭州云帆一号有限公司", "杭州云帆二号有限公司")


@pytest.fixture(scope="module", autouse=True)
def filled(steward: Steward) -> None:
    path = steward.installation.folder / "names.csv"
    path.write_text("\n".join(["Name", *NAMES]), encoding="utf-8")
    steward.command("import", "Customer", str(path))


def options(page: Page) -> Any:
    return page.locator("#palette-list [role=option]")


@pytest.mark.parametrize("size", [WIDE, NARROW])
def test_a_record_in_seven_keystrokes(new_tab: NewTab, size: Any) -> None:
    tab = new_tab("zh", viewport=size)
    tab.sign_in()
    page = tab.open("/jobs/")
    page.keyboard.press("Control+k")
    expect(page.locator("#global-search")).to_be_focused()
    page.keyboard.type("cqcj")
    expect(options(page).first).to_contain_text(NAMES[0])
    expect(options(page).first).to_have_attribute("aria-selected", "true")
    box = page.locator("#palette").bounding_box()
    assert box is not None
    assert 0 <= box["x"] <= size["width"] - box["width"]
    assert overflow_of(page) == []
    assert obstacles_on(page) == []
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"/customer/\d+$"))
    expect(page.locator("h1")).to_contain_text(NAMES[0])


def test_arrows_escape_and_enter_before_the_answer(new_tab: NewTab) -> None:
    tab = new_tab("en")
    tab.sign_in()
    page = tab.open("/jobs/")
    page.keyboard.press("/")
    page.keyboard.type("云帆")
    expect(options(page)).to_have_count(3)  # two records, and the way to the search's page
    for _time in range(2):
        page.keyboard.press("ArrowDown")
    expect(options(page).nth(2)).to_have_attribute("aria-selected", "true")
    chosen = page.locator("#global-search").get_attribute("aria-activedescendant")
    expect(page.locator(f"#{chosen}")).to_have_attribute("aria-selected", "true")
    page.keyboard.press("Escape")
    expect(page.locator("#palette")).to_be_hidden()
    page.locator("#global-search").fill("")
    page.keyboard.type("cqcj")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"/customer/\d+$"))


def test_theme_and_language_from_the_box(new_tab: NewTab) -> None:
    tab = new_tab("en", color_scheme="light")
    tab.sign_in()
    page = tab.open("/customer/?q=公司")
    page.keyboard.press("Control+k")
    page.keyboard.press("Control+a")
    page.keyboard.type("dark")
    expect(options(page).first).to_contain_text("Dark")
    page.keyboard.press("Enter")
    expect(page.locator("html")).to_have_attribute("data-bs-theme", "dark")
    expect(page.locator("#palette")).to_be_hidden()
    page.keyboard.press("Control+k")
    page.keyboard.press("Control+a")
    page.keyboard.type("中文")
    expect(options(page).first).to_contain_text("中文")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"/customer/\?q="))
    expect(page.locator("html")).to_have_attribute("lang", "zh-CN")
    tab.use("zh")


def sign_in(new_tab: NewTab, path: str) -> tuple[Tab, Page]:
    tab = new_tab("en")
    tab.sign_in()
    return tab, tab.open(path)


def test_the_keys_that_the_list_names(new_tab: NewTab) -> None:
    tab, page = sign_in(new_tab, "/customer/")
    page.keyboard.press("?")
    dialog = page.locator("#keys-dialog")
    expect(dialog).to_be_visible()
    expect(dialog).to_contain_text("Go home")
    assert obstacles_on(page) == []
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    links = page.locator("td.main a")
    page.keyboard.press("j")
    expect(links.nth(0)).to_be_focused()
    page.keyboard.press("j")
    expect(links.nth(1)).to_be_focused()
    page.keyboard.press("k")
    page.keyboard.press("x")
    expect(page.locator("tbody [data-tick]").first).to_be_checked()
    page.keyboard.press("f")
    expect(page.locator("#filter-field")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.locator("#filter-open")).to_be_focused()
    page.keyboard.press("n")
    page.wait_for_url("**/customer/add")
    tab.open("/customer/")
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"/customer/\d+$"))
    page.keyboard.press("e")
    page.wait_for_url(re.compile(r"/customer/\d+/edit$"))
    page.keyboard.press("Control+s")
    page.wait_for_url(re.compile(r"/customer/\d+$"))
    page.keyboard.press("g")
    page.keyboard.press("h")
    page.wait_for_url(re.compile(r":\d+/$"))
    page.keyboard.press("n")
    expect(page.get_by_role("link", name="Customer", exact=True).first).to_be_visible()


def test_no_key_acts_while_one_types_or_where_they_are_off(new_tab: NewTab) -> None:
    tab, page = sign_in(new_tab, "/customer/add")
    page.locator("#f-name").focus()
    page.keyboard.type("gh?n/ejk")
    expect(page.locator("#f-name")).to_have_value("gh?n/ejk")
    expect(page.locator("#keys-dialog")).to_be_hidden()
    assert page.url.endswith("/customer/add")
    page.locator("#f-name").fill("")
    tab.open("/help/keys")
    page.locator("[data-keys-switch]").uncheck()
    tab.open("/customer/")
    page.keyboard.press("n")
    page.wait_for_timeout(300)
    assert page.url.endswith("/customer/")
    page.keyboard.press("Control+k")
    expect(page.locator("#global-search")).to_be_focused()
