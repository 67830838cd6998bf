"""Files sent in parts: begun, gone on with after a cut, put together, given up, forgotten in time.

Each part is in the store before it counts, so that any process on any host can go on with the next.
"""

from __future__ import annotations

import datetime
import io
import uuid
from collections.abc import Iterator, Sequence
from typing import IO, Any, cast

from flask import current_app
from flask_babel import lazy_gettext as _
from sqlalchemy import delete, func, or_, select, update
from sqlalchemy.orm import Session
from werkzeug.exceptions import ClientDisconnected

from app.engine import policy
from app.engine.adapters.database import db, now, write_transaction
from app.engine.adapters.disk import DiskFull, full_disk_told
from app.engine.adapters.storage import answering, store
from app.engine.errors import NotAllowed, NotFound, StewardError, ValueProblem
from app.engine.files.filing import file_fields
from app.engine.files.keeping import USABLE, TooLarge, get, keep
from app.engine.files.models import FileUpload, StoredFile, UploadPart
from app.engine.registry import current
from app.engine.tables import safe_name

FOLDER = "uploads"
"""Of the store: parts of what is being sent."""

MOST_OPEN = 200
"""So many files a person may be sending at once."""

MOST_BYTES = 10
"""So many times the largest file those may come to together."""

_SPARE = 10_000_000
_PUTTING_TOGETHER = datetime.timedelta(minutes=15)
"""After so long whoever put the parts together is taken for dead."""


class Elsewhere(StewardError):
    """What comes does not join on to what has come: another has sent this part, or is at it."""

    status = 409

    def __init__(self, message: Any = None) -> None:
        super().__init__(message or _("This part of the file was sent already, or one is missing."))


class Expired(StewardError):
    """The upload was left alone for too long."""

    status = 410

    def __init__(self) -> None:
        super().__init__(_("This upload was left alone for too long. Send the file again."))


def may_upload(viewer: policy.Viewer) -> bool:
    """Whether there is any record that they might file something in."""
    return any(
        policy.access(definition, field, viewer) == "write"
        and (viewer.can(definition.name, "create") or viewer.can(definition.name, "update"))
        for definition in current().entities.values()
        for field in file_fields(definition)
    )


def begin(name: str, size: int) -> FileUpload:
    """Announce a file. Raises NotAllowed, ValueProblem, TooLarge, DiskFull."""
    viewer = policy.current_viewer()
    if viewer.user_id is None or not may_upload(viewer):
        raise NotAllowed
    settings: Any = current_app.config["STEWARD"]
    if size < 1:
        raise ValueProblem(_("The file is empty."))
    if size > settings.file_limit:
        raise TooLarge
    free = store().free()
    if free is not None and free < 2 * size + _SPARE:  # the parts, and the whole made of them
        raise DiskFull
    moment = now()
    with write_transaction() as session:
        _refuse_many(session, viewer.user_id, size, settings.file_limit)
        upload = FileUpload(
            token=uuid.uuid4().hex,
            user_id=viewer.user_id,
            name=safe_name(name),
            size=size,
            arrived=0,
            created_at=moment,
            expires_at=moment + USABLE,
        )
        session.add(upload)
    return upload


def _refuse_many(session: Session, user_id: int, size: int, limit: int) -> None:
    statement = select(func.count(), func.coalesce(func.sum(FileUpload.size), 0)).where(
        FileUpload.user_id == user_id, FileUpload.stored_file_id.is_(None)
    )
    count, total = session.execute(statement).one()
    if count >= MOST_OPEN or total + size > MOST_BYTES * limit:
        raise ValueProblem(_("You are sending many files already: let some of them arrive first."))


def find(token: str) -> FileUpload:
    """An upload of whoever acts. Raises NotFound alike for another's, Expired."""
    statement = select(FileUpload).where(
        FileUpload.token == token[:32], FileUpload.user_id == policy.current_viewer().user_id
    )
    found: FileUpload | None = db.session.scalar(
        statement, execution_options={"populate_existing": True}
    )
    if found is None or found.user_id is None:
        raise NotFound(_("There is no such upload."))
    if found.expires_at < now():
        raise Expired
    return found


def take(upload: FileUpload, begins_at: int, source: IO[bytes]) -> int:
    """Keep a part; up to where the file has come then. What a cut left of the part counts.

    Raises Elsewhere, DiskFull, TooLarge for more than was announced.
    """
    if begins_at != upload.arrived or upload.stored_file_id is not None:
        raise Elsewhere
    path = f"{FOLDER}/{upload.token}/{begins_at:013}-{uuid.uuid4().hex[:8]}"
    part = _UntilCut(source, upload.size - begins_at)
    with full_disk_told():
        size = store().save(path, part)  # type: ignore[arg-type]
    if not size:
        store().remove(path)
        return begins_at
    try:
        _note_part(upload, begins_at, size, path)
    except BaseException:
        store().remove(path)
        raise
    return begins_at + size


