"""Office files as pages, where an office program is installed; a stand-in for it says how it is asked."""

from __future__ import annotations

import shutil
import stat
import time
from pathlib import Path
from typing import Any

import psutil
import pytest

from app.engine import contents
from app.engine.adapters.storage import store
from app.engine.contents import asking, keeping, office, work
from app.engine.contents.models import path_of
from app.engine.query import Records
from app.engine.registry import current
from tests import sample_files as samples
from tests.reading_files import filed, read_all, waiting

PDF = "application/pdf"
INSTALLED = shutil.which("soffice") is not None


def stand_in(folder: Path, does: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A program called soffice on the PATH; where it was asked to put its PDF is $OUT."""
    program = folder / "soffice"
    find = 'while [ $# -gt 1 ]; do [ "$1" = --outdir ] && OUT="$2"; shift; done; SOURCE="$1"'
    program.write_text(f'#!/bin/sh\nALL="$*"\n{find}\n{does}\n')
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    return program


@pytest.fixture
def says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An office program that notes how it was asked, and makes two pages of anything."""
    pages = samples.pdf(tmp_path / "made.pdf", ["第一页 润科", "第二页"])
    note = f'echo "$ALL" > {tmp_path}/asked; env > {tmp_path}/env; cat "$HOME"/profile/user/* > {tmp_path}/profile'
    stand_in(tmp_path, f'{note}; cp {pages} "$OUT/file.pdf"', monkeypatch)
    return tmp_path


def made(path: Path, media_type: str, folder: Path) -> str | None:
    with office.as_pdf(path, media_type, folder) as pdf:
        return None if pdf is None else contents.read(pdf, PDF).pages[0]


def test_it_is_asked_in_a_profile_of_its_own_without_macros(says: Path, tmp_path: Path) -> None:
    path = samples.word(tmp_path / "a.docx", "x")
    assert made(path, samples.DOCX, tmp_path) == "第一页 润科"
    asked = (says / "asked").read_text()
    assert f"-env:UserInstallation=file://{tmp_path}/office/profile" in asked
    assert "--headless" in asked
    assert "a.docx" not in asked, "what people called it opens nothing"
    profile = (says / "profile").read_text()
    for name in ("DisableMacrosExecution", "DisableActiveContent", "BlockUntrustedRefererLinks"):
        assert f'oor:name="{name}" oor:op="fuse"><value>true' in profile
    told = {line.partition("=")[0] for line in (says / "env").read_text().splitlines()}
    assert told <= {"PATH", "HOME", "LANG", "PWD", "OLDPWD", "SHLVL", "_", "OUT", "SOURCE", "ALL"}
    assert not (tmp_path / "office").exists(), "nothing is left"


def test_only_files_of_an_office_are_given_to_it(says: Path, tmp_path: Path) -> None:
    path = samples.pdf(tmp_path / "a.pdf", ["x"])
    assert made(path, PDF, tmp_path) is None
    assert not (says / "asked").exists()


def test_one_that_hangs_is_ended_with_all_it_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand_in(tmp_path, f"sleep 77 & echo $! > {tmp_path}/child; wait", monkeypatch)
    monkeypatch.setattr(office, "SECONDS", 1)
    started = time.monotonic()
    assert made(samples.word(tmp_path / "a.docx", "x"), samples.DOCX, tmp_path) is None
    assert time.monotonic() - started < 10
    child = int((tmp_path / "child").read_text())
    assert not psutil.pid_exists(child) or psutil.Process(child).status() == "zombie"


def test_one_that_fails_leaves_the_text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stand_in(tmp_path, "exit 77", monkeypatch)
    assert made(samples.word(tmp_path / "a.docx", "x"), samples.DOCX, tmp_path) is None


@pytest.mark.skipif(not INSTALLED, reason="no LibreOffice here")
@pytest.mark.parametrize("name", ["docx", "xlsx", "pptx", "broken.docx"])
def test_libreoffice_itself(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    media_type = {"xlsx": samples.XLSX, "pptx": samples.PPTX}.get(name, samples.DOCX)
    if name == "docx":
        samples.word(path, "润科")
    elif name == "xlsx":
        samples.workbook(path, [["润科"]])
    elif name == "pptx":
        samples.slides(path, "润科")
    else:
        path.write_bytes(b"PK\x03\x04kaputt")
    found = made(path, media_type, tmp_path)
    assert found is None if name == "broken.docx" else found is not None and "润科" in found


# -- in the records --------------------------------------------------------------------------


@pytest.mark.once
def test_its_pages_are_made_when_somebody_first_looks(says: Path, as_admin: Any, sent: Any) -> None:
    record = filed(lambda p: samples.word(p, "验收报告"), "a.docx")
    read_all()
    known = keeping.about(record.content_id)
    assert known is not None
    assert known.pictures is None
    assert not (says / "asked").exists(), "the search need not wait for it"
    for _twice in range(2):
        asking.ask_to_draw(record.content_id, 0)
    assert len(waiting()) == 1
    read_all()
    known = keeping.about(record.content_id)
    assert known is not None
    assert (known.pictures, known.drawn, known.by_office) == (2, [0], True)
    sha256 = work.files.get(record.content_id).sha256
    assert store().paths(path_of(sha256, "x").rpartition("/")[0])


@pytest.mark.once
def test_what_only_an_office_program_reads_is_found_by_its_pages(
    says: Path, as_admin: Any, sent: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.engine.files.keeping.kind_of", lambda _file: "application/msword")
    record = filed(lambda p: p.write_bytes(b"\xd0\xcf\x11\xe0 old"), "a.doc")
    read_all()
    assert Records(current().entity("Leaf")).search("润科").ids(5) == [record.id]


@pytest.mark.once
def test_without_one_old_files_say_that_they_are_not_read(
    as_admin: Any, sent: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(office, "program", lambda: None)
    monkeypatch.setattr("app.engine.files.keeping.kind_of", lambda _file: "application/msword")
    record = filed(lambda p: p.write_bytes(b"\xd0\xcf\x11\xe0 old"), "a.doc")
    read_all()
    known = keeping.about(record.content_id)
    assert known is not None
    assert (known.problem, known.pictures) == ("kind", 0)
