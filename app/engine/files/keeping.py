"""Contents in the store: each kept once, under its own hash, whole or not at all."""

from __future__ import annotations

import datetime
import hashlib
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import IO, BinaryIO, cast

from flask import current_app
from flask_babel import lazy_gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.engine import policy
from app.engine.adapters.database import db, in_turn, now, write_transaction
from app.engine.adapters.disk import full_disk_told
from app.engine.adapters.storage import FileGone, answering, store
from app.engine.errors import NotFound, ValueProblem
from app.engine.fields.file import size_text
from app.engine.files.detecting import kind_of
from app.engine.files.kinds import label_of
from app.engine.files.models import FOLDER, FileUpload, StoredFile, path_of
from app.engine.tables import safe_name

UNFINISHED = f"{FOLDER}/unfinished"
"""Where contents are written until their hash is known."""

USABLE = datetime.timedelta(days=1)
"""So long whoever brought a file may file it in a record."""


class TooLarge(ValueProblem):
    """The file is larger than files may be here."""

    status = 413

    def __init__(self) -> None:
        limit = current_app.config["STEWARD"].file_limit_mb
        super().__init__(_("The file is larger than %(limit)s MB.", limit=limit))


class _Counted:
    """A stream that is hashed and measured as it is read."""

    def __init__(self, source: IO[bytes], limit: int, tell: Callable[[int], None] | None) -> None:
        self._source, self._limit, self._tell = source, limit, tell
        self.digest = hashlib.sha256()
        self.size = 0

    def read(self, size: int = -1) -> bytes:
        found = self._source.read(size)
        self.digest.update(found)
        self.size += len(found)
        if self.size > self._limit:
            raise TooLarge
        if self._tell is not None and found:
            self._tell(self.size)
        return found


Note = Callable[[Session, StoredFile], None]
"""What is written down in the same transaction in which a content gets its row."""


def put(
    source: IO[bytes] | Path, name: str, on_progress: Callable[[int], None] | None = None
) -> StoredFile:
    """Keep a content; whoever acts may file it in a record from now on, for a day.

    Read as a stream. Raises ValueProblem for one that is empty, TooLarge, DiskFull.
    """
    if isinstance(source, Path):
        with source.open("rb") as opened:
            return put(opened, name, on_progress)

    def brought(session: Session, stored: StoredFile) -> None:
        session.add(_brought(stored, safe_name(name)))

    return keep(source, brought, on_progress)


def keep(
    source: IO[bytes], note: Note, on_progress: Callable[[int], None] | None = None
) -> StoredFile:
    """Keep a content, and note in the same transaction who may file it. Raises as `put`."""
    sha256, size, media_type, there = _write_down(source, on_progress)
    try:
        with full_disk_told(), write_transaction() as session:
            stored = _placed(session, there, sha256, size, media_type)
            note(session, stored)
        return stored
    finally:
        store().remove(there)


def _write_down(
    source: IO[bytes], on_progress: Callable[[int], None] | None
) -> tuple[str, int, str, str]:
    """Write the stream to a place of its own: its hash, size, kind, and where it is."""
    there = f"{UNFINISHED}/{uuid.uuid4().hex}"
    counted = _Counted(source, current_app.config["STEWARD"].file_limit, on_progress)
    with full_disk_told():
        store().write(there, cast(BinaryIO, counted))
    try:
        media_type = _looked_at(there, counted.size)
    except BaseException:
        store().remove(there)
        raise
    return counted.digest.hexdigest(), counted.size, media_type, there


def _looked_at(there: str, size: int) -> str:
    """The kind of what was written. Raises ValueProblem where it is nothing."""
    if not size:
        raise ValueProblem(_("The file is empty."))
    with store().open(there) as file, answering():
        return kind_of(file)


def _placed(session: Session, there: str, sha256: str, size: int, media_type: str) -> StoredFile:
    """The row of a content; it gets its place in the store unless it has it already.

    Of two that bring the same at once, and of the sweep, one after another.
    """
    in_turn(session, [path_of(sha256)])
    found = session.scalar(select(StoredFile).where(StoredFile.sha256 == sha256))
    if found is None or not store().has(path_of(sha256)):
        store().move(there, path_of(sha256))
    if found is None:
        found = StoredFile(sha256=sha256, size=size, media_type=media_type, created_at=now())
        session.add(found)
        session.flush()
    return found


def _brought(stored: StoredFile, name: str) -> FileUpload:
    """The note that lets whoever acts file it."""
    moment = now()
    return FileUpload(
        token=uuid.uuid4().hex,
        user_id=policy.current_viewer().user_id,
        name=name,
        size=stored.size,
        arrived=stored.size,
        created_at=moment,
        expires_at=moment + USABLE,
        stored_file_id=stored.id,
    )


def get(file_id: int) -> StoredFile:
    """A content by its number. Raises NotFound."""
    found: StoredFile | None = db.session.get(StoredFile, file_id)
    if found is None:
        raise NotFound(_("There is no such file."))
    return found


def brought_as(file_id: int) -> str:
    """What a file is called that whoever acts has brought, with its kind and size; else without a name."""
    statement = (
        select(StoredFile, FileUpload.name)
        .outerjoin(
            FileUpload,
            (FileUpload.stored_file_id == StoredFile.id)
            & (FileUpload.user_id == policy.current_viewer().user_id),
        )
        .where(StoredFile.id == file_id)
        .order_by(FileUpload.id.desc())
        .limit(1)
    )
    found = db.session.execute(statement).first()
    if found is None or found.name is None:
        return f"#{file_id}"
    return f"{found.name} ({label_of(found.StoredFile.media_type)}, {size_text(found.StoredFile.size)})"


def open_file(sha256: str) -> BinaryIO:
    """A content for reading, from any place in it. Raises FileGone, VaultClosed."""
    return store().open(path_of(sha256))


__all__ = ["FileGone", "TooLarge", "brought_as", "get", "keep", "open_file", "put"]
