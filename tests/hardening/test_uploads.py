"""What may be uploaded, under which name it is kept, and how it is given back."""

from __future__ import annotations

import io
import os
from typing import Any

import pytest
from flask import Flask
from hypothesis import given, strategies

from app.engine.adapters.database import db
from app.engine.adapters.storage import store
from app.engine.surfaces.imports.models import ImportRun
from app.engine.tables import safe_name
from app.engine.tables.names import LONGEST
from config import Settings

pytestmark = pytest.mark.once


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("客户名单.xlsx", "客户名单.xlsx"),
        ("../../etc/passwd", "passwd"),
        ("..\\..\\windows\\system.ini", "system.ini"),
        ("/absolute/名单.csv", "名单.csv"),
        ("C:\\Users\\x\\名单.csv", "名单.csv"),
        ("invoice\u202excl.exe", "invoicexcl.exe"),
        ("a\u200bb\ufeff.csv", "ab.csv"),
        ("a\0b\r\nSet-Cookie: x.csv", "ab Set-Cookie_ x.csv"),
        ("con.csv", "_con.csv"),
        ("NUL", "_NUL"),
        ("com1.tar.gz", "_com1.tar.gz"),
        ('a<b>"c|d?*.csv', "a_b__c_d__.csv"),
        ("...", "file"),
        ("", "file"),
        ("\u202e", "file"),
        (".htaccess", "htaccess"),
        ("  名单 .csv. ", "名单.csv"),
        ("x" * 400 + ".csv", "x" * (LONGEST - 4) + ".csv"),
        ("e\u0301.csv", "é.csv"),
    ],
)
def test_names_are_made_harmless(name: str, kept: str) -> None:
    assert safe_name(name) == kept


@given(strategies.text(max_size=400))
def test_any_name_becomes_one_that_every_system_takes(name: str) -> None:
    kept = safe_name(name)
    assert 0 < len(kept) <= LONGEST
    assert not set(kept) & set('/\\<>:"|?*\0\r\n')
    assert len(kept.encode()) < 255 * 2
    assert kept == kept.strip()
    assert kept not in (".", "..")
    assert safe_name(kept) == kept or kept.startswith("_")


def send(client: Any, content: bytes, name: str = "名单.csv", kind: str = "text/csv") -> Any:
    return client.post(
        "/import/customer", data={"file": (io.BytesIO(content), name, kind)}, follow_redirects=False
    )


def kept_runs() -> list[ImportRun]:
    return list(db.session.query(ImportRun).all())


@pytest.mark.parametrize(
    "content",
    [
        b"<html><script>alert(1)</script>",
        b"  \n<!-- x --><svg onload=alert(1)>",
        b"<script>alert(1)</script>",
        b"\x7fELF\x02\x01\x01" + b"\0" * 80,
        b"MZ\x90\x00" + b"\0" * 80,
        b"#!/bin/sh\nrm -rf /\n",
        b"%PDF-1.7\n",
        b"\x89PNG\r\n\x1a\n",
        b"PK\x05\x06" + b"\0" * 18,
        b"PK\x03\x04garbage",
        b"\xca\xfe\xba\xbe\0\0\0\x34",
        b"\x1f\x8b\x08\0\0\0",
        b"",
        bytes(range(256)) * 8,
        b"a,b\n\0\0\0\0,\0\n",
    ],
)
def test_what_is_no_table_is_refused_whatever_it_is_called(client: Any, content: bytes) -> None:
    for name, kind in (("名单.csv", "text/csv"), ("名单.xlsx", "application/vnd.ms-excel")):
        answer = send(client, content, name, kind)
        assert 400 <= answer.status_code < 500, (content[:10], answer.status)
    assert kept_runs() == []


def test_an_upload_is_kept_under_a_name_of_ours(client: Any, settings: Settings) -> None:
    answer = send(client, "公司名称\n润科\n".encode(), "../../x/\u202e名单 .csv")
    assert answer.status_code in (302, 303)
    (run,) = kept_runs()
    assert run.file_name == "名单.csv"
    assert run.file_path is not None
    assert run.file_path.startswith("imports/")
    assert "名单" not in run.file_path


def test_too_large_is_refused_before_it_is_read(client: Any, app: Any, monkeypatch: Any) -> None:
    monkeypatch.setitem(app.config, "MAX_CONTENT_LENGTH", 1000)
    answer = send(client, b"a,b\n" + b"1,2\n" * 1000)
    assert answer.status_code == 413
    assert kept_runs() == []


def test_many_parts_are_refused(client: Any) -> None:
    answer = client.post(
        "/import/customer",
        data={f"f{n}": "x" for n in range(3000)},
        content_type="multipart/form-data",
    )
    assert answer.status_code == 413


def test_a_file_is_given_out_from_its_beginning(app: Flask) -> None:
    """A web server sends it by its descriptor, which nobody may have moved."""
    content = bytes(range(256)) * 100
    store().save("exports/whole", io.BytesIO(content))
    with store().open("exports/whole") as file:
        descriptor = file.fileno()
        assert os.lseek(descriptor, 0, os.SEEK_CUR) == 0
        assert os.read(descriptor, len(content)) == content
