"""The journal: writes the rows of a change set and the search entries that go with them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any

import orjson
from sqlalchemy import Table, insert, update
from sqlalchemy.orm import Session

from app.engine.adapters.database import now
from app.engine.adapters.loading import load_rows
from app.engine.changes.models import CREATE, DONE, OPEN, Change, ChangeSet
from app.engine.indexing import ask_where_outdated
from app.engine.policy import Viewer
from app.engine.registry import SCHEMA, EntityDefinition, current, raise_version

_SETS, _CHANGES = ChangeSet.__table__, Change.__table__
assert isinstance(_SETS, Table)
assert isinstance(_CHANGES, Table)
_NEW = ("change_set_id", "entity", "kind", "undone", "record_id", "after")


def searched(
    definition: EntityDefinition, rows: Sequence[Mapping[str, Any]]
) -> list[dict[str, str | None]]:
    """What the search index keeps of each record's values."""
    fields = [(f.name, f.search_text) for f in definition.fields.values() if f.search]
    return [{name: words(row.get(name)) for name, words in fields} for row in rows]


def _json(stored: Sequence[tuple[str, Callable[[Any], Any]]], row: Mapping[str, Any]) -> str:
    """The values that a new record has, as they are kept in its history."""
    after = {name: dump(value) for name, dump in stored if (value := row.get(name)) is not None}
    return orjson.dumps(after).decode()


class Journal:
    """One change set being written; its row is made with the first change."""

    def __init__(
        self,
        session: Session,
        viewer: Viewer,
        door: str,
        reason: str | None = None,
        change_set_id: int | None = None,
        undoes_id: int | None = None,
    ) -> None:
        self.session = session
        self.viewer = viewer
        self.door = door
        self.reason = reason
        self.id = change_set_id
        self._continued = change_set_id is not None
        self.undoes_id = undoes_id
        self.counts: Counter[str] = Counter()
        self._shapes_registry = False

    def open(self) -> int:
        """The id of the change set, whose row is made now if it is not there yet."""
        if self.id is None:
            result = self.session.connection().execute(
                insert(_SETS).returning(_SETS.c.id),
                {
                    "at": now(),
                    "user_id": self.viewer.user_id,
                    "user_name": self.viewer.name,
                    "door": self.door,
                    "reason": self.reason and self.reason[:300],
                    "state": OPEN,
                    "undoes_id": self.undoes_id,
                },
            )
            self.id = int(result.scalar_one())
        return self.id

    def record(
        self, definition: EntityDefinition, kind: str, rows: Iterable[Mapping[str, Any]]
    ) -> None:
        """Changes of one kind: each row has `record_id`, `before`, `after`."""
        change_set_id = self.open()
        entries = [
            {
                "change_set_id": change_set_id,
                "entity": definition.name,
                "kind": kind,
                "undone": False,
                **row,
            }
            for row in rows
        ]
        if entries:
            self.session.connection().execute(insert(_CHANGES), entries)
            self.counts[kind] += len(entries)
            self._shapes_registry |= definition.options.shapes_registry

    def record_new(
        self, definition: EntityDefinition, ids: Sequence[int], rows: Sequence[Mapping[str, Any]]
    ) -> None:
        """New records with their search entries; what `record` and `index` do, for very many."""
        change_set_id = self.open()
        connection = self.session.connection()
        stored = [(f.name, f.dump) for f in definition.fields.values() if not f.system]
        changes = [
            (change_set_id, definition.name, CREATE, False, record_id, _json(stored, row))
            for record_id, row in zip(ids, rows, strict=True)
        ]
        load_rows(connection, _CHANGES.name, _NEW, changes)
        self.counts[CREATE] += len(changes)
        self._shapes_registry |= definition.options.shapes_registry
        index = definition.search_index
        if index is not None:
            index.add(connection, ids, searched(definition, rows))

    def index(
        self, definition: EntityDefinition, rows: Sequence[tuple[int, Mapping[str, Any]]]
    ) -> None:
        """Search entries of records, by id with their values."""
        index = definition.search_index
        if index is None or not rows:
            return
        texts = searched(definition, [values for _record_id, values in rows])
        ids = [record_id for record_id, _values in rows]
        index.write(self.session.connection(), list(zip(ids, texts, strict=True)))

    def unindex(self, definition: EntityDefinition, record_ids: Collection[int]) -> None:
        """Take records out of the search index."""
        if definition.search_index is not None and record_ids:
            definition.search_index.remove(self.session.connection(), list(record_ids))

    def close(self, last: bool) -> None:
        """At the end of a transaction; `last` when no further one belongs to the change set."""
        if self.id is None:
            return
        if self._continued:
            self._add_to_set(last)
        else:
            values: dict[str, Any] = {"counts": dict(self.counts)}
            if last:
                values["state"] = DONE
            statement = update(_SETS).where(_SETS.c.id == self.id).values(values)
            self.session.connection().execute(statement)
            self._continued = True
        self.counts.clear()
        if self._shapes_registry:
            raise_version(self.session, SCHEMA)
            ask_where_outdated(self.session, current())
            self._shapes_registry = False

    def _add_to_set(self, last: bool) -> None:
        """Count what this transaction did to a set of several."""
        change_set = self.session.get_one(ChangeSet, self.id, populate_existing=True)
        change_set.counts = dict(Counter(change_set.counts or {}) + self.counts)
        if last and change_set.state == OPEN:
            change_set.state = DONE

    def mark(self, change_ids: Collection[int]) -> None:
        """These changes have been undone."""
        self.session.execute(
            update(Change).where(Change.id.in_(change_ids)).values(undone=True),
            execution_options={"synchronize_session": False},
        )
