"""Packages: a bag (RFC 8493) of stored files with what is known of them, as one ZIP file in the store.

`bagit` makes the bag out of links to the stored files, in a process of its own, while their bytes go
into the package here; so a byte is read twice and written once. What it has hashed is compared with
what the store says before the package counts: a file that decayed is found before it is archived.
The package is there whole or not at all, and made again it is the same.
"""

from __future__ import annotations

import contextlib
import csv
import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flask_babel import lazy_gettext as _

from app.engine.adapters.storage import store
from app.engine.archives import checking
from app.engine.archives.zipping import Member, ZipStream
from app.engine.errors import StewardError
from app.engine.job import scratch
from app.engine.tables import safe_name
from app.engine.tables.marks import mark

_CHILD = Path(__file__).with_name("bag_child.py")
_WAIT = 600.0
"""Seconds that bagit may take once all bytes are copied."""

Progress = Callable[[int], None]


class NotPacked(StewardError):
    """The package could not be made: a stored file is not what it should be, or bagit failed."""


@dataclass(frozen=True)
class Piece:
    """A stored file: under which name it lies in its record's folder, and what it must be."""

    name: str
    source: str
    sha256: str
    size: int
    about: Mapping[str, Any]


@dataclass(frozen=True)
class Packed:
    """A record with its files. `folder`: its place under `data/`; `values` are those of the columns."""

    folder: str
    values: Mapping[str, Any]
    pieces: Sequence[Piece]


@dataclass(frozen=True)
class Order:
    """What a package is to hold. `info` is for `bag-info.txt`, `about` for the metadata."""

    name: str
    info: Mapping[str, str]
    about: Mapping[str, Any]
    records: Callable[[], Iterator[Packed]]


@dataclass(frozen=True)
class Package:
    """A package that is in the store."""

    path: str
    size: int
    seal: str
    records: int
    files: int


def pack(order: Order, path: str, progress: Progress = lambda _bytes: None) -> Package:
    """Put the package under `path` of the store. Raises NotPacked, FileGone, OSError.

    `progress` is told how many bytes of files have gone in; what it raises ends the packing.
    """
    with scratch.folder(small=True) as room, contextlib.ExitStack() as kept:
        laid = _Laid(room, kept)
        for one in order.records():
            laid.put(one)
        if not laid.expected:
            raise NotPacked(_("There is no file to be archived."))
        laid.describe(order)
        bagging = laid.begin(order.info)
        kept.callback(_ended, bagging)
        stream = ZipStream(laid.members(order.name, bagging, progress))
        size = store().save(path, stream)  # type: ignore[arg-type]
        return Package(path, size, stream.seal, laid.records, len(laid.expected))


