"""What one chooses stays chosen: language, theme, password, fields of one's own."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.browser.support import HTML_LANG, LOCALES, NewTab, Steward, Tab

OWN = "Still-Water-4417"
OTHER = {"zh": "en", "en": "zh"}
NAMES = {"zh": "中文", "en": "English"}
FIELD = {"zh": "企业口号", "en": "Slogan"}


@pytest.mark.parametrize("language", LOCALES)
def test_switching_the_language_keeps_the_page(new_tab: NewTab, language: str) -> None:
    tab = new_tab(language)
    tab.sign_in()
    asked = "/customer/?f=status%3Ain%3Aactive%2Cnew&q=%E5%85%AC%E5%8F%B8&sort=-name&size=50"
    page = tab.open(asked)
    here = page.url
    page.locator(".topbar").get_by_role("link", name=NAMES[OTHER[language]]).click()
    expect(page.locator("html")).to_have_attribute("lang", HTML_LANG[OTHER[language]])
    assert page.url == here
    page.reload()
    tab.use(OTHER[language])
    tab.check()


def test_theme_is_kept(new_tab: NewTab) -> None:
    tab = new_tab("en", color_scheme="light")
    tab.sign_in()
    html = tab.page.locator("html")
    expect(html).to_have_attribute("data-bs-theme", "light")
    choose_theme(tab, "Dark")
    expect(html).to_have_attribute("data-bs-theme", "dark")
    tab.open("/jobs/")
    expect(html).to_have_attribute("data-bs-theme", "dark")
    other = tab.page.context.new_page()
    other.goto("/changes/")
    expect(other.locator("html")).to_have_attribute("data-bs-theme", "dark")
    choose_theme(tab, "As the system")
    expect(html).to_have_attribute("data-bs-theme", "light")


def choose_theme(tab: Tab, label: str) -> None:
    tab.page.get_by_role("button", name=tab.word("Theme"), exact=True).click()
    tab.page.locator(".topbar").get_by_role("button", name=tab.word(label), exact=True).click()


@pytest.mark.parametrize("language", LOCALES)
def test_a_generated_password_has_to_be_changed(
    new_tab: NewTab, steward: Steward, language: str
) -> None:
    name = f"clerk.{language}"
    printed = steward.command("user", "add", name)
    generated = re.search(r"^password\s+(\S+)", printed, re.MULTILINE)
    assert generated, printed
    tab = new_tab(language)
    page, word = tab.page, tab.word
    tab.sign_in(name, generated[1])
    for path in ("/customer/", "/users/list/"):
        page.goto(path)
        expect(page.get_by_role("heading", name=word("Choose your own password"))).to_be_visible()
    page.locator("#password").fill(OWN)
    page.locator("#again").fill(OWN)
    page.get_by_role("button", name=word("Change password")).click()
    page.wait_for_url(lambda address: "password" not in address)
    tab.open("/customer/")
    expect(page.get_by_role("heading", name=word("Customers"), level=1)).to_be_visible()


@pytest.mark.parametrize("language", LOCALES)
def test_a_field_of_ones_own_is_in_form_and_list_at_once(new_tab: NewTab, language: str) -> None:
    tab = new_tab(language)
    page, word = tab.page, tab.word
    tab.sign_in()
    tab.open("/settings/fields/add")
    page.get_by_label(word("Added to")).select_option("Customer")
    page.get_by_label(word("Chinese label")).fill(f"{FIELD['zh']} {language}")
    page.get_by_label(word("English label")).fill(f"{FIELD['en']} {language}")
    expect(page.locator("#name")).to_have_value(f"slogan_{language}")
    page.get_by_role("button", name=word("Save"), exact=True).click()
    label = f"{FIELD[language]} {language}"
    expect(page.get_by_role("link", name=label, exact=True)).to_be_visible()

    tab.open("/customer/add")
    page.get_by_label(word("Customer name")).fill(f"Own field {language}")
    page.get_by_label(label).fill("客户第一 first")
    page.get_by_role("button", name=word("Save"), exact=True).click()
    page.wait_for_url(re.compile(r"/customer/\d+$"))
    expect(page.locator("main")).to_contain_text("客户第一 first")

    tab.open(f"/customer/?f=slogan_{language}:ct:第一")
    expect(page.get_by_role("columnheader", name=label)).to_be_visible()
    expect(page.locator("#list-table tbody tr")).to_have_count(1)
    expect(page.locator("#list-table tbody tr")).to_contain_text("客户第一 first")
