"""Previews in a browser: what strangers wrote is seen, and nothing of it runs or is fetched."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect
from werkzeug.serving import make_server

from app.engine.adapters import queue
from app.engine.contents import office
from tests import sample_files
from tests.reading_files import filed, read_all

pytestmark = pytest.mark.once

EVIL = (
    "<p>看得见</p><script>document.title='ran'; parent.document.title='ran'; alert(1)</script>"
    '<img src="http://127.0.0.1:9/x" onerror="alert(2)"><svg onload="alert(3)"></svg>'
    '<iframe src="http://127.0.0.1:9/y"></iframe><meta http-equiv="refresh" content="0;url=http://127.0.0.1:9/z">'
    '<form action="http://127.0.0.1:9/f"><button id="send">go</button></form>'
    '<a id="away" href="http://127.0.0.1:9/a">away</a><style>p{display:none}@import "http://127.0.0.1:9/s"</style>'
)


@pytest.fixture
def page(
    app: Any, browser: Any, chromium: Browser, as_admin: Any, monkeypatch: Any
) -> Iterator[Page]:
    """A tab of the administrator's, of an application in this process."""
    monkeypatch.setattr(queue, "send", lambda *_given, **_named: True)
    monkeypatch.setattr(office, "program", lambda: None)
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    cookie = browser("admin").get_cookie("session")
    context = chromium.new_context(base_url=f"http://127.0.0.1:{server.port}")
    context.add_cookies(
        [{"name": "session", "value": cookie.value, "domain": "127.0.0.1", "path": "/"}]
    )
    try:
        yield context.new_page()
    finally:
        context.close()
        server.shutdown()
        thread.join()


@pytest.mark.parametrize("kind", ["html", "eml", "md"])
def test_nothing_in_a_file_runs_or_is_fetched(page: Page, kind: str) -> None:
    record = filed(lambda path: _write(path, kind), f"a.{kind}")
    read_all()
    asked: list[str] = []
    said: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("dialog", lambda dialog: (said.append(dialog.message), dialog.dismiss()))
    page.goto(f"/leaf/{record.id}/preview/content")
    inside = page.frame_locator("iframe.preview-text")
    expect(inside.get_by_text("看得见", exact=True)).to_be_visible()
    expect(inside.locator("body")).to_have_css("padding", "16px")  # our own style holds
    page.wait_for_timeout(300)
    assert said == []
    assert [url for url in asked if ":9/" in url] == []
    assert page.title() != "ran"
    for gone in ("script", "img", "svg", "iframe", "form", "a[href]", "meta[http-equiv]"):
        assert inside.locator(gone).count() == 0, gone
    page.goto(f"/leaf/{record.id}/preview/content/text")
    expect(page.get_by_text("看得见", exact=True)).to_be_visible()
    assert page.evaluate("() => window.origin") == "null", (
        "a sandbox even when it is opened by itself"
    )


def _write(path: Path, kind: str) -> None:
    if kind == "eml":
        sample_files.mail(path, "信", "x", EVIL)
    elif kind == "md":
        path.write_text(f"# 标题\n\n看得见\n\n- [x](javascript:alert(4))\n- **b**\n\n{EVIL}\n")
    else:
        path.write_text(f"<!doctype html><html><head></head><body>{EVIL}</body></html>")


def test_a_pdf_is_seen_as_pictures_beside_words_that_can_be_selected(page: Page) -> None:
    record = filed(lambda path: sample_files.pdf(path, ["甲方：润科精密", "Second"]), "合同.pdf")
    read_all()
    page.goto(f"/leaf/{record.id}/preview/content")
    picture = page.locator("#page-1 img")
    expect(picture).to_be_visible()
    assert picture.evaluate("image => image.complete && image.naturalWidth") == 1240
    words = page.locator("#page-1 .preview-words")
    expect(words).to_have_text("甲方：润科精密")
    words.select_text()
    assert page.evaluate("() => getSelection().toString()").strip() == "甲方：润科精密"


def test_the_preview_appears_by_itself_once_it_is_made(page: Page) -> None:
    record = filed(lambda path: sample_files.pdf(path, ["润科"]), "合同.pdf")
    page.goto(f"/leaf/{record.id}/preview/content")
    expect(page.get_by_role("status").first).to_be_visible()
    read_all()
    expect(page.locator("#page-1 img")).to_be_visible(timeout=10_000)
