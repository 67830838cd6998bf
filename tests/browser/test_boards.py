"""A board: cards sent to another column by dragging and by keyboard; what is refused comes back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.support import NARROW, NewTab, Steward


@pytest.fixture(scope="module", autouse=True)
def tasks(steward: Steward) -> None:
    """Three customers without a past: a life cycle that begins."""
    path = Path(steward.installation.folder) / "board.csv"
    rows = ["杭州云帆一号有限公司", "杭州云帆二号有限公司", "杭州云帆三号有限公司"]
    lines = ["Name,Life cycle", *(f"{name},Potential" for name in rows)]
    path.write_text("\n".join(lines), encoding="utf-8")
    steward.command("import", "Customer", str(path))


def column(page: Page, value: str) -> Locator:
    return page.locator(f'[data-column="{value}"]')


def opened(new_tab: NewTab, **options: Any) -> tuple[Any, Page]:
    tab = new_tab("en", **options)
    tab.sign_in()
    page = tab.open("/customer/board?by=status&sort=name")
    return tab, page


def test_a_card_is_dragged_to_the_next_state(new_tab: NewTab) -> None:
    _tab, page = opened(new_tab)
    card = column(page, "potential").locator("[data-card]").first
    title = card.locator("a").first.inner_text()
    before = int(column(page, "new").locator(".count").inner_text())
    card.drag_to(column(page, "new"))
    expect(column(page, "new").locator("[data-card]", has_text=title)).to_be_visible()
    expect(column(page, "new").locator(".count")).to_have_text(str(before + 1))
    page.reload()
    expect(column(page, "new").locator("[data-card]", has_text=title)).to_be_visible()


def test_the_menu_of_a_card_does_the_same_by_keyboard(new_tab: NewTab) -> None:
    _tab, page = opened(new_tab)
    card = column(page, "potential").locator("[data-card]").first
    title = card.locator("a").first.inner_text()
    card.locator("[data-card-menu]").focus()
    page.keyboard.press("Enter")
    page.keyboard.press("ArrowDown")
    target = page.evaluate("document.activeElement.dataset.to")
    assert target
    page.keyboard.press("Enter")
    moved = column(page, target).locator("[data-card]", has_text=title)
    expect(moved).to_be_visible()
    expect(moved.locator("[data-card-menu]")).to_be_focused()


def test_what_is_refused_goes_back_with_the_reason(new_tab: NewTab) -> None:
    tab, page = opened(new_tab)
    tab.allowed = ["422"]
    card = column(page, "potential").locator("[data-card]").first
    number = card.get_attribute("data-card")
    closed = page.evaluate(
        """() => {
          const own = document.querySelector('[data-column="potential"] template').content;
          const open = Array.from(own.querySelectorAll("[data-to]"), one => one.dataset.to);
          return Array.from(document.querySelectorAll("[data-column]"), one => one.dataset.column)
            .find(value => value && value !== "potential" && !open.includes(value));
        }"""
    )
    assert closed
    card.drag_to(column(page, closed))
    expect(page.locator(".toast-danger")).to_contain_text("it can go to")
    expect(column(page, "potential").locator(f'[data-card="{number}"]')).to_be_visible()


def test_on_a_phone_nothing_runs_over_the_edge(new_tab: NewTab) -> None:
    _tab, page = opened(new_tab, viewport=NARROW)
    assert page.evaluate("document.documentElement.scrollWidth") <= NARROW["width"]
    expect(column(page, "potential")).to_be_in_viewport()
