"""Every kind of page in both languages, light and dark, wide and narrow."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.looking import english_on, obstacles_on, overflow_of
from tests.browser.support import (
    LOCALES,
    NARROW,
    SLOW,
    WIDE,
    NewTab,
    Steward,
    Tab,
)

ROWS = """External code,Name,Industry,Province,Yearly amount,Notes
A-1,杭州云帆信息技术有限公司,软件和信息技术服务业,浙江,120000,first
A-2,A company with a name that goes on and on so that no narrow column could hold it,零售业,上海,5000000.50,
A-3,北京长风贸易有限公司,批发业,北京,,=1+1
A-4,苏州新桥精密机械有限公司,通用设备制造业,江苏,30000,
"""

PAGES = {
    "home": "/",
    "list": "/customer/",
    "filtered list": "/customer/?f=province:in:330000&q=公司",
    "list without matches": "/customer/?q=zzzz",
    "empty list": "/contact/",
    "record": "/customer/{record}",
    "add form": "/customer/add",
    "edit form": "/customer/{record}/edit",
    "form with a reference": "/contact/add?customer={record}",
    "record history": "/customer/{record}/history",
    "board": "/customer/board?sum=yearly_amount",
    "charts": "/customer/charts",
    "own chart": "/customer/charts?by=province&measure=yearly_amount&kind=bar",
    "trash": "/customer/trash",
    "import, file": "/import/customer",
    "import, columns": "/import/customer/{columns}",
    "import, plan": "/import/customer/{plan}",
    "import, result": "/import/customer/{result}",
    "export": "/export/customer",
    "jobs": "/jobs/",
    "job": "/jobs/{job}",
    "change sets": "/changes/",
    "change set": "/changes/{changes}",
    "search": "/search?q=公司",
    "keys": "/help/keys",
    "custom fields": "/settings/fields",
    "custom field form": "/settings/fields/add",
    "choice lists": "/settings/lists",
    "users": "/users/list/",
    "user form": "/users/add",
    "roles": "/roles/list/",
    "role": "/roles/{role}",
    "rights of a role": "/roles/{role}/edit?ids=Customer",
    "roles compared": "/roles/compare",
    "who may see a record": "/customer/{record}/access",
    "share a record": "/customer/{record}/share",
    "pool": "/customer/pool",
    "audit": "/audit/",
    "profile": "/users/userinfo/",
    "own password": "/resetmypassword/form",
    "no such page": "/nowhere",
    "no such record": "/customer/999999",
}
MISSING = ("no such page", "no such record")
NOT_FOUND = "the server responded with a status of 404"
"""Chromium itself notes this in the console."""
TRASHED = "A-4"


@pytest.fixture(scope="module")
def places(
    steward: Steward, chromium: Browser, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, str]:
    """Records, imports and jobs to look at: their numbers, to be put into the addresses above."""
    file = tmp_path_factory.mktemp("files") / "customers.csv"
    file.write_text(ROWS, encoding="utf-8")
    context = chromium.new_context(base_url=steward.address, locale=LOCALES["en"])
    tab = Tab(context, steward, "en")
    tab.sign_in()
    found = {
        "columns": upload(tab.page, file),
        "plan": check(tab.page, upload(tab.page, odd(file))),
        "result": carry_out(tab.page, check(tab.page, upload(tab.page, file))),
    }
    tab.open("/jobs/")
    found["job"] = number_in(tab.page, r"/jobs/([^/]+)$")
    tab.open("/changes/")
    found["changes"] = number_in(tab.page, r"/changes/(\d+)")
    tab.open("/roles/list/")
    found["role"] = number_in(tab.page, r"/roles/(\d+)$")
    tab.open(f"/customer/?q={TRASHED}")
    tab.page.locator("[data-tick-all]").check()
    tab.page.locator("[data-bulk]").get_by_role("button", name="Delete").click()
    tab.open("/customer/?q=A-1")
    found["record"] = number_in(tab.page, r"/customer/(\d+)$")
    tab.check()
    context.close()
    return found


def odd(file: Path) -> Path:
    """The same list with words that are no choice, and rows that are refused."""
    other = file.with_name("odd.csv")
    other.write_text(
        ROWS.replace("零售业", "没有的行业").replace(",,=1+1", ",abc,"), encoding="utf-8"
    )
    return other


def upload(page: Page, file: Path) -> str:
    page.goto("/import/customer")
    page.set_input_files("#file", file)
    page.locator("#upload button[type=submit]").click()
    page.wait_for_url(re.compile(r"/import/customer/\d+$"))
    return page.url.rpartition("/")[2]


def check(page: Page, number: str) -> str:
    page.locator("#columns button[type=submit]").click()
    expect(page.locator("[data-count=new]")).to_be_visible(timeout=SLOW)
    return number


def carry_out(page: Page, number: str) -> str:
    page.locator("form[action$='/start'] button").click()
    expect(page.locator("form[action$='/undo'] button")).to_be_visible(timeout=SLOW)
    return number


def number_in(page: Page, pattern: str) -> str:
    """The number of the first row's address."""
    address = page.locator("main tr[data-href]").first.get_attribute("data-href") or ""
    found = re.search(pattern, address)
    assert found, f"{address} on {page.url}"
    return found[1]


@pytest.fixture(scope="module")
def tabs(steward: Steward, chromium: Browser) -> Iterator[dict[str, Tab]]:
    """One tab for each language; what it has loaded once it need not load again."""
    contexts = {
        language: chromium.new_context(
            base_url=steward.address, locale=locale, color_scheme="light", viewport=WIDE
        )
        for language, locale in LOCALES.items()
    }
    yield {language: Tab(context, steward, language) for language, context in contexts.items()}
    for context in contexts.values():
        context.close()


@pytest.mark.parametrize("language", LOCALES)
@pytest.mark.parametrize("kind", PAGES)
def test_page(tabs: dict[str, Tab], places: dict[str, str], kind: str, language: str) -> None:
    tab = tabs[language]
    if not tab.page.context.cookies():
        tab.sign_in()
    tab.allowed = [NOT_FOUND] if kind in MISSING else []
    tab.open(PAGES[kind].format(**places))
    inspect(tab)


@pytest.mark.parametrize("language", LOCALES)
def test_login_page(new_tab: NewTab, language: str) -> None:
    tab = new_tab(language, color_scheme="light")
    tab.open("/login/")
    inspect(tab)


def inspect(tab: Tab) -> None:
    """Light and wide, then dark and narrow, without loading again: the theme follows the system."""
    page = tab.page
    page.set_viewport_size(WIDE)
    page.emulate_media(color_scheme="light")
    settle(page)
    assert page.locator("h1").count() == 1
    if tab.language == "zh":
        assert english_on(page) == []
    assert overflow_of(page) == []
    assert obstacles_on(page) == []
    page.emulate_media(color_scheme="dark")
    expect(page.locator("html")).to_have_attribute("data-bs-theme", "dark")
    page.set_viewport_size(NARROW)
    settle(page)
    assert overflow_of(page) == []
    assert obstacles_on(page) == []
    tab.check()


def settle(page: Page) -> None:
    """Charts are drawn, and what fades has faded: colours in between would be measured."""
    page.wait_for_load_state("networkidle")
    page.evaluate(
        "Promise.all(document.getAnimations().filter(a => a.effect.getComputedTiming().endTime < 1e4).map(a => a.finished))"
    )
