#!/usr/bin/env python3
"""Checks an archive package with Python alone (3.9 or later): this file lies in each package as `verify.py`.

    python verify.py [PACKAGE]

PACKAGE is the folder of an unpacked package, or its ZIP file; without it, the folder that this file
lies in. Packages are bags as RFC 8493 describes them: `manifest-sha256.txt` says what each file under
`data/` must be, `tagmanifest-sha256.txt` what every other file must be; `metadata.json` says which
record each file belongs to. Exit code 0: everything is as it was; 1: something is not, one a line;
2: it can't be read at all.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import io
import json
import re
import sys
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, BinaryIO

MANIFEST, TAG_MANIFEST = "manifest-sha256.txt", "tagmanifest-sha256.txt"
METADATA, TABLE, PROGRAM = "metadata.json", "metadata.csv", "verify.py"
PAYLOAD = "data/"
CHUNK = 1024 * 1024

UNREADABLE, MISSING, EXTRA, CHANGED, DISAGREES = (
    "unreadable", "missing", "extra", "changed", "disagrees",
)  # fmt: skip

WORDS = {
    UNREADABLE: "cannot be read",
    MISSING: "is missing",
    EXTRA: "does not belong here",
    CHANGED: "was changed",
    DISAGREES: "does not agree with the rest",
}


@dataclass(frozen=True)
class Finding:
    """Something that is not as it should be."""

    what: str
    path: str

    def __str__(self) -> str:
        return f"{self.path}: {WORDS[self.what]}"


class Folder:
    """A package that was unpacked."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def names(self) -> list[str]:
        """Every file in it; what is no plain file is one that cannot be opened."""
        return sorted(
            one.relative_to(self._root).as_posix()
            for one in self._root.rglob("*")
            if one.is_symlink() or not one.is_dir()
        )

    def open(self, name: str) -> IO[bytes]:
        """Raises OSError."""
        path = self._root / name
        if path.is_symlink() or not path.is_file():
            raise OSError(f"not a plain file: {name}")
        return path.open("rb")


class Zipped:
    """A package as the ZIP file that is handed over: all of it under one folder."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive
        names = archive.namelist()
        tops = {name.partition("/")[0] for name in names}
        if len(tops) != 1 or len(set(names)) != len(names):
            raise zipfile.BadZipFile("not one folder, or a name twice")
        self._top = f"{tops.pop()}/"

    def names(self) -> list[str]:
        """Every file in it."""
        names = self._archive.namelist()
        return sorted(name[len(self._top) :] for name in names if not name.endswith("/"))

    def open(self, name: str) -> IO[bytes]:
        """Raises KeyError, zipfile.BadZipFile."""
        return self._archive.open(f"{self._top}{name}")


Package = Folder | Zipped if sys.version_info >= (3, 10) else Any


def check(package: Any) -> list[Finding]:
    """Everything that is not as the package itself says. Reads every byte once, at constant memory."""
    found: list[Finding] = []
    names = set(package.names())
    tags = _manifest(package, names, TAG_MANIFEST, found)
    payload = _manifest(package, names, MANIFEST, found)
    if tags is None or payload is None:
        return found
    expected = {**tags, **payload}
    found += [Finding(MISSING, name) for name in sorted(expected.keys() - names)]
    strangers = names - expected.keys() - {TAG_MANIFEST}
    found += [Finding(EXTRA, name) for name in sorted(strangers)]
    crossed = [name for name in payload if not name.startswith(PAYLOAD)]
    crossed += [name for name in tags if name.startswith(PAYLOAD)]
    found += [Finding(DISAGREES, name) for name in sorted(crossed)]
    sizes: dict[str, int] = {}
    for name in sorted(expected.keys() & names):
        try:
            with package.open(name) as file:
                digest, sizes[name] = digest_of(file)
        except _UNREADABLE:
            found.append(Finding(UNREADABLE, name))
            continue
        if digest != expected[name]:
            found.append(Finding(CHANGED, name))
    found += _metadata(package, names, payload)
    found += _oxum(package, names, sum(sizes.get(name, 0) for name in payload), len(payload))
    return found


def digest_of(file: Any) -> tuple[str, int]:
    """SHA-256 and size of a stream."""
    sha, size = hashlib.sha256(), 0
    while chunk := file.read(CHUNK):
        sha.update(chunk)
        size += len(chunk)
    return sha.hexdigest(), size


_UNREADABLE = (OSError, KeyError, ValueError, EOFError, NotImplementedError, RuntimeError,
               zipfile.BadZipFile)  # fmt: skip
_LINE = re.compile(r"([0-9a-f]{64}) [ *]?(.+)")


def _manifest(
    package: Any, names: set[str], name: str, found: list[Finding]
) -> dict[str, str] | None:
    """What a manifest says of each file; None where there is none that can be read."""
    if name not in names:
        found.append(Finding(MISSING, name))
        return None
    said: dict[str, str] = {}
    try:
        with package.open(name) as file:
            for line in io.TextIOWrapper(file, encoding="utf-8"):
                match = _LINE.fullmatch(line.rstrip("\r\n"))
                if match is None or match[2] in said:
                    found.append(Finding(UNREADABLE, name))
                    return None
                said[match[2]] = match[1]
    except _UNREADABLE:
        found.append(Finding(UNREADABLE, name))
        return None
    return said


def metadata_of(package: Any) -> dict[str, Any]:
    """What the package says of its records. Raises what reading it raises."""
    with package.open(METADATA) as file:
        return dict(json.load(io.TextIOWrapper(file, encoding="utf-8")))


def _metadata(package: Any, names: set[str], payload: dict[str, str]) -> Iterator[Finding]:
    """Whether the records' files are those of the manifest."""
    if METADATA not in names:
        yield Finding(MISSING, METADATA)
        return
    try:
        records = metadata_of(package)["records"]
        said = {file["path"]: file["sha256"] for one in records for file in one["files"]}
    except (*_UNREADABLE, TypeError):
        yield Finding(UNREADABLE, METADATA)
        return
    for path in sorted(said.keys() | payload.keys()):
        if said.get(path) != payload.get(path):
            yield Finding(DISAGREES, path)


