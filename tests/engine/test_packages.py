"""Archive packages: bags that others' tools accept, that prove themselves, and in which every change shows."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import random
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import bagit
import pytest
from flask import Flask

from app.engine.adapters.storage import store
from app.engine.archives import checking
from app.engine.archives.packing import NotPacked, Order, Package, Packed, Piece, pack
from app.engine.job import scratch

pytestmark = pytest.mark.once

PATH = "archives/one.zip"


def kept(content: bytes) -> tuple[str, str]:
    """A file in the store; its path and SHA-256."""
    sha = hashlib.sha256(content).hexdigest()
    path = f"files/{sha[:2]}/{sha[2:4]}/{sha}"
    store().save(path, io.BytesIO(content))
    return path, sha


def piece(name: str, content: bytes) -> Piece:
    path, sha = kept(content)
    return Piece(name, path, sha, len(content), {"version": 1, "name": name})


def order(*records: Packed) -> Order:
    def given() -> Iterator[Packed]:
        yield from records

    info = {"Source-Organization": "润科科技", "External-Identifier": "P-1"}
    return Order("P-1", info, {"number": "P-1", "fonds": "润科"}, given)


def two_records() -> Order:
    contract = [piece("合同 100%.pdf", b"contract" * 999), piece("合同 100%.pdf", b"other")]
    notes = [piece("../../etc/纪要\u202e.txt", b"minutes"), piece("empty", b"")]
    return order(
        Packed("F-HT-2026-Y-0001", {"number": "D1", "title": "=合同"}, contract),
        Packed("F-HT-2026-Y-0002", {"number": "D2", "title": "纪要"}, notes),
        Packed("F-HT-2026-Y-0003", {"number": "D3", "title": "无附件"}, []),
    )


@pytest.fixture(autouse=True)
def _empty_store(app: Flask) -> None:
    for path in store().paths("archives"):
        store().remove(path)


@pytest.fixture
def made(app: Flask) -> Package:
    return pack(two_records(), PATH)


def unpacked(folder: Path) -> Path:
    with store().open(PATH) as file, zipfile.ZipFile(file) as archive:
        archive.extractall(folder)
    return folder / "P-1"


def test_other_tools_accept_the_bag(made: Package, tmp_path: Path) -> None:
    folder = unpacked(tmp_path)
    bag = bagit.Bag(str(folder))
    bag.validate()
    assert bag.version_info == (1, 0)
    assert bag.info["Source-Organization"] == "润科科技"
    assert sorted(bag.payload_files()) == [
        "data/F-HT-2026-Y-0001/合同 100_ (2).pdf",
        "data/F-HT-2026-Y-0001/合同 100_.pdf",
        "data/F-HT-2026-Y-0002/empty",
        "data/F-HT-2026-Y-0002/纪要.txt",
    ]
    assert (made.records, made.files) == (3, 4)
    assert made.size == len(store().open(PATH).read())


def test_its_program_checks_it_with_python_alone(made: Package, tmp_path: Path) -> None:
    folder = unpacked(tmp_path)
    program = [sys.executable, "-I", str(folder / "verify.py")]
    done = subprocess.run(program, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "11 files, 0 findings\n")
    (folder / "data" / "F-HT-2026-Y-0002" / "纪要.txt").write_bytes(b"Minutes")
    done = subprocess.run(program, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "纪要.txt: was changed" in done.stdout


def test_what_is_known_goes_along_as_json_and_as_a_table(made: Package, tmp_path: Path) -> None:
    folder = unpacked(tmp_path)
    said = json.loads((folder / "metadata.json").read_text())
    assert said["package"] == {"number": "P-1", "fonds": "润科"}
    assert [one["number"] for one in said["records"]] == ["D1", "D2", "D3"]
    assert said["records"][0]["files"][1]["name"] == "合同 100%.pdf"
    rows = list(csv.DictReader((folder / "metadata.csv").open(encoding="utf-8-sig")))
    assert [row["number"] for row in rows] == ["D1", "D1", "D2", "D2", "D3"]
    assert rows[0]["title"] == "'=合同"


def test_made_again_it_is_the_same(made: Package) -> None:
    assert pack(two_records(), "archives/again.zip").seal == made.seal


def test_a_file_that_decayed_is_not_archived(app: Flask) -> None:
    asked = two_records()
    path, _sha = kept(b"minutes")
    store().save(path, io.BytesIO(b"Minutes"))
    with pytest.raises(NotPacked, match="纪要"):
        pack(asked, PATH)
    assert store().paths("archives") == []


def test_nothing_is_left_of_a_packing_that_was_stopped(app: Flask) -> None:
    def stop(_done: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        pack(two_records(), PATH, stop)
    assert store().paths("archives") == []
    assert scratch.sweep() == 0


def test_a_package_without_files_is_refused(app: Flask) -> None:
    with pytest.raises(NotPacked):
        pack(order(Packed("a", {}, [])), PATH)


Tamper = Callable[[Path], Any]


def _appended(name: str) -> Tamper:
    return lambda folder: (folder / name).write_bytes((folder / name).read_bytes() + b"\n")


def _manifest_rewritten(folder: Path) -> None:
    """A file changed, and the manifest made to fit."""
    file = folder / "data" / "F-HT-2026-Y-0002" / "纪要.txt"
    before = hashlib.sha256(file.read_bytes()).hexdigest()
    file.write_bytes(b"forged!")
    manifest = folder / "manifest-sha256.txt"
    after = hashlib.sha256(b"forged!").hexdigest()
    manifest.write_text(manifest.read_text().replace(before, after))


def _swapped(folder: Path) -> None:
    here = folder / "data" / "F-HT-2026-Y-0001"
    one, two = sorted(here.iterdir())
    content = one.read_bytes()
    one.write_bytes(two.read_bytes())
    two.write_bytes(content)


TAMPERING: dict[str, Tamper] = {
    "a file changed": _appended("data/F-HT-2026-Y-0002/纪要.txt"),
    "an empty file filled": _appended("data/F-HT-2026-Y-0002/empty"),
    "two files swapped": _swapped,
    "a file taken away": lambda folder: (folder / "data/F-HT-2026-Y-0002/纪要.txt").unlink(),
    "a file added": lambda folder: (folder / "data" / "more").write_bytes(b""),
    "a tag file added": lambda folder: (folder / "more.txt").write_bytes(b""),
    "a file made a link": lambda folder: _linked(folder / "data/F-HT-2026-Y-0002/纪要.txt"),
    "metadata changed": _appended("metadata.json"),
    "the table changed": _appended("metadata.csv"),
    "the program changed": _appended("verify.py"),
    "information changed": _appended("bag-info.txt"),
    "the version changed": _appended("bagit.txt"),
    "the manifest rewritten": _manifest_rewritten,
    "the manifest gone": lambda folder: (folder / "manifest-sha256.txt").unlink(),
    "the tag manifest gone": lambda folder: (folder / "tagmanifest-sha256.txt").unlink(),
    "the tag manifest emptied": lambda folder: (folder / "tagmanifest-sha256.txt").write_text(""),
}


def _linked(file: Path) -> None:
    beside = file.parents[3] / "elsewhere"
    shutil.move(file, beside)
    file.symlink_to(beside)


@pytest.mark.parametrize("what", TAMPERING)
def test_the_package_itself_shows(what: str, made: Package, tmp_path: Path) -> None:
    folder = unpacked(tmp_path)
    assert checking.check(checking.Folder(folder)) == []
    TAMPERING[what](folder)
    assert checking.check(checking.Folder(folder)) != []


def test_the_seal_shows_every_change_of_the_file_that_the_package_is(made: Package) -> None:
    """Any byte changed, cut or added: either the seal or the contents show it."""
    content = store().open(PATH).read()
    assert checking.seal_of(io.BytesIO(content)) == made.seal
    chance = random.Random(20260601)
    places = [*range(400), *(chance.randrange(len(content)) for _ in range(600))]
    places += range(len(content) - 60, len(content))
    forged = [_with_byte(content, place) for place in places]
    forged += [content[:-1], content + b"\0", b"\0" + content, content[: len(content) // 2], b""]
    assert [at for at, one in enumerate(forged) if not _shows(one, made.seal)] == []


def _with_byte(content: bytes, place: int) -> bytes:
    return content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :]


def _shows(content: bytes, seal: str) -> bool:
    file = io.BytesIO(content)
    try:
        if checking.seal_of(file) != seal:
            return True
        with zipfile.ZipFile(file) as archive:
            return checking.check(checking.Zipped(archive)) != []
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, EOFError):
        return True