class _Laid:
    """The bag's files, being laid out in a run's own folder: links where the store is one of files here."""

    def __init__(self, room: Path, kept: contextlib.ExitStack) -> None:
        self._kept = kept
        self._bag, self._tags, self._info = room / "bag", room / "tags", room / "info.json"
        self._bag.mkdir()
        self._tags.mkdir()
        self._places: dict[str, Path] = {}
        self._lines = self._tags / "lines"
        self.expected: dict[str, str] = {}
        self.records = 0

    def put(self, one: Packed) -> None:
        """A record's files, and a line of what is known of it."""
        files = []
        folder = self._bag / one.folder
        for name, piece in zip(_distinct(one.pieces), one.pieces, strict=True):
            place = self._kept.enter_context(store().local(piece.source))
            folder.mkdir(parents=True, exist_ok=True)
            (folder / name).symlink_to(place)
            path = f"{checking.PAYLOAD}{one.folder}/{name}"
            self._places[path], self.expected[path] = place, piece.sha256
            files.append({"path": path, "sha256": piece.sha256, "size": piece.size, **piece.about})
        with self._lines.open("a", encoding="utf-8") as lines:
            lines.write(_json({**one.values, "files": files}) + "\n")
        self.records += 1

    def describe(self, order: Order) -> None:
        """Write metadata and the program that checks it."""
        with (self._tags / checking.METADATA).open("w", encoding="utf-8") as file:
            file.write(f'{{"package": {_json(order.about)},\n"records": [')
            for number, line in enumerate(self._said()):
                file.write(("," if number else "") + f"\n{line}")
            file.write("\n]}\n")
        self._tabulate()
        self._lines.unlink(missing_ok=True)
        shutil.copyfile(checking.__file__, self._tags / checking.PROGRAM)

    def _said(self) -> Iterator[str]:
        if self._lines.exists():
            with self._lines.open(encoding="utf-8") as lines:
                yield from (line.rstrip("\n") for line in lines)

    def _tabulate(self) -> None:
        """The same as a table, a file a line; a record without files has a line too."""
        columns = dict.fromkeys(name for row in self._rows() for name in row)
        with (self._tags / checking.TABLE).open("w", encoding="utf-8-sig", newline="") as file:
            table = csv.DictWriter(file, list(columns))
            table.writeheader()
            for row in self._rows():
                table.writerow({name: _cell(value) for name, value in row.items()})

    def _rows(self) -> Iterator[dict[str, Any]]:
        for line in self._said():
            record: dict[str, Any] = json.loads(line)
            files: list[dict[str, Any]] = record.pop("files")
            yield from ({**record, **one} for one in files or [{}])

    def begin(self, info: Mapping[str, str]) -> subprocess.Popen[bytes]:
        """Start bagit on what was laid out."""
        self._info.write_text(json.dumps(dict(info)), encoding="utf-8")
        command = [sys.executable, str(_CHILD), str(self._bag), str(self._tags), str(self._info)]
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            env={"PYTHONIOENCODING": "utf-8", "PYTHONUTF8": "1"},
        )

    def members(
        self, name: str, bagging: subprocess.Popen[bytes], progress: Progress
    ) -> Iterator[Member]:
        """The files first, then what bagit has made of them, once it has."""
        done = 0
        for path, place in self._places.items():
            yield Member(f"{name}/{path}", place, True)
            done += place.stat().st_size
            progress(done)
        self._finish(bagging)
        for file in sorted(one for one in self._bag.iterdir() if one.is_file()):
            yield Member(f"{name}/{file.name}", file, False)

    def _finish(self, bagging: subprocess.Popen[bytes]) -> None:
        """Wait for bagit, and see that the files are what the store says they are."""
        try:
            _out, said = bagging.communicate(timeout=_WAIT)
        except subprocess.TimeoutExpired as error:
            raise NotPacked(_("The package could not be made: bagit did not end.")) from error
        if bagging.returncode:
            why = said.decode("utf-8", "replace").strip().rpartition("\n")[2][:300]
            raise NotPacked(_("The package could not be made: %(why)s", why=why))
        found = dict(_manifest(self._bag / checking.MANIFEST))
        wrong = [path for path, sha in self.expected.items() if found.get(path) != sha]
        if wrong or len(found) != len(self.expected):
            raise NotPacked(
                _(
                    "Stored files are not what they were when they were filed: %(files)s. "
                    "Bring them back from a backup first.",
                    files=", ".join(wrong[:5]),
                )
            )


def _manifest(path: Path) -> Iterator[tuple[str, str]]:
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            digest, _blank, name = line.rstrip("\n").partition("  ")
            yield name, digest


def _ended(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.kill()
    process.communicate()


def _distinct(pieces: Sequence[Piece]) -> list[str]:
    """Names that every file system takes, no two alike to any; a percent sign means something in manifests."""
    names: list[str] = []
    taken: set[str] = set()
    for piece in pieces:
        name = safe_name(piece.name).replace("%", "_")
        stem, dot, ending = name.rpartition(".")
        number, base = 1, name
        while name.casefold() in taken:
            number += 1
            name = f"{stem} ({number}){dot}{ending}" if dot and stem else f"{base} ({number})"
        taken.add(name.casefold())
        names.append(name)
    return names


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)


def _cell(value: Any) -> Any:
    if value is None:
        return ""
    if isinstance(value, str):
        return mark(value)
    return value if isinstance(value, int | float) else _json(value)
