"""What was read of files, kept small, and given back."""

from __future__ import annotations

import base64
import zlib
from collections.abc import Collection, Sequence
from typing import Any

import orjson
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.engine.adapters.database import db
from app.engine.adapters.storage import FileGone, store
from app.engine.contents.models import FOLDER, FileContents, path_of
from app.engine.contents.reading import VERSION

SHOWN = "shown.json"


def pack(pages: Sequence[str]) -> str:
    """The pages of a text as they are kept."""
    return base64.b64encode(zlib.compress(orjson.dumps(pages))).decode()


def unpack(packed: str | None) -> list[str]:
    """The reverse; no pages where there is no text."""
    if packed is None:
        return []
    pages: list[str] = orjson.loads(zlib.decompress(base64.b64decode(packed)))
    return pages


def about(file_id: int) -> FileContents | None:
    """What is known of a file; None while nobody has read it."""
    found: FileContents | None = db.session.get(FileContents, file_id)
    return found


def pages_of(file_ids: Collection[int]) -> dict[int, list[str]]:
    """The texts of files by their pages; those without are left out."""
    statement = select(FileContents.file_id, FileContents.text).where(
        FileContents.file_id.in_(file_ids), FileContents.text.is_not(None)
    )
    return {file_id: unpack(text) for file_id, text in db.session.execute(statement)}


def paged(file_ids: Collection[int]) -> set[int]:
    """Those of the files whose pages people know by their numbers."""
    statement = select(FileContents.file_id).where(
        FileContents.file_id.in_(file_ids), FileContents.paged.is_(True)
    )
    return set(db.session.scalars(statement))


def words_of(file_id: int) -> str | None:
    """What the search index keeps of a file; None where it has no text, or has not been read yet."""
    statement = select(FileContents.words).where(FileContents.file_id == file_id)
    packed = db.session.scalar(statement)
    return None if packed is None else zlib.decompress(packed).decode()


def unread(session: Session, file_ids: Collection[int]) -> list[int]:
    """Those of the files that this version's readers have not read."""
    if not file_ids:
        return []
    statement = select(FileContents.file_id).where(
        FileContents.file_id.in_(file_ids), FileContents.version == VERSION
    )
    return sorted(set(file_ids) - set(session.scalars(statement)))


def shown(sha256: str) -> list[dict[str, Any]]:
    """The parts of a file as they are laid out for its preview. Raises FileGone."""
    with store().open(path_of(sha256, SHOWN)) as file:
        parts: list[dict[str, Any]] = orjson.loads(file.read())
    return parts


def forget(sha256: str) -> None:
    """Take away everything that was made of a content; its row goes with that of the file."""
    folder = path_of(sha256, "x").rpartition("/")[0]
    for path in store().paths(folder):
        store().remove(path)


__all__ = ["FOLDER", "FileGone", "about", "forget", "pack", "pages_of", "shown", "words_of"]
