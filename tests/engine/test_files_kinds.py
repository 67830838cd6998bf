"""What a file is, found in its content; names that promise something else; encrypted ones read from any place."""

from __future__ import annotations

import io
import os
import struct
import zipfile
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.engine import files
from app.engine.adapters import vault
from app.engine.adapters.storage import store
from app.engine.files.detecting import kind_of
from app.engine.files.kinds import ENDINGS, FAMILIES, contradicts, fits, label_of, runs
from config import ROOT

pytestmark = pytest.mark.once

OFFICE = "application/vnd.openxmlformats-officedocument."
ODF = "application/vnd.oasis.opendocument."
MAIL = b"Received: from a by b\r\nFrom: a@example.org\r\nTo: b@example.org\r\nSubject: =?utf-8?B?5L2g?=\r\n\r\nx"


def archive(*names: str, first: tuple[str, str] | None = None) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as opened:
        if first:
            opened.writestr(zipfile.ZipInfo(first[0]), first[1])
        for name in names:
            opened.writestr(name, "x")
    return made.getvalue()


def open_document(kind: str) -> bytes:
    return archive("content.xml", first=("mimetype", f"{ODF}{kind}"))


def compound(*streams: str) -> bytes:
    """A file in Microsoft's older format, as far as its folder goes: two sectors of it, not side by side."""
    table = struct.pack("<4I", 0xFFFFFFFD, 3, 0xFFFFFFFE, 0xFFFFFFFE).ljust(512, b"\xff")
    names = [n.encode("utf-16-le") for n in ("Root Entry", "a", "b", "c", *streams)]
    entries = [n.ljust(64, b"\0") + struct.pack("<H", len(n) + 2) + b"\0" * 62 for n in names]
    entries += [b"\0" * 128] * (8 - len(entries))
    head = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1".ljust(30, b"\0") + struct.pack("<H", 9)
    head = head.ljust(48, b"\0") + struct.pack("<I", 1)
    head = head.ljust(76, b"\0") + struct.pack("<I", 0).ljust(4 * 109, b"\xff")
    return head + table + b"".join(entries[:4]) + b"\0" * 512 + b"".join(entries[4:])


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"%PDF-1.4\n%\xe2\xe3", "application/pdf"),
        (b"\r\n\r\n%PDF-1.7", "application/pdf"),
        (archive("[Content_Types].xml", "word/document.xml"), f"{OFFICE}wordprocessingml.document"),
        (archive("xl/workbook.xml", "[Content_Types].xml"), f"{OFFICE}spreadsheetml.sheet"),
        (archive("[Content_Types].xml", "ppt/x.xml"), f"{OFFICE}presentationml.presentation"),
        (archive("word/document.xml"), "application/zip"),
        (archive("a/b.txt", "报告.docx"), "application/zip"),
        (archive("OFD.xml", "Doc_0/Document.xml"), "application/ofd"),
        (b"PK\x03\x04broken", "application/zip"),
        (open_document("text"), f"{ODF}text"),
        (open_document("spreadsheet-template"), f"{ODF}spreadsheet"),
        (archive("x", first=("mimetype", "application/epub+zip")), "application/epub+zip"),
        (compound("WordDocument"), "application/msword"),
        (compound("Workbook"), "application/vnd.ms-excel"),
        (compound("PowerPoint Document"), "application/vnd.ms-powerpoint"),
        (compound("__properties_version1.0"), "application/vnd.ms-outlook"),
        (compound("EncryptedPackage"), "application/x-office-encrypted"),
        (compound("VisioDocument"), "application/x-ole-storage"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1cut", "application/x-ole-storage"),
        (b"\x89PNG\r\n\x1a\n", "image/png"),
        (b"\xff\xd8\xff\xe0", "image/jpeg"),
        (b"RIFF\0\0\0\0WEBP", "image/webp"),
        (b"\0\0\0\x18ftypheic", "image/heic"),
        (b"\0\0\0\x18ftypisom", "video/mp4"),
        (b"<svg xmlns='x'><script/></svg>", "image/svg+xml"),
        (b"<?xml version='1.0'?><!-- x --><svg>", "image/svg+xml"),
        (b"\xef\xbb\xbf<!DOCTYPE html><p>", "text/html"),
        (b"<?xml version='1.0'?><order/>", "application/xml"),
        ("姓名,电话\n王,1\n李,2\n".encode(), "text/csv"),
        ("姓名\t电话\n王\t1\n李\t2\n".encode("gb18030"), "text/csv"),
        ("姓名;电话\r\n王;1\r\n".encode("utf-16"), "text/csv"),
        ("# 标题\n\n- 一\n- 二\n".encode(), "text/markdown"),
        ("你好，世界。\n第二行。".encode("gbk"), "text/plain"),
        (b"Dear Sir, thank you, indeed, for all.\nIt was good, really, to hear.\n", "text/plain"),
        (MAIL, "message/rfc822"),
        (b"From here: on\nthere: was\nnothing: more\n", "text/plain"),
        (b"BEGIN:VCARD\nVERSION:3.0\n", "text/vcard"),
        (b"{\\rtf1 x}", "application/rtf"),
        (b"#!/usr/bin/env python\n", "text/x-script"),
        (b"MZ\x90\0\x03", "application/x-executable"),
        (b"\x7fELF\x02\x01", "application/x-executable"),
        (b"\x1f\x8b\x08", "application/gzip"),
        (b"Rar!\x1a\x07\x01", "application/x-rar-compressed"),
        (b"7z\xbc\xaf\x27\x1c", "application/x-7z-compressed"),
        (b"\0".ljust(257, b"\0") + b"ustar", "application/x-tar"),
        (bytes(range(256)), "application/octet-stream"),
    ],
)
def test_kinds(content: bytes, kind: str) -> None:
    assert kind_of(io.BytesIO(content)) == kind


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("sheets.xls", "application/vnd.ms-excel"),
        ("sheets.ods", f"{ODF}spreadsheet"),
        ("tickets.csv", "text/csv"),
    ],
)
def test_files_as_programs_write_them(name: str, kind: str) -> None:
    with (ROOT / "tests" / "files" / name).open("rb") as file:
        assert kind_of(file) == kind
    assert not contradicts(name, kind)


