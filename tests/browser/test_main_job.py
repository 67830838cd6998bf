"""The main job in a browser, in both languages: bring in a list, find, edit, chart, export, take it back."""

from __future__ import annotations

import contextlib
import csv
import re
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import pytest
from playwright.sync_api import Error as PlaywrightError
from playwright.sync_api import Locator, expect

from tests.browser.companies import Companies, companies
from tests.browser.support import SLOW, NewTab, Tab

LANGUAGES = ("zh", "en")
MAPPING = {
    "ts_code": "external_code",
    "symbol": "",
    "name": "name",
    "area": "province",
    "industry": "industry",
    "cnspell": "",
    "market": "listing",
    "list_date": "listed_on",
    "act_name": "controller",
    "act_ent_type": "ownership",
}
PROVINCE = {"zh": "浙江", "en": "Zhejiang"}


@pytest.fixture(scope="module")
def listed(tmp_path_factory: pytest.TempPathFactory) -> Companies:
    return companies(tmp_path_factory.mktemp("companies"))


@pytest.mark.parametrize("language", LANGUAGES)
def test_main_job(new_tab: NewTab, listed: Companies, tmp_path: Path, language: str) -> None:
    tab = new_tab(language)
    tab.sign_in()
    imported = bring_in(tab, listed)
    find(tab, listed)
    filter_and_sort(tab, listed)
    edit(tab, language)
    see_charts(tab)
    export(tab, listed, "csv", tmp_path)
    export(tab, listed, "xlsx", tmp_path)
    take_back(tab, imported)
    delete_what_is_left(tab)


# -- the steps -----------------------------------------------------------------------------


def bring_in(tab: Tab, listed: Companies) -> str:
    """Upload, map, look at the plan, run; returns the address of the import."""
    page, word = tab.page, tab.word
    go_to_customers(tab)
    empty = page.locator(".empty-state")
    expect(empty).to_contain_text(word("No records yet: %(entities)s", entities=word("Customers")))
    empty.get_by_role("link", name=word("Import")).click()
    page.get_by_label(word("File")).set_input_files(listed.file)
    page.get_by_role("button", name=word("Upload")).click()
    page.wait_for_url(re.compile(r"/import/customer/\d+$"))
    here = page.url
    for column, field in MAPPING.items():
        page.get_by_label(word("Field for %(column)s", column=column), exact=True).select_option(
            field
        )
    page.get_by_label(word("Find existing records by")).select_option("external_code")
    page.get_by_label(word("New records are")).select_option("1")
    page.get_by_role("button", name=word("Check"), exact=True).click()
    make_unknown_choices(tab)
    expect(count(tab, "new")).to_have_text(f"{len(listed.rows):,}", timeout=SLOW)
    expect(count(tab, "refused")).to_have_text("0")
    tab.check()
    start(tab).click()
    watch_progress(tab, button(tab, "Undo the import"))
    expect(count(tab, "new")).to_have_text(f"{len(listed.rows):,}")
    tab.check()
    return here


def make_unknown_choices(tab: Tab) -> None:
    """Words of the file that are no choices yet become choices."""
    expect(count(tab, "new")).to_be_visible(timeout=SLOW)
    tab.page.wait_for_load_state()  # the head of the page is there before its end
    again = button(tab, "Check again")
    if again.is_visible():
        for one in tab.page.get_by_label(tab.word("All words not decided below")).all():
            one.select_option(label=tab.word("Make new choices of them"))
        again.click()


def watch_progress(tab: Tab, end: Locator) -> None:
    """The bar moves, forward only, until there is something to see; of what takes seconds."""
    seen: list[int] = []
    bar = tab.page.locator("#job-progress progress")
    began = time.monotonic()
    deadline = began + SLOW / 1000
    while not end.is_visible():
        assert time.monotonic() < deadline, f"not done; progress so far: {seen}"
        with contextlib.suppress(PlaywrightError):  # replaced by the next one while it is read
            seen.append(int(bar.get_attribute("value", timeout=500) or 0))
    assert seen == sorted(seen)
    # The page asks each half second, a job notes each 0.7 s: what is over sooner need not move.
    watched = time.monotonic() - began
    assert len(set(seen)) > 1 or watched < 3, (
        f"the bar stood still at {seen[-1]} for {watched:.0f} s"
    )


def find(tab: Tab, listed: Companies) -> None:
    """The list holds all; characters, pinyin and initials find the same companies."""
    page, word = tab.page, tab.word
    page.get_by_role("link", name=word("Show the list")).click()
    expect(total(tab)).to_contain_text(f"{len(listed.rows):,}")
    named = [row["name"] for row in listed.rows if "润科" in row["name"]]
    box = page.get_by_role(
        "searchbox", name=word("Search %(entities)s", entities=word("Customers"))
    )
    for text in ("润科", "runke", "rk"):
        box.fill(text)
        expect(page).to_have_url(re.compile(rf"[?&]q={re.escape(quote(text))}(&|$)"))
        for name in named:
            expect(page.get_by_role("link", name=name, exact=True)).to_be_visible()
    box.fill("润科")
    expect(page.locator("#list-table tbody tr")).to_have_count(len(named))
    box.fill("")
    expect(total(tab)).to_contain_text(f"{len(listed.rows):,}")
    tab.check()