class _UntilCut:
    """A request's body, which ends where the line broke. Raises TooLarge behind what was announced."""

    def __init__(self, source: IO[bytes], left: int) -> None:
        self._source, self._left = source, left

    def read(self, size: int = -1) -> bytes:
        wanted = self._left + 1 if size < 0 else min(size, self._left + 1)
        try:
            found = self._source.read(wanted)
        except (OSError, ClientDisconnected):  # the other end has gone
            return b""
        self._left -= len(found)
        if self._left < 0:
            raise TooLarge
        return found


def _note_part(upload: FileUpload, begins_at: int, size: int, path: str) -> None:
    moment = now()
    with full_disk_told(), write_transaction() as session:
        moved = session.execute(
            update(FileUpload)
            .where(FileUpload.id == upload.id, FileUpload.arrived == begins_at)
            .values(arrived=begins_at + size, expires_at=moment + USABLE),
            execution_options={"synchronize_session": False},
        )
        if getattr(moved, "rowcount", 0) != 1:
            raise Elsewhere
        part = UploadPart(upload_id=upload.id, begins_at=begins_at, size=size, path=path)
        session.add(part)


# -- put together --------------------------------------------------------------------------


def finish(upload: FileUpload) -> StoredFile:
    """Put the parts together; done before, it gives what came of it.

    Raises Elsewhere while some are missing or another is at it, ValueProblem, DiskFull.
    """
    if upload.stored_file_id is not None:
        return get(upload.stored_file_id)
    if upload.arrived != upload.size:
        raise Elsewhere(_("Not all of the file has arrived yet."))
    _claim(upload)
    parts = _parts(upload)
    try:
        stored = keep(
            cast(IO[bytes], _Joined(parts)), lambda session, one: _note_whole(session, upload, one)
        )
    except BaseException:
        db.session.rollback()
        _give_back(upload)
        raise
    _forget_parts(upload.id, parts)
    return stored


def _claim(upload: FileUpload) -> None:
    moment = now()
    free = or_(FileUpload.claimed_at.is_(None), FileUpload.claimed_at < moment - _PUTTING_TOGETHER)
    with write_transaction() as session:
        claimed = session.execute(
            update(FileUpload)
            .where(FileUpload.id == upload.id, FileUpload.stored_file_id.is_(None), free)
            .values(claimed_at=moment, expires_at=moment + USABLE),
            execution_options={"synchronize_session": False},
        )
    if getattr(claimed, "rowcount", 0) != 1:
        raise Elsewhere(_("The file is being put together; ask again in a moment."))


def _give_back(upload: FileUpload) -> None:
    with write_transaction() as session:
        session.execute(
            update(FileUpload).where(FileUpload.id == upload.id).values(claimed_at=None),
            execution_options={"synchronize_session": False},
        )


def _note_whole(session: Session, upload: FileUpload, stored: StoredFile) -> None:
    session.execute(
        update(FileUpload)
        .where(FileUpload.id == upload.id)
        .values(stored_file_id=stored.id, claimed_at=None, expires_at=now() + USABLE),
        execution_options={"synchronize_session": False},
    )


def _parts(upload: FileUpload) -> Sequence[UploadPart]:
    """Every part in its order. Raises NotFound where one is missing."""
    statement = (
        select(UploadPart).where(UploadPart.upload_id == upload.id).order_by(UploadPart.begins_at)
    )
    parts = list(db.session.scalars(statement))
    at = 0
    for part in parts:
        if part.begins_at != at:
            break
        at += part.size
    if at != upload.size:
        raise NotFound(_("There is no such upload."))
    return parts


class _Joined(io.RawIOBase):
    """The parts one after another, as one stream."""

    def __init__(self, parts: Sequence[UploadPart]) -> None:
        self._pieces = self._read(parts)
        self._rest = b""

    @staticmethod
    def _read(parts: Sequence[UploadPart]) -> Iterator[bytes]:
        for part in parts:
            with store().open(part.path) as file, answering():
                while piece := file.read(io.DEFAULT_BUFFER_SIZE * 32):
                    yield piece

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if not self._rest:
            self._rest = next(self._pieces, b"")
        count = min(len(buffer), len(self._rest))
        buffer[:count], self._rest = self._rest[:count], self._rest[count:]
        return count


# -- given up ------------------------------------------------------------------------------


def drop(upload: FileUpload) -> None:
    """Forget an upload with what has come of it; what it became stays, if a record has it."""
    parts = list(db.session.scalars(select(UploadPart).where(UploadPart.upload_id == upload.id)))
    with write_transaction() as session:
        session.execute(delete(UploadPart).where(UploadPart.upload_id == upload.id))
        session.execute(delete(FileUpload).where(FileUpload.id == upload.id))
    for part in parts:
        store().remove(part.path)


def _forget_parts(upload_id: int, parts: Sequence[UploadPart]) -> None:
    with write_transaction() as session:
        session.execute(delete(UploadPart).where(UploadPart.upload_id == upload_id))
    for part in parts:
        store().remove(part.path)
