"""What is in files: read and drawn by processes of their own, whatever the files do to them."""

from __future__ import annotations

import random
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from app.engine import contents
from app.engine.contents import Limits
from tests import sample_files as samples

PDF = "application/pdf"
FILES = Path(__file__).resolve().parents[1] / "files"


def text(path: Path, media_type: str) -> str:
    found = contents.read(path, media_type)
    assert found.problem is None
    return "\n".join(found.pages)


# -- what people have ------------------------------------------------------------------------


def test_a_pdf_is_read_by_its_pages(tmp_path: Path) -> None:
    path = samples.pdf(tmp_path / "a.pdf", ["润科公司的合同", "Second page"])
    found = contents.read(path, PDF)
    assert (found.count, found.paged, found.cut, found.problem) == (2, True, False, None)
    assert "润科公司的合同" in found.pages[0]
    assert "Second page" in found.pages[1]


def test_a_word_document_is_read_with_its_tables_and_headers(tmp_path: Path) -> None:
    path = samples.word(tmp_path / "a.docx", "验收报告", "Accepted on site.")
    found = text(path, samples.DOCX)
    assert found.index("验收报告") < found.index("Accepted on site.") < found.index("润科")
    assert "页眉 header" in found


def test_a_presentation_is_read_by_its_slides_with_their_notes(tmp_path: Path) -> None:
    path = samples.slides(tmp_path / "a.pptx", "年度计划", "Second")
    found = contents.read(path, samples.PPTX)
    assert found.count == 2
    assert found.paged
    assert "年度计划" in found.pages[0]
    assert "notes of Second" in found.pages[1]


def test_a_workbook_is_read_without_what_its_author_hid(tmp_path: Path) -> None:
    path = samples.workbook(tmp_path / "a.xlsx", [["客户", "金额"], ["润科", 1200.0]])
    found = text(path, samples.XLSX)
    assert "报价" in found
    assert "润科\t1200" in found
    assert "秘密" not in found
    (table,) = contents.show(path, samples.XLSX)
    assert table["table"] == [["客户", "金额"], ["润科", "1200"]]


@pytest.mark.parametrize(
    ("name", "media_type"),
    [
        ("sheets.ods", "application/vnd.oasis.opendocument.spreadsheet"),
        ("sheets.xls", "application/vnd.ms-excel"),
    ],
)
def test_older_workbooks_and_open_ones_are_read(name: str, media_type: str) -> None:
    assert text(FILES / name, media_type)


def test_open_documents_are_read(tmp_path: Path) -> None:
    body = (
        "<office:text><text:h>会议纪要</text:h><text:p>One<text:s text:c='2'/>two<text:tab/>three"
        "<text:line-break/>four <text:span>five</text:span>.</text:p></office:text>"
    )
    path = samples.open_document(tmp_path / "a.odt", samples.ODT, body)
    assert text(path, samples.ODT) == "会议纪要\nOne  two\tthree\nfour five."
    slides = (
        "<draw:page><text:p>First</text:p></draw:page><draw:page><text:p>Next</text:p></draw:page>"
    )
    path = samples.open_document(tmp_path / "a.odp", samples.ODP, slides)
    assert contents.read(path, samples.ODP).pages == ("First", "Next")


def test_a_web_page_is_read_as_people_see_it(tmp_path: Path) -> None:
    path = tmp_path / "a.html"
    html = "<head><style>p{}</style></head><script>evil()</script><p>润<b>科</b>公司</p><p>two</p>"
    path.write_bytes(html.encode("gb18030"))
    assert text(path, "text/html") == "润科公司\ntwo"


def test_a_mail_is_read_and_its_attachments_are_named(tmp_path: Path) -> None:
    path = samples.mail(tmp_path / "a.eml", "关于合同", "请查收。", "<p>请<b>查收</b>。</p>")
    found = text(path, "message/rfc822")
    assert found.splitlines()[:3] == ["关于合同", "王芳 <fang@example.com>", "li@example.com"]
    assert "请查收。" in found
    assert "合同.pdf" in found
    headers, body, attached = contents.show(path, "message/rfc822")
    assert headers["headers"][0] == ["Subject", "关于合同"]
    assert "<b>查收</b>" in body["html"]
    assert attached["attached"] == [["合同.pdf", "application/pdf"]]


def test_an_old_mail_in_gbk_without_a_word_of_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "a.eml"
    head = b"Subject: =?gb2312?B?" + b"uMTfTw==" + b"?=\nContent-Type: text/plain; charset=gb2312\n"
    path.write_bytes(head + b"Content-Transfer-Encoding: 8bit\n\n" + "镕基公司".encode("gbk"))
    assert "镕基公司" in text(path, "message/rfc822")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16", "utf-16-le"])
