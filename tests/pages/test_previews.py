"""Previews: files shown to those who may see them, with nothing in them that could run or be fetched."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from sqlalchemy import select

from app.engine import policy, registry
from app.engine.adapters import queue
from app.engine.adapters.database import db
from app.engine.audit.models import AuditEntry
from app.engine.changes import change_set
from app.engine.contents import office
from tests import factories, sample_files
from tests.reading_files import brought, filed, read_all, waiting
from tests.test_contract import give

pytestmark = pytest.mark.usefixtures("app")


@pytest.fixture(autouse=True)
def _no_queue_and_no_office(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queue, "send", lambda *_given, **_named: True)
    monkeypatch.setattr(office, "program", lambda: None)


def held(make: Callable[[Path], Any], name: str, read: bool = True) -> str:
    """The address of the preview of a leaf's file."""
    with policy.acting_as(factories.viewer("admin")):
        record = filed(make, name)
    if read:
        read_all()
    return f"/leaf/{record.id}/preview/content"


def contract(path: Path) -> None:
    sample_files.pdf(path, [f"第{n}页：润科精密 {n}" for n in range(1, 13)])


def test_a_pdf_is_shown_as_pictures_of_its_pages_with_their_words(client: Any) -> None:
    address = held(contract, "合同.pdf")
    page = client.get(address)
    assert page.status_code == 200
    assert f'src="{address}/page/1"' in page.text
    assert "润科精密 10" in page.text
    assert "润科精密 11" not in page.text
    assert "Pages 1 to 10 of 12" in page.text
    picture = client.get(f"{address}/page/1")
    assert picture.mimetype == "image/webp"
    assert Image.open(io.BytesIO(picture.data)).width == 1240
    assert Image.open(io.BytesIO(client.get(f"{address}/thumb/1").data)).width == 240
    assert client.get(f"{address}/page/13").status_code == 404


def test_further_pages_are_drawn_when_somebody_wants_them(client: Any) -> None:
    address = held(contract, "合同.pdf")
    page = client.get(f"{address}?page=11").text
    assert "The preview is being made" in page
    assert waiting() == []
    for _twice in range(2):
        assert client.post(f"{address}?page=11").status_code == 204
    assert len(waiting()) == 1
    read_all()
    page = client.get(f"{address}?page=12").text
    assert f'src="{address}/page/12"' in page
    assert "Pages 11 to 12 of 12" in page


def test_it_says_so_while_it_is_not_read_yet(client: Any) -> None:
    address = held(contract, "合同.pdf", read=False)
    page = client.get(address).text
    assert "The preview is being made" in page
    assert 'hx-trigger="load delay:2s"' in page
    client.post(address)
    assert len(waiting()) == 1, "it was asked for when it was filed"
    read_all()
    partial = client.get(address, headers={"HX-Request": "true", "HX-Target": "preview-pages"})
    assert "<html" not in partial.text
    assert f'src="{address}/page/1"' in partial.text


def test_a_picture_is_shown_as_one_that_we_made(client: Any) -> None:
    address = held(sample_files.picture, "厂房.png")
    assert f'src="{address}/page/1"' in client.get(address).text
    assert client.get(f"{address}/page/1").data.startswith(b"RIFF")


EVIL = '<p>正文</p><script>alert(1)</script><img src="https://example.com/x"><a href="javascript:1">x</a>'