def _oxum(package: Any, names: set[str], size: int, count: int) -> Iterator[Finding]:
    """Whether bytes and files are as many as the bag's information says."""
    name = "bag-info.txt"
    if name not in names:
        yield Finding(MISSING, name)
        return
    try:
        with package.open(name) as file:
            text = io.TextIOWrapper(file, encoding="utf-8").read()
    except _UNREADABLE:
        return  # said already
    match = re.search(r"^Payload-Oxum: (\d+)\.(\d+)$", text, re.MULTILINE)
    if match is None or (int(match[1]), int(match[2])) != (size, count):
        yield Finding(DISAGREES, name)


# -- the seal --------------------------------------------------------------------------------


def seal_of(file: BinaryIO) -> str:
    """The SHA-256 of all of a package's ZIP file but the contents under `data/`.

    Manifests are part of it, and they hold the SHA-256 of those contents: it vouches for every byte,
    though no more than the payload's hashes had to be worked out. Raises zipfile.BadZipFile.
    """
    with zipfile.ZipFile(file) as archive:
        spans = [_span(file, one) for one in archive.infolist() if _is_payload(one.filename)]
    sha, place = hashlib.sha256(), 0
    file.seek(0)
    for start, end in sorted(spans):
        if start < place:
            raise zipfile.BadZipFile("files lie over one another")
        _hash_up_to(file, sha, start - place)
        file.seek(end)
        place = end
    _hash_up_to(file, sha, None)
    return sha.hexdigest()


def _is_payload(name: str) -> bool:
    return name.partition("/")[2].startswith(PAYLOAD)


def _span(file: BinaryIO, one: zipfile.ZipInfo) -> tuple[int, int]:
    """Where a file's content lies; it is stored as it is."""
    file.seek(one.header_offset)
    head = file.read(30)
    if len(head) != 30 or head[:4] != b"PK\x03\x04" or one.compress_type != zipfile.ZIP_STORED:
        raise zipfile.BadZipFile(f"not as it was written: {one.filename}")
    start = one.header_offset + 30
    start += int.from_bytes(head[26:28], "little") + int.from_bytes(head[28:30], "little")
    return start, start + one.compress_size


def _hash_up_to(file: BinaryIO, sha: Any, count: int | None) -> None:
    while count is None or count > 0:
        chunk = file.read(CHUNK if count is None else min(CHUNK, count))
        if not chunk:
            if count is not None:
                raise zipfile.BadZipFile("cut off")
            return
        sha.update(chunk)
        if count is not None:
            count -= len(chunk)


# -- the program -----------------------------------------------------------------------------


@contextlib.contextmanager
def opened(path: Path) -> Iterator[Any]:
    """The package at that place. Raises OSError, zipfile.BadZipFile."""
    if path.is_dir():
        yield Folder(path)
        return
    with zipfile.ZipFile(path) as archive:
        yield Zipped(archive)


def main(arguments: list[str] | None = None) -> int:
    """The program; returns its exit code."""
    line = argparse.ArgumentParser(description="Check an archive package.")
    line.add_argument("package", type=Path, nargs="?", default=Path(__file__).resolve().parent)
    given = line.parse_args(arguments)
    try:
        with opened(given.package) as package:
            found = check(package)
            number = len(package.names())
    except (OSError, zipfile.BadZipFile) as error:
        print(f"cannot be read: {error}", file=sys.stderr)
        return 2
    for finding in found:
        print(finding)
    print(f"{number} files, {len(found)} findings")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
