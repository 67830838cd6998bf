"""Stored files that may hold a person's data: exports, imported files, what schedules have put down.

A file is not changed: one that holds the person is taken away whole. Whoever keeps files says so here.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from flask_babel import lazy_gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.engine.adapters.storage import FileGone, store
from app.engine.job import Job
from app.engine.personal.terms import Finder

_CHUNK = 1024 * 1024
_OVERLAP = 4096
_TEXT = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]")
_OLE = b"\xd0\xcf\x11\xe0"
SCHEDULED = "scheduled"
"""The folder of the store in which schedules put files that stay."""


@dataclass(frozen=True)
class StoredFile:
    """A file of the store: its path, what people call it, and the entities that it is about."""

    path: str
    name: str
    what: Any
    entities: frozenset[str] = frozenset()
    forget: Callable[[Session], None] | None = None
    """Notes that it is gone, where a row says that it is there."""


Keeper = Callable[[Session], Iterable[StoredFile]]
_keepers: list[Keeper] = []


def keeper(function: Keeper) -> Keeper:
    """Registers somebody who keeps files; called with a session that sees everything."""
    if function not in _keepers:
        _keepers.append(function)
    return function


def stored_files(session: Session) -> Iterator[StoredFile]:
    """Every file that is kept."""
    for one in _keepers:
        yield from one(session)


def files_with(session: Session, finder: Finder, entities: frozenset[str]) -> list[StoredFile]:
    """Those that hold one of the words, or may, since no one can look into them."""
    if not finder:
        return []
    return [file for file in stored_files(session) if _holds(file, finder, entities)]


@keeper
def _of_jobs(session: Session) -> Iterator[StoredFile]:
    for job in session.scalars(select(Job).where(Job.result.is_not(None))):
        result = job.result or {}
        about = frozenset(str(part["entity"]) for part in result.get("parts") or ())
        if result.get("file"):
            name = str(result.get("name") or result["file"])
            yield StoredFile(str(result["file"]), name, _("File of a job"), about)


@keeper
def _of_schedules(_session: Session) -> Iterator[StoredFile]:
    from app.engine.registry import current

    keys = {definition.key: definition.name for definition in current().entities.values()}
    for path in store().paths(SCHEDULED):
        name = path.rpartition("/")[2]
        about = {keys[key] for key in keys if name.startswith(f"{key}-")}
        yield StoredFile(path, name, _("Export to a folder"), frozenset(about))


def _holds(file: StoredFile, finder: Finder, entities: frozenset[str]) -> bool:
    if finder.holds(file.name):
        return True
    pattern = finder.encoded()
    try:
        with store().local(file.path) as path:
            seen = _in_file(path, pattern)
    except FileGone:
        return False
    return bool(entities & file.entities) if seen is None else seen


def _in_file(path: Path, pattern: re.Pattern[bytes]) -> bool | None:
    """Whether it holds a word; None for a kind that can't be looked into."""
    with path.open("rb") as stream:
        head = stream.read(_OVERLAP)
        stream.seek(0)
        if head.startswith(b"PK\x03\x04"):
            return _in_archive(stream, pattern)
        if _in_stream(stream, pattern):
            return True
    closed = head.startswith((b"%PDF", _OLE)) or _TEXT.search(head.replace(b"\x00", b""))
    return None if closed else False


def _in_archive(stream: IO[bytes], pattern: re.Pattern[bytes]) -> bool | None:
    """An XLSX, an ODS or several files in one; archives inside it are looked into as well."""
    seen: bool | None = False
    with zipfile.ZipFile(stream) as archive:
        for name in archive.namelist():
            with archive.open(name) as member:
                found = (
                    _in_archive(member, pattern)
                    if name.endswith((".xlsx", ".ods", ".zip"))
                    else _in_stream(member, pattern)
                )
            if found:
                return True
            if found is None or name.endswith(".pdf"):
                seen = None
    return seen


def _in_stream(stream: IO[bytes], pattern: re.Pattern[bytes]) -> bool:
    kept = b""
    while part := stream.read(_CHUNK):
        if pattern.search(kept + part):
            return True
        kept = part[-_OVERLAP:]
    return False
