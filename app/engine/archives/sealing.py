"""What an area needs to have its packages made: the files of its records, and the entries in the register."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import select

from app.engine import audit
from app.engine.adapters.storage import store
from app.engine.archives.packing import Package, Piece
from app.engine.files import StoredFile

SEALED, UNDONE = "archive.sealed", "archive.undone"


def pieces_of(session: Any, files: Sequence[tuple[int, str, Mapping[str, Any]]]) -> list[Piece]:
    """Stored files as pieces of a package: each as its number, its name, and what is known of it."""
    ids = {file_id for file_id, _name, _about in files}
    rows = session.scalars(select(StoredFile).where(StoredFile.id.in_(ids)))
    stored = {one.id: one for one in rows}
    return [
        Piece(
            name,
            stored[file_id].path,
            stored[file_id].sha256,
            stored[file_id].size,
            {"name": name, "media_type": stored[file_id].media_type, **about},
        )
        for file_id, name, about in files
    ]


def say_sealed(entity: str, record_id: int, number: str, made: Package) -> None:
    """Enter a package in the register, with the transaction that seals it: its seal vouches for all of it."""
    audit.record(
        SEALED,
        entity=entity,
        record_id=record_id,
        details={
            "number": number,
            "path": made.path,
            "seal": made.seal,
            "size": made.size,
            "records": made.records,
            "files": made.files,
        },
    )


def say_undone(entity: str, record_id: int, number: str) -> None:
    """Enter that a package that was not sealed yet has been taken apart again."""
    audit.record(UNDONE, entity=entity, record_id=record_id, details={"number": number})


def cut(path: str) -> None:
    """Take what was written of a package that will not be sealed out of the store."""
    store().remove(path)