@pytest.mark.parametrize(
    ("make", "name", "wanted"),
    [
        (
            lambda p: p.write_text("# 标题\n\n*润科*\n\n- [甲](x)\n- **乙**\n\n" * 3),
            "a.md",
            "<em>润科</em>",
        ),
        (lambda p: p.write_text("客户,金额\n润科,1\n上海,2\n"), "a.csv", "<td>润科</td>"),
        (lambda p: p.write_text("只是 <文字>\n"), "a.txt", "只是 &lt;文字&gt;"),
        (lambda p: p.write_text(f"<!doctype html><html>{EVIL}"), "a.html", "<p>正文</p>"),
        (lambda p: sample_files.mail(p, "关于合同", "x", EVIL), "a.eml", "关于合同"),
        (lambda p: sample_files.workbook(p, [["润科", 5]]), "a.xlsx", "<td>润科</td>"),
    ],
)
def test_text_is_laid_out_in_a_sandbox(
    client: Any, make: Callable[[Path], Any], name: str, wanted: str
) -> None:
    address = held(make, name)
    page = client.get(address).text
    assert (
        f'<iframe class="preview-text" sandbox referrerpolicy="no-referrer" src="{address}/text"'
        in page
    )
    answer = client.get(f"{address}/text")
    assert wanted in answer.text
    for wrong in ("<script", "javascript:", "https://", "<img", "onerror"):
        assert wrong not in answer.text
    rules = answer.headers["Content-Security-Policy"].split("; ")
    assert rules[0] == "sandbox"
    assert {"default-src 'none'", "frame-ancestors 'self'", "form-action 'none'"} <= set(rules)
    assert not any("script-src" in rule or "unsafe" in rule for rule in rules)
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_the_style_in_the_sandbox_is_the_one_that_is_allowed(client: Any) -> None:
    import base64
    import hashlib
    import re

    answer = client.get(held(lambda p: p.write_text("text\n"), "a.txt") + "/text")
    (style,) = re.findall(r"<style>(.*?)</style>", answer.text, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert f"'sha256-{digest}'" in answer.headers["Content-Security-Policy"]


def test_pictures_come_with_a_policy_of_their_own(client: Any) -> None:
    answer = client.get(held(contract, "a.pdf") + "/page/1")
    assert answer.headers["Content-Security-Policy"].startswith("sandbox; default-src 'none'")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "inline" in answer.headers["Content-Disposition"]


def test_a_document_of_an_office_is_shown_as_its_text(client: Any) -> None:
    address = held(lambda p: sample_files.word(p, "验收报告", "<b>x</b>"), "a.docx")
    page = client.get(address).text
    assert "验收报告" in page
    assert "&lt;b&gt;x&lt;/b&gt;" in page


def test_where_an_office_program_is_it_is_shown_as_pages_and_as_text(
    client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    @contextlib.contextmanager
    def as_pdf(_path: Path, _media_type: str, folder: Path) -> Iterator[Path]:
        yield sample_files.pdf(folder / "made.pdf", ["页一", "页二"])

    monkeypatch.setattr(office, "program", lambda: "/usr/bin/soffice")
    monkeypatch.setattr(office, "as_pdf", as_pdf)
    address = held(lambda p: sample_files.word(p, "验收报告"), "a.docx")
    assert "The preview is being made" in client.get(address).text
    assert "验收报告" in client.get(f"{address}?as=text").text
    client.post(address)
    read_all()
    page = client.get(address).text
    assert f'src="{address}/page/2"' in page
    assert f'href="{address}?as=text"' in page
    assert "验收报告" not in page, "the pages of the text are others"


@pytest.mark.parametrize(
    ("make", "name", "words"),
    [
        (lambda p: sample_files.pdf(p, ["x"], "pw"), "a.pdf", "protected by a password"),
        (lambda p: p.write_bytes(b"%PDF-1.4\nkaputt"), "a.pdf", "damaged"),
        (sample_files.endless_pdf, "a.pdf", None),
        (
            lambda p: p.write_bytes(b"PK\x05\x06" + b"\0" * 18),
            "a.zip",
            "An archive is kept as it is",
        ),
        (
            lambda p: p.write_text('<svg xmlns="http://www.w3.org/2000/svg"><script/></svg>'),
            "a.svg",
            "not read",
        ),
        (lambda p: p.write_bytes(b"\x89PNG\r\n\x1a\nkaputt"), "a.png", "damaged"),
    ],
)
def test_what_cannot_be_shown_says_why(
    client: Any, make: Callable[[Path], Any], name: str, words: str | None
) -> None:
    address = held(make, name)
    page = client.get(address)
    assert page.status_code == 200
    assert "/file/content" in page.text, "it can be downloaded all the same"
    if words is not None:
        assert words in page.text
        assert client.get(f"{address}/text").status_code == 404
        assert client.get(f"{address}/page/1").status_code == 404


EVERYTHING = {"*": dict.fromkeys(policy.ACTIONS, "all")}


def test_it_is_asked_at_each_preview_who_may_see_it(app: Any, browser: Any, client: Any) -> None:
    address = held(contract, "合同.pdf")
    give(app, "Sales", {"grants": EVERYTHING})
    reader = browser("sales")
    every = [address, f"{address}/page/1", f"{address}/thumb/1"]
    assert [reader.get(one).status_code for one in every] == [200, 200, 200]
    for access in ("masked", "hidden"):
        give(app, "Sales", {"grants": EVERYTHING, "fields": {"Leaf": {"content": access}}})
        assert [reader.get(one).status_code for one in every] == [404, 404, 404], access
        assert reader.post(address).status_code == 404
    give(app, "Sales", {"grants": {"*": dict.fromkeys(policy.ACTIONS, "own")}})
    assert [reader.get(one).status_code for one in every] == [404, 404, 404]
    give(app, "Sales", {"grants": EVERYTHING})
    record_id = int(address.split("/")[2])
    with policy.acting_as(factories.viewer("admin")), change_set("test") as changes:
        changes.trash(registry.current().entity("Leaf"), record_id)
    assert [reader.get(one).status_code for one in every] == [404, 404, 404]
    assert reader.post(address).status_code == 404
    give(app, "Sales", {"grants": {}})
    assert [reader.get(one).status_code for one in every] == [403, 403, 403]
    assert browser(None).get(f"{address}/page/1").status_code == 302


def test_a_field_that_is_no_file_has_no_preview(client: Any) -> None:
    address = held(contract, "合同.pdf")
    for name in ("name", "scan", "nothing", "__class__"):
        assert client.get(address.replace("content", name)).status_code == 404


def test_looking_at_a_file_is_in_the_audit_log(client: Any) -> None:
    address = held(contract, "合同.pdf")
    client.get(address)
    db.session.rollback()
    told = db.session.scalars(select(AuditEntry).where(AuditEntry.kind == "file.previewed"))
    assert [entry.entity for entry in told] == ["Leaf"]


def test_a_strange_page_number_shows_the_nearest(client: Any) -> None:
    address = held(contract, "合同.pdf")
    for number in ("0", "-1", "x", "99999999999", "１", "²"):
        assert client.get(f"{address}?page={number}").status_code == 200


# -- the search ------------------------------------------------------------------------------


def test_the_search_shows_the_passage(client: Any) -> None:
    address = held(lambda p: sample_files.pdf(p, ["无", "甲方 <润科> 公司"]), "a.pdf")
    page = client.get("/search?q=润科").text
    assert "甲方 &lt;<mark>润科</mark>&gt; 公司" in page
    assert f'href="{address}?page=2"' in page


def test_who_may_not_see_the_file_gets_no_hit_and_no_passage(app: Any, browser: Any) -> None:
    held(contract, "合同.pdf")
    give(app, "Sales", {"grants": EVERYTHING})
    assert "<mark>润科</mark>" in browser("sales").get("/search?q=润科").text
    for access in ("hidden", "masked"):
        give(app, "Sales", {"grants": EVERYTHING, "fields": {"Leaf": {"content": access}}})
        page = browser("sales").get("/search?q=润科").text
        assert "<mark>" not in page
        assert "合同.pdf" not in page
        assert "合同.pdf" in browser("sales").get("/search?q=合同").text


def test_the_text_of_a_document_is_found_where_the_document_is(client: Any) -> None:
    with policy.acting_as(factories.viewer("admin")):
        number = brought(
            lambda path: sample_files.word(path, "验收合格，交付润科使用"), "验收.docx"
        )
        record = factories.make("DocumentFile", name="验收.docx", content=number)
    read_all()
    page = client.get("/search?q=交付").text
    assert "<mark>交付</mark>润科使用" in page
    assert f'href="/document/{record.document_id}"' in page
    assert f'href="/document_file/{record.id}/preview/content"' in page
