"""Taking away what nobody needs: uploads left alone, contents that no record has or ever had, leftovers.

A content stays while a record points at it, in the trash too; while the history of one could bring it
back; and for as long as whoever brought it may still file it.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Collection, Iterator

from sqlalchemy import ColumnElement, String, cast, exists, select, type_coerce
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, aliased

from app.engine import policy
from app.engine.adapters.database import Json, db, in_turn, now, write_transaction
from app.engine.adapters.storage import store
from app.engine.changes.models import PURGE, Change
from app.engine.fields import File
from app.engine.files import uploads
from app.engine.files.filing import file_fields
from app.engine.files.keeping import UNFINISHED
from app.engine.files.models import FileUpload, StoredFile, UploadPart
from app.engine.registry import EntityDefinition, current

OLD = datetime.timedelta(days=1)
"""Younger than this nothing is taken away: it may be on its way into a record."""

_AT_ONCE = 200

Forget = Callable[[str], None]
_forgetting: list[Forget] = []


def when_gone(function: Forget) -> Forget:
    """Registers who keeps something made of a content: called with its hash when that goes."""
    if function not in _forgetting:
        _forgetting.append(function)
    return function


def sweep_uploads() -> int:
    """Uploads past their time; how many."""
    with policy.unrestricted("uploads of everybody are swept") as session:
        past = select(FileUpload).where(FileUpload.expires_at < now()).limit(_AT_ONCE)
        found = session.scalars(past).all()
    for upload in found:
        uploads.drop(upload)
    return len(found)


def sweep_leftovers() -> int:
    """What killed processes have left half written; how many."""
    removed = 0
    for folder in (UNFINISHED, uploads.FOLDER):
        known = _parts() if folder == uploads.FOLDER else set()
        for path in store().paths(folder):
            written = None if path in known else store().written_at(path)
            if written is not None and written < now() - OLD:
                store().remove(path)
                removed += 1
    return removed


def _parts() -> set[str]:
    with policy.unrestricted("uploads of everybody are swept") as session:
        return set(session.scalars(select(UploadPart.path)))


def sweep_contents(on_progress: Callable[[int], None] | None = None) -> int:
    """Contents that nobody needs; how many."""
    removed, after = 0, 0
    while batch := _candidates(after):
        after = batch[-1]
        with policy.unrestricted("whoever may see it, a history needs its files") as session:
            needed = _in_history(session, batch)
        for file_id in batch:
            removed += file_id not in needed and _remove(file_id)
        if on_progress:
            on_progress(removed)
    return removed


def _candidates(after: int) -> list[int]:
    """The next contents that no record and no upload points at."""
    statement = (
        select(StoredFile.id)
        .where(StoredFile.id > after, StoredFile.created_at < now() - OLD, *_unused())
        .order_by(StoredFile.id)
        .limit(_AT_ONCE)
    )
    with policy.unrestricted("whoever may see it, a record needs its files") as session:
        return list(session.scalars(statement))


def _unused() -> Iterator[ColumnElement[bool]]:
    yield ~exists().where(FileUpload.stored_file_id == StoredFile.id)
    for definition, field in _every_field():
        yield ~exists().where(field.expression(definition.model) == StoredFile.id)


def _every_field() -> Iterator[tuple[EntityDefinition, File]]:
    for definition in current().entities.values():
        for field in file_fields(definition):
            yield definition, field


def _in_history(session: Session, ids: Collection[int]) -> set[int]:
    """Those that a history still tells of, except that of records which are gone for good."""
    wanted = [str(file_id) for file_id in ids]
    found: set[int] = set()
    for definition, field in _every_field():
        purged = aliased(Change)
        gone = exists().where(
            purged.entity == Change.entity,
            purged.record_id == Change.record_id,
            purged.kind == PURGE,
        )
        for column in (Change.before, Change.after):
            for name in (field.name, field.column_name):  # whole rows are kept by their columns
                kept = cast(type_coerce(column, Json)[name].as_string(), String)
                statement = select(kept).where(
                    Change.entity == definition.name, kept.in_(wanted), ~gone
                )
                found |= {int(value) for value in session.scalars(statement)}
    return found


def _remove(file_id: int) -> bool:
    """Take one away, unless somebody has come to need it meanwhile."""
    stored: StoredFile | None = db.session.get(StoredFile, file_id)
    if stored is None:
        return False
    try:
        with write_transaction() as session:
            in_turn(session, [stored.path])
            if not _still_unused(session, file_id):
                return False
            session.delete(session.get_one(StoredFile, file_id))
            session.flush()
            # Before the commit, so that who brings it anew meanwhile waits, and puts it back.
            store().remove(stored.path)
            for forget in _forgetting:
                forget(stored.sha256)
    except IntegrityError:
        return False
    return True


def _still_unused(session: Session, file_id: int) -> bool:
    statement = select(StoredFile.id).where(StoredFile.id == file_id, *_unused())
    with policy.unrestricted("whoever sees it, a record needs it", session.connection()) as all_of:
        return all_of.scalar(statement) is not None
