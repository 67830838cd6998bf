"""A list worked with by keyboard and on a phone: one never loses one's place, or the buttons."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.browser.looking import obstacles_on, overflow_of
from tests.browser.support import NARROW, WIDE, NewTab, Steward


def fill(steward: Steward) -> None:
    path = steward.installation.folder / "many.csv"
    rows = [f"杭州云帆{number}号有限公司" for number in range(60)]
    path.write_text("\n".join(["Name", *rows]), encoding="utf-8")
    steward.command("import", "Customer", str(path))


def test_the_keyboard_stays_where_it_was(new_tab: NewTab, steward: Steward) -> None:
    fill(steward)
    tab = new_tab("en")
    tab.sign_in()
    page = tab.open("/customer/")

    def press(place: str, key: str) -> None:
        """Press a key there, and wait until the place has been drawn anew."""
        here = page.locator(place)
        here.evaluate("one => { one.dataset.old = '1'; one.focus(); }")
        page.keyboard.press(key)
        expect(page.locator(f"{place}[data-old]")).to_have_count(0)

    page.locator("#filter-open").focus()
    page.keyboard.press("Enter")
    field = page.locator("#filter-field")
    expect(field).to_be_focused()
    for _time in range(2):
        press("#filter-field", "ArrowDown")
        expect(field).to_be_focused()
    press(".filter-buttons .btn-ghost", "Enter")
    expect(page.locator("#filter-open")).to_be_focused()
    for place in ("#sort-1", "#page-next"):
        press(place, "Enter")
        expect(page.locator(place)).to_be_focused()


def test_views_and_the_menu_of_a_record_need_no_mouse(new_tab: NewTab, steward: Steward) -> None:
    fill(steward)
    tab = new_tab("en")
    tab.sign_in()
    page = tab.open("/customer/?f=name:ct:云帆1")
    keys = page.keyboard
    page.locator("#views-open").focus()
    keys.press("Enter")
    expect(page.locator(".views-panel a").first).to_be_focused()
    keys.press("Escape")
    expect(page.locator("#views-open")).to_be_focused()
    keys.press("Enter")
    expect(page.locator(".views-panel a").first).to_be_focused()
    keys.press("Tab")
    keys.type("一号")
    keys.press("Enter")
    expect(page.locator("#views-open")).to_have_text("View: 一号")
    page.locator("td.main a").first.focus()
    keys.press("Enter")
    page.locator(".page-head .dropdown-toggle").focus()
    for key in ("Enter", "ArrowDown"):
        keys.press(key)
    expect(page.get_by_role("link", name="History")).to_be_focused()
    keys.press("Escape")
    expect(page.locator(".page-head .dropdown-toggle")).to_be_focused()
    tab.check()


def test_columns_are_chosen_and_a_second_one_sorted_by_without_a_mouse(
    new_tab: NewTab, steward: Steward
) -> None:
    fill(steward)
    for language, size in (("en", WIDE), ("zh", NARROW)):
        tab = new_tab(language, viewport=size)
        tab.sign_in()
        page = tab.open("/customer/?cols=status,province,created_at")
        keys = page.keyboard
        page.locator("#columns-open").focus()
        keys.press("Enter")
        expect(page.locator("[name=show]").first).to_be_focused()
        assert not obstacles_on(page)
        assert not overflow_of(page)
        page.locator("[data-move=down]").first.focus()
        keys.press("Enter")
        expect(page.locator("[data-move=down]").nth(1)).to_be_focused()
        page.locator("[name=close_rows]").focus()
        keys.press("Space")
        page.locator("#columns-form [type=submit]").focus()
        keys.press("Enter")
        expect(page.locator("table.dense")).to_have_count(1)
        assert "cols=province,status,created_at&density=dense" in page.url
        expect(page.locator("#columns-open")).to_be_focused()
        page.locator("#sort-1").focus()
        keys.press("Enter")
        page.wait_for_url("**sort=name**")
        page.locator("#sort-4").focus()
        keys.press("Shift+Enter")
        page.wait_for_url("**sort=name,-created_at**")
        expect(page.locator(".sort-place")).to_have_text(["1", "2"])
        expect(page.locator("#sort-4")).to_be_focused()
        tab.check()


def test_what_can_be_done_with_a_ticked_row_is_in_sight(new_tab: NewTab, steward: Steward) -> None:
    fill(steward)
    tab = new_tab("en", viewport=NARROW)
    tab.sign_in()
    page = tab.open("/customer/")
    page.locator("tbody input[type=checkbox]").first.check()
    expect(page.locator("[data-bulk]")).to_be_in_viewport(ratio=1)


def test_a_refused_form_leads_to_its_fields(new_tab: NewTab) -> None:
    tab = new_tab("en")
    tab.allowed = ["422"]
    tab.sign_in()
    page = tab.open("/customer/add")
    page.get_by_label("Website").fill("not an address")
    page.keyboard.press("Control+s")
    page.get_by_role("alert").get_by_role("link", name="Website").click()
    expect(page.get_by_label("Website")).to_be_focused()
    expect(page.get_by_label("Website")).to_be_in_viewport()