def test_text_is_read_in_every_encoding_that_an_import_knows(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes("Customer: 润科公司的合同，第一页\n".encode(encoding) * 40)
    assert "润科公司的合同，第一页" in text(path, "text/plain")


def test_rich_text_is_read(tmp_path: Path) -> None:
    path = tmp_path / "a.rtf"
    path.write_bytes(rb"{\rtf1\ansi\ansicpg936{\fonttbl{\f0\fcharset134 S;}}\f0 \'c8\'f3\'bf\'c6}")
    assert text(path, "application/rtf") == "润科"


def test_a_table_of_text_is_shown_as_a_table(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("客户;金额\n润科;1\n")
    assert contents.show(path, "text/csv") == [
        {"table": [["客户", "金额"], ["润科", "1"]], "name": "", "cut": False}
    ]


# -- what could act --------------------------------------------------------------------------


@pytest.mark.parametrize(
    "attack",
    [
        "<script>alert(1)</script>",
        '<img src=x onerror="alert(1)">',
        '<a href="javascript:alert(1)">x</a>',
        '<iframe src="https://example.com"></iframe>',
        '<form action="https://example.com"><input name=password></form>',
        '<p style="background:url(https://example.com)">x</p>',
        "<svg><script>alert(1)</script></svg>",
        '<meta http-equiv="refresh" content="0;url=https://example.com">',
        "<math><mtext></p><style><!--</style><img src onerror=alert(1)>",
    ],
)
@pytest.mark.parametrize("media_type", ["text/html", "text/markdown", "message/rfc822"])
def test_nothing_that_acts_or_loads_is_left(tmp_path: Path, media_type: str, attack: str) -> None:
    path = tmp_path / "a"
    if media_type == "message/rfc822":
        samples.mail(path, "s", "t", attack)
    else:
        path.write_text(attack)
    shown = "".join(part.get("html", "") for part in contents.show(path, media_type))
    # Markdown shows a tag as it was typed: what was `<` is there `&lt;`.
    tags = shown.replace("&lt;", "").lower() if media_type != "text/markdown" else ""
    for wrong in ("alert", "onerror", "javascript:", "example.com", "<form", "<input", "<meta"):
        assert wrong not in tags
    for wrong in ("<script", "<img", "<iframe", "<form", "<svg", "<a "):
        assert wrong not in shown.lower()


# -- what is wrong with files ----------------------------------------------------------------


def _locked_word(path: Path) -> Path:
    path.write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600)
    return path


def _other(content: bytes) -> Callable[[Path], Path]:
    def make(path: Path) -> Path:
        path.write_bytes(content)
        return path

    return make


def _locked_odt(path: Path) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("META-INF/manifest.xml", "<m><encryption-data/></m>")
        archive.writestr("content.xml", b"\x01\x02")
    return path


def _noise(path: Path) -> Path:
    path.write_bytes(b"%PDF-1.7\n" + random.Random(1).randbytes(300_000))
    return path


BAD: dict[str, tuple[Callable[[Path], Path], str, str]] = {
    "empty": (_other(b""), PDF, "empty"),
    "noise": (_noise, PDF, "damaged"),
    "cut": (_other(b"%PDF-1.4\n1 0 obj"), PDF, "damaged"),
    "behind a password": (lambda p: samples.pdf(p, ["secret"], "pw"), PDF, "encrypted"),
    "without end": (samples.endless_pdf, PDF, "no_text"),
    "without a word": (lambda p: samples.pdf(p, [""]), PDF, "no_text"),
    "a picture called PDF": (lambda p: samples.picture(p.with_suffix(".png")), PDF, "damaged"),
    "locked Word": (_locked_word, samples.DOCX, "encrypted"),
    "locked OpenDocument": (_locked_odt, samples.ODT, "encrypted"),
    "no Word": (_other(b"PK\x03\x04kaputt"), samples.DOCX, "damaged"),
    "entities of entities": (samples.entity_bomb, samples.DOCX, "damaged"),
    "archive": (_other(b"PK\x03\x04"), "application/zip", "archive"),
    "program": (_other(b"\x7fELF"), "application/x-executable", "kind"),
    "bytes called text": (_other(bytes(range(256)) * 40), "text/plain", "encoding"),
    "locked workbook": (lambda _p: FILES / "locked.xls", "application/vnd.ms-excel", "encrypted"),
}


@pytest.mark.parametrize("name", sorted(BAD))
def test_what_cannot_be_read_says_why(tmp_path: Path, name: str) -> None:
    make, media_type, code = BAD[name]
    found = contents.read(make(tmp_path / "file"), media_type)
    assert (found.problem, found.pages) == (code, ())
    assert contents.told(code)


@pytest.mark.parametrize("make", [samples.pdf_bomb, samples.word_bomb])
def test_what_unpacks_without_end_ends_within_its_limits(
    tmp_path: Path, make: Callable[[Path], Path]
) -> None:
    path = make(tmp_path / "bomb")
    assert path.stat().st_size < 1_000_000
    limits = Limits(seconds=1, memory=300 * 1024 * 1024)
    media_type = PDF if make is samples.pdf_bomb else samples.DOCX
    found = contents.read(path, media_type, limits)
    assert found.problem in ("too_long", "too_large", "damaged", "no_text")


def test_of_a_long_text_so_much_is_kept_as_is_promised(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("一段很长的文字。" * 10_000)
    found = contents.read(path, "text/plain", Limits(characters=20_000))
    assert found.cut
    assert sum(map(len, found.pages)) == 20_000
    path = samples.pdf(tmp_path / "a.pdf", ["one", "two", "three"])
    found = contents.read(path, PDF, Limits(pages=2))
    assert (found.pages, found.count, found.cut) == (("one", "two"), 3, True)


def test_signs_that_no_database_keeps_are_left_out(tmp_path: Path) -> None:
    path = tmp_path / "a.html"
    path.write_text("<p>a&#0;b&#xd800;c\x07d</p>" + "<p>plain</p>" * 20)
    found = text(path, "text/html")
    assert not set(found) & set("\x00\x07\ud800")


# -- pictures of pages -----------------------------------------------------------------------


def test_pages_are_drawn_in_two_sizes(tmp_path: Path) -> None:
    path = samples.pdf(tmp_path / "a.pdf", ["one", "two", "three"])
    folder = tmp_path / "drawn"
    folder.mkdir()
    said = contents.draw(path, PDF, [1, 3, 7], folder)
    assert (said.drawn, said.count, said.problem) == ([1, 3], 3, None)
    names = {file.name for file in folder.iterdir()}
    assert names == {"page-1.webp", "thumb-1.webp", "page-3.webp", "thumb-3.webp"}
    with Image.open(folder / "thumb-1.webp") as small, Image.open(folder / "page-1.webp") as large:
        assert (small.format, small.width, large.width) == ("WEBP", 240, 1240)


def test_a_picture_is_drawn_anew(tmp_path: Path) -> None:
    path = samples.picture(tmp_path / "a.png")
    path.write_bytes(path.read_bytes() + b"<script>alert(1)</script>")
    said = contents.draw(path, "image/png", [1], tmp_path)
    assert said.drawn == [1]
    assert b"script" not in (tmp_path / "page-1.webp").read_bytes()


def _huge(path: Path) -> Path:
    Image.new("1", (12_000, 12_000)).save(path, "PNG")
    return path


DRAWN_BADLY: dict[str, tuple[Callable[[Path], Path], str, str]] = {
    "144 megapixels": (_huge, "image/png", "too_large"),
    "no picture": (_other(b"\x89PNG\r\n\x1a\nkaputt"), "image/png", "damaged"),
    "a drawing with scripts": (_other(b"<svg/>"), "image/svg+xml", "kind"),
    "locked": (lambda p: samples.pdf(p, ["secret"], "pw"), PDF, "encrypted"),
    "noise": (_noise, PDF, "damaged"),
}


@pytest.mark.parametrize("name", sorted(DRAWN_BADLY))
def test_what_cannot_be_drawn_says_why(tmp_path: Path, name: str) -> None:
    make, media_type, code = DRAWN_BADLY[name]
    said = contents.draw(make(tmp_path / "file"), media_type, [1], tmp_path)
    assert (said.problem, said.drawn) == (code, [])
    assert contents.told(code)


def test_a_page_beyond_all_measure_is_drawn_small(tmp_path: Path) -> None:
    path = samples.raw_pdf(tmp_path / "a.pdf", "<</Type/Pages/Kids[3 0 R]/Count 1/X 1>>")
    path.write_bytes(path.read_bytes().replace(b"[0 0 200 200]", b"[0 0 9e9 200]"))
    said = contents.draw(path, PDF, [1], tmp_path)
    assert said.drawn == [1] or said.problem == "damaged"


def test_a_reader_is_told_nothing_of_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The process that opens a stranger's file is given no setting of the application's."""
    import subprocess

    given: list[dict[str, str]] = []
    start = subprocess.Popen

    def watched(*arguments: object, **named: object) -> object:
        given.append(named["env"])  # type: ignore[arg-type]
        return start(*arguments, **named)  # type: ignore[call-overload]

    monkeypatch.setenv("SECRET_KEY", "known to nobody")
    monkeypatch.setattr(subprocess, "Popen", watched)
    contents.read(samples.pdf(tmp_path / "a.pdf", ["x"]), PDF)
    assert set(given[0]) == {"PYTHONIOENCODING", "RUST_BACKTRACE", "PATH"}