@settings(max_examples=200, deadline=None)
@given(
    st.binary(max_size=300),
    st.sampled_from([b"", b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"]),
)
def test_nothing_is_too_odd_to_have_a_kind(content: bytes, start: bytes) -> None:
    kind = kind_of(io.BytesIO(start + content))
    assert 0 < len(kind) <= 100
    assert label_of(kind)


def test_an_archive_with_an_endless_list_is_not_read() -> None:
    end = b"PK\x05\x06" + struct.pack("<4H2IH", 0, 0, 65535, 65535, 2**31, 0, 0)
    assert kind_of(io.BytesIO(b"PK\x03\x04" + b"\0" * 100 + end)) == "application/zip"


@pytest.mark.parametrize(
    ("name", "kind", "odd"),
    [
        ("合同.pdf", "application/pdf", False),
        ("合同.PDF", "application/zip", True),
        ("合同.docx", "application/zip", True),
        ("合同.zip", f"{OFFICE}wordprocessingml.document", False),
        ("表.csv", "text/plain", False),
        ("表.txt", "text/csv", False),
        ("说明.pdf", "text/plain", True),
        ("图.jpg", "image/png", True),
        ("没有后缀", "application/pdf", False),
        ("数据.xyz", "application/octet-stream", False),
    ],
)
def test_names_that_promise_something_else(name: str, kind: str, odd: bool) -> None:
    assert contradicts(name, kind) is odd


def test_every_family_has_kinds_and_programs_are_in_one_alone() -> None:
    for family in FAMILIES:
        found = [kind for kind in ENDINGS if fits(kind, [family])]
        assert found, family
        assert family == "program" or not any(runs("x", kind) for kind in found), family


@pytest.fixture
def closed() -> Iterator[None]:
    vault.use(("a key of at least thirty-two characters",))
    yield
    vault.use(())


@pytest.mark.parametrize("size", [1, 65_535, 65_536, 65_537, 131_072, 300_000])
def test_an_encrypted_file_is_read_from_any_place(as_admin: Any, closed: None, size: int) -> None:
    content = os.urandom(size)
    stored = files.put(io.BytesIO(content), "x.bin")
    with store()._as_it_is(stored.path) as raw:
        assert content[:100] not in raw.read() or size < 100
    with files.open_file(stored.sha256) as file:
        assert file.read() == content
        for at in {0, 1, size // 2, 65_536, size - 1, size, size + 9}:
            file.seek(at)
            assert file.read(70_000) == content[at : at + 70_000], at
        assert file.seek(0, io.SEEK_END) == size
        file.seek(-1, io.SEEK_END)
        assert file.read() == content[-1:]
