"""Files that a transaction puts into records and that nobody has read yet: it asks for that, too."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy.orm import Session

from app.engine.contents.asking import ask_to_read
from app.engine.contents.keeping import unread
from app.engine.registry import EntityDefinition


class Filed:
    """What one change set's transaction has filed."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._unread: set[int] = set()

    def note(self, definition: EntityDefinition, rows: Sequence[Mapping[str, Any]]) -> None:
        """These records are about to get their search entries.

        Looked up before those are written: a reading that ends in between is asked for once more,
        and none is missed.
        """
        names = [f.name for f in definition.fields.values() if f.type_name == "file"]
        ids = {row[name] for name in names for row in rows if row.get(name) is not None}
        self._unread.update(unread(self._session, ids - self._unread))

    def have_read(self) -> None:
        """Ask for the reading, in the transaction that files them."""
        ask_to_read(sorted(self._unread))
        self._unread.clear()
