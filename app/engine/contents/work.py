"""What the jobs do: read a file, lay it out, draw its first pages, and tell the search of it."""

from __future__ import annotations

import io
import zlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import orjson
from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from app.engine import files, indexing, policy, registry
from app.engine.adapters.database import db, now, write_transaction
from app.engine.adapters.storage import store
from app.engine.contents import office
from app.engine.contents.keeping import SHOWN, forget, pack, unread
from app.engine.contents.kinds import OFFICE, PDF, drawer_of, reader_of
from app.engine.contents.models import FileContents, path_of
from app.engine.contents.reading import VERSION, Contents, draw, read, show
from app.engine.contents.running import LIMITS, Said
from app.engine.files import StoredFile
from app.engine.files.sweeping import when_gone
from app.engine.job import scratch
from app.engine.search import taken_apart

BATCH = 10
"""Pages drawn by one job."""

MOST_DRAWN = 1000
"""Of a file so many pages can be looked at as pictures; its text goes on."""

MADE_OF_IT = "office.pdf"

Hold = Callable[[Session], None]

when_gone(forget)


def read_file(file_id: int, hold: Hold) -> dict[str, Any]:
    """Read a stored file, unless this version has, and write the search entries of what holds it."""
    with policy.acting_as(policy.SYSTEM_VIEWER):
        known: dict[str, Any] = {}
        if unread(db.session(), [file_id]):
            known = _known(files.get(file_id))
        with write_transaction() as session:
            hold(session)
            if known:
                row = session.get(FileContents, file_id) or FileContents(file_id=file_id)
                _set(row, known)
                session.add(row)
                session.flush()
        return {"problem": known.get("problem"), "entries": _index(file_id, hold)}


def draw_batch(file_id: int, batch: int, hold: Hold) -> dict[str, Any]:
    """Draw a batch of pages, unless it is there; of an office's file they are made first."""
    with policy.acting_as(policy.SYSTEM_VIEWER):
        row = db.session.get(FileContents, file_id)
        if row is None or batch in row.drawn:
            return {"drawn": 0}
        stored, made = files.get(file_id), row.pictures is None
        if made:
            said = _drawn_by_office(stored)
            known = _pictures(said, by_office=bool(said.drawn))
        else:
            said = _drawn_again(stored, row, batch)
            known = {"drawn": sorted({*row.drawn, batch})}
        with write_transaction() as session:
            hold(session)
            row = session.get_one(FileContents, file_id, with_for_update=True)
            if not made:
                known["drawn"] = sorted({*row.drawn, batch})
            _set(row, known)
        return {"drawn": len(said.drawn)}


def outdated(limit: int) -> list[int]:
    """Files that records may hold and that nobody has read, or only earlier readers, oldest first."""
    statement = (
        select(StoredFile.id)
        .outerjoin(FileContents, FileContents.file_id == StoredFile.id)
        .where(or_(FileContents.file_id.is_(None), FileContents.version != VERSION))
        .order_by(StoredFile.id)
        .limit(limit)
    )
    return list(db.session.scalars(statement))


# -- one file --------------------------------------------------------------------------------


def _set(row: FileContents, known: Mapping[str, Any]) -> None:
    for name, value in known.items():
        setattr(row, name, value)


def _known(stored: StoredFile) -> dict[str, Any]:
    """Everything that is kept of a file, by column; the pictures are put into the store."""
    media_type = stored.media_type
    if stored.size > LIMITS.file_bytes:
        return _read(Contents(problem="too_large")) | _pictures(Said())
    if media_type in OFFICE and reader_of(media_type) is None:
        return _known_by_office(stored)
    with store().local(stored.path) as path:
        text = read(path, media_type)
        parts = show(path, media_type)
        if parts:
            store().save(path_of(stored.sha256, SHOWN), io.BytesIO(orjson.dumps(parts)))
        said = Said()
        if drawer_of(media_type) is not None:
            said = _drawn(stored, path, media_type, 0)
    known = _read(text, bool(parts)) | _pictures(said)
    if media_type in OFFICE and text.problem in (None, "no_text") and office.program():
        known["pictures"] = None
    return known


def _known_by_office(stored: StoredFile) -> dict[str, Any]:
    """Of a kind that only the office program reads: of the pages that it makes."""
    said = _drawn_by_office(stored)
    if not said.drawn:
        return _read(Contents(problem=said.problem or "kind")) | _pictures(Said())
    with store().local(path_of(stored.sha256, MADE_OF_IT)) as made:
        return _read(read(made, PDF)) | _pictures(said, by_office=True)


def _read(text: Contents, shown: bool = False) -> dict[str, Any]:
    words = taken_apart(text.pages)
    return {
        "version": VERSION,
        "read_at": now(),
        "problem": text.problem,
        "paged": text.paged,
        "cut": text.cut,
        "searched_whole": words.whole and not text.cut,
        "text": pack(text.pages) if text.pages else None,
        "words": zlib.compress(words.words.encode()) if words.words else None,
        "shown": shown,
    }


# -- pictures --------------------------------------------------------------------------------


def _pictures(said: Said, by_office: bool = False) -> dict[str, Any]:
    return {
        "pictures": min(said.count or 0, MOST_DRAWN) if said.drawn else 0,
        "drawn": [0] if said.drawn else [],
        "draw_problem": said.problem,
        "by_office": by_office,
    }


def _drawn_by_office(stored: StoredFile) -> Said:
    """Have the office program make pages of a file; they are kept as a PDF, and the first drawn."""
    with (
        scratch.folder() as folder,
        store().local(stored.path) as path,
        office.as_pdf(path, stored.media_type, folder) as made,
    ):
        if made is None:
            return Said()
        store().save(path_of(stored.sha256, MADE_OF_IT), made)
        return _drawn(stored, made, PDF, 0)


def _drawn_again(stored: StoredFile, row: FileContents, batch: int) -> Said:
    """Draw further pages of a file."""
    if not 0 <= batch * BATCH < (row.pictures or 0):
        return Said()
    path = path_of(stored.sha256, MADE_OF_IT) if row.by_office else stored.path
    with store().local(path) as local:
        return _drawn(stored, local, PDF if row.by_office else stored.media_type, batch)


def _drawn(stored: StoredFile, path: Path, media_type: str, batch: int) -> Said:
    """Draw a batch of pages into the store."""
    wanted = range(batch * BATCH + 1, (batch + 1) * BATCH + 1)
    with scratch.folder() as folder:
        said = draw(path, media_type, wanted, folder)
        for picture in sorted(folder.iterdir()):
            store().save(path_of(stored.sha256, picture.name), picture)
    return said


# -- the search ------------------------------------------------------------------------------


def _index(file_id: int, hold: Hold) -> int:
    """Write the search entries of every record that is found by the file's text; how many."""
    count = 0
    for definition in registry.current().entities.values():
        for field in definition.fields.values():
            if field.type_name != "file" or not field.search:
                continue
            model: Any = definition.model
            holding = select(model.id).where(field.expression(model) == file_id)
            ids: Sequence[int] = db.session.scalars(holding.order_by(model.id)).all()
            for start in range(0, len(ids), indexing.AT_ONCE):
                with write_transaction() as session:
                    hold(session)
                    some = list(ids[start : start + indexing.AT_ONCE])
                    indexing.write_entries(session, definition, some)
            count += len(ids)
    return count
