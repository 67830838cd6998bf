"""The journal: writes the rows of a change set and the search entries that go with them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Table, insert, update
from sqlalchemy.orm import Session

from app.engine.adapters.database import now
from app.engine.changes.models import DONE, OPEN, Change, ChangeSet
from app.engine.indexing import ask_where_outdated
from app.engine.policy import Viewer
from app.engine.registry import SCHEMA, EntityDefinition, current, raise_version

_SETS, _CHANGES = ChangeSet.__table__, Change.__table__
assert isinstance(_SETS, Table)
assert isinstance(_CHANGES, Table)


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

    def index(
        self, definition: EntityDefinition, rows: Sequence[tuple[int, Mapping[str, Any]]]
    ) -> None:
        """Search entries of records, by id with their values."""
        index = definition.search_index
        if index is None or not rows:
            return
        fields = [field for field in definition.fields.values() if field.search]
        index.write(
            self.session.connection(),
            [
                (record_id, {f.name: f.search_text(values.get(f.name)) for f in fields})
                for record_id, values in rows
            ],
        )

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
