"""Files dropped on a page of a browser: several at once, with progress, and gone on with after a cut."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.looking import english_on, overflow_of
from tests.browser.support import NewTab, Tab

PART = 8 * 1024 * 1024
DROP = """([selector, names]) => {
  const given = new DataTransfer();
  for (const name of names) given.items.add(new File(["%PDF-1.7 " + name], name));
  const place = document.querySelector(selector);
  for (const kind of ["dragover", "drop"]) place.dispatchEvent(new DragEvent(kind, { dataTransfer: given, bubbles: true, cancelable: true }));
}"""
ADD = """async ([entity, values]) => {
  const answer = await fetch(`/api/v1/${entity}/`, { method: "POST", body: JSON.stringify(values),
    headers: { "Content-Type": "application/json", "X-CSRFToken": window.Steward.token() } });
  if (!answer.ok) throw new Error(await answer.text());
  return (await answer.json()).id;
}"""


def version(tab: Tab) -> str:
    """The address of a new version of a new document."""
    page = tab.open("/document/")
    kind = {
        "code": f"B{id(tab)}",
        "name_zh": "合同",
        "name_en": "Contracts",
        "retention": "years_10",
    }
    more = {"counted_from": "filing", "confidentiality": "internal"}
    class_id = page.evaluate(ADD, ["document_class", kind | more])
    document = page.evaluate(ADD, ["document", {"title": "采购合同", "document_class": class_id}])
    values = {"document": document, "comment": "第一版"}
    return f"/document_version/{page.evaluate(ADD, ['document_version', values])}"


@pytest.mark.parametrize("language", ["zh", "en"])
def test_several_files_are_dropped_on_a_record_at_once(new_tab: NewTab, language: str) -> None:
    tab = new_tab(language)
    tab.sign_in()
    page = tab.open(version(tab))
    place = page.locator("[data-file-drop=many]")
    expect(place.locator("[data-file-hint]")).to_be_visible()
    expect(place.get_by_role("button", name=tab.word("Upload"))).to_be_hidden()
    assert overflow_of(page) == []
    page.evaluate(DROP, ["[data-file-drop=many]", ["合同.pdf", "附件一.pdf", "附件二.pdf"]])
    toast = page.locator("[data-toast]").first
    expect(toast).to_contain_text("3")
    for name in ("合同.pdf", "附件一.pdf", "附件二.pdf"):
        expect(page.locator("main").get_by_role("link", name=name, exact=True)).to_be_visible()
    with page.expect_download() as taken:
        page.locator("a.file-link").first.click()
    content = Path(taken.value.path()).read_bytes()
    assert content == f"%PDF-1.7 {taken.value.suggested_filename}".encode()
    if language == "zh":
        assert english_on(page) == []
    toast.get_by_role("button", name=tab.word("Undo")).click()
    expect(page.locator("a.file-link")).to_have_count(0)
    tab.check()


def test_a_form_shows_how_far_its_file_is_and_waits_for_it(new_tab: NewTab) -> None:
    tab = new_tab("zh")
    tab.sign_in()
    here = version(tab)
    page = tab.open(f"/document_file/add?document_version={here.rpartition('/')[2]}")
    held: list[Route] = []
    page.route("**/finish", lambda route: held.append(route))
    page.evaluate(DROP, ["[data-file-drop=one]", ["验收单.pdf"]])
    line = page.locator(".file-line")
    expect(line.locator("progress")).to_have_attribute("aria-label", "验收单.pdf")
    expect(line).to_contain_text(tab.word("Being checked"))
    page.get_by_role("button", name=tab.word("Save"), exact=True).click()
    assert "/add" in page.url, "the form waits"
    held[0].continue_()
    page.wait_for_url("**/document_file/*")
    expect(page.locator("h1")).to_have_text("验收单.pdf")
    tab.check()


def test_what_was_cut_off_goes_on_where_it_stopped(new_tab: NewTab, tmp_path: Path) -> None:
    """Closed half way and opened again: the same file is chosen, and its first part is not sent twice."""
    file = tmp_path / "扫描件.pdf"
    file.write_bytes(b"%PDF-1.7\n" + bytes(PART + 1000))
    tab = new_tab("zh")
    tab.allowed.append("net::ERR_FAILED")
    tab.sign_in()
    page = tab.open(version(tab))
    sent: list[str] = []
    cut = True

    def watch(route: Route) -> None:
        if route.request.method == "PATCH":
            sent.append(route.request.headers["upload-offset"])
            if cut and sent[-1] != "0":
                route.abort()
                return
        route.continue_()

    page.route("**/api/v1/files/*", watch)
    choose(page, file)
    line = page.locator(".file-line")
    expect(line).to_contain_text("%")
    page.wait_for_function(
        "() => document.querySelector('.file-line progress').value >= " + str(PART)
    )
    page.wait_for_timeout(300)
    page.reload()
    assert sent[0] == "0"
    sent.clear()
    cut = False
    choose(page, file)
    link: Any = page.locator("main").get_by_role("link", name="扫描件.pdf", exact=True)
    expect(link).to_be_visible()
    assert sent == [str(PART)]
    tab.check()


def choose(page: Page, file: Path) -> None:
    page.locator("[data-file-drop=many] input[type=file]").set_input_files(file)