def filter_and_sort(tab: Tab, listed: Companies) -> None:
    """A province by the panel, then by name downward and upward."""
    page, word = tab.page, tab.word
    page.get_by_role("link", name=word("Filter"), exact=True).click()
    panel = page.locator("#filter-form")
    panel.get_by_label(word("Field")).select_option(label=word("Province"))
    control = panel.locator(".ts-control")
    control.click()
    page.keyboard.type(PROVINCE[tab.language])
    page.keyboard.press("Enter")
    page.keyboard.press("Escape")
    panel.get_by_role("button", name=word("Apply")).click()
    expected = listed.matching(area="浙江")
    expect(total(tab)).to_contain_text(f"{len(expected):,}")
    expect(page.locator(".chip")).to_contain_text(PROVINCE[tab.language])
    seen = []
    for direction in ("ascending", "descending"):
        page.get_by_role("link", name=word("Customer name"), exact=True).click()
        heading = page.locator("th[aria-sort]")
        expect(heading).to_have_attribute("aria-sort", direction)
        expect(total(tab)).to_contain_text(f"{len(expected):,}")
        seen.append(page.locator("#list-table td.main").first.inner_text())
    assert seen[0] != seen[1]
    assert set(seen) <= {row["name"] for row in expected}
    tab.check()


def edit(tab: Tab, language: str) -> None:
    """Open the first company shown, change it, and find the change in its history."""
    page, word = tab.page, tab.word
    page.locator("#list-table td.main a").first.click()
    button(tab, "Edit", "link").click()
    remark = f"remark-{language}"
    page.get_by_label(word("Notes")).fill(remark)
    page.get_by_label(word("Website")).fill("https://example.com/")
    page.get_by_role("button", name=word("Save"), exact=True).click()
    page.wait_for_url(re.compile(r"/customer/\d+$"))
    expect(page.locator("main")).to_contain_text(remark)
    page.locator(".page-head").get_by_role("button", name=word("More")).click()
    page.locator(".page-head").get_by_role("link", name=word("History")).click()
    expect(page.locator("main")).to_contain_text(remark)
    tab.check()


def see_charts(tab: Tab) -> None:
    """Each chart is drawn; a table behind it says the same."""
    page = tab.page
    go_to_customers(tab)
    button(tab, "Charts", "link").click()
    expect(page.locator("#chart-industry canvas").first).to_be_visible()
    expect(page.locator("#chart-province canvas").first).to_be_visible()
    expect(page.locator("#chart-province [data-chart-table] tbody")).to_contain_text(
        PROVINCE[tab.language]
    )
    tab.check()


def export(tab: Tab, listed: Companies, kind: str, folder: Path) -> None:
    """Export the whole list and download it."""
    page, word = tab.page, tab.word
    go_to_customers(tab)
    button(tab, "Export", "link").click()
    page.get_by_label(word("Format")).select_option(kind)
    page.get_by_role("button", name=word("Export"), exact=True).click()
    ready = button(tab, "Download", "link")
    expect(ready).to_be_visible(timeout=SLOW)
    with page.expect_download() as download:
        ready.click()
    file = folder / f"{tab.language}.{kind}"
    download.value.save_as(file)
    assert download.value.suggested_filename.endswith(f".{kind}")
    rows = ROWS_OF[kind](file)
    assert rows == len(listed.rows) + 1, "every record and a header"
    tab.check()


def rows_of_csv(file: Path) -> int:
    with file.open(encoding="utf-8-sig", newline="") as lines:
        return sum(1 for _row in csv.reader(lines))


def rows_of_xlsx(file: Path) -> int:
    with zipfile.ZipFile(file) as parts:
        return len(re.findall(rb"<row\b", parts.read("xl/worksheets/sheet1.xml")))


ROWS_OF: dict[str, Callable[[Path], int]] = {"csv": rows_of_csv, "xlsx": rows_of_xlsx}


def take_back(tab: Tab, imported: str) -> None:
    """Undo the import where it was made; what was edited since is kept, and said."""
    page, word = tab.page, tab.word
    page.goto(imported)
    button(tab, "Undo the import").click()
    page.get_by_role("button", name=word("Really undo?")).click()
    expect(page.locator("main")).to_contain_text(word("The import was undone"), timeout=SLOW)
    go_to_customers(tab)
    expect(page.locator("#list-table tbody tr")).to_have_count(1)
    tab.check()


def delete_what_is_left(tab: Tab) -> None:
    """The company that was edited goes to the trash by hand; the list is empty as before."""
    page, word = tab.page, tab.word
    page.locator("[data-tick-all]").check()
    page.locator("[data-bulk]").get_by_role("button", name=word("Delete")).click()
    expect(page.locator(".empty-state")).to_be_visible()
    tab.check()


# -- where things are ----------------------------------------------------------------------


def go_to_customers(tab: Tab) -> None:
    """By the navigation."""
    areas = tab.page.get_by_role("navigation", name=tab.word("Areas"))
    areas.get_by_role("link", name=tab.word("Customers"), exact=True).click()


def button(tab: Tab, label: str, role: str = "button") -> Locator:
    """A button, or a link that looks like one, by its English label."""
    return tab.page.locator("main").get_by_role(role, name=tab.word(label), exact=True)  # type: ignore[arg-type]


def start(tab: Tab) -> Locator:
    """The button that carries an import out; it says how many rows there are."""
    return tab.page.locator("form[action$='/start'] button")


def count(tab: Tab, name: str) -> Locator:
    """A figure of an import."""
    return tab.page.locator(f"[data-count={name}] dd")


def total(tab: Tab) -> Locator:
    """How many records the list says there are."""
    return tab.page.locator(".pager-range")
