"""The journal: writes the rows of a change set and the search entries that go with them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any

import orjson
from sqlalchemy import Table, insert, update
from sqlalchemy.orm import Session

from app.engine import audit
from app.engine.adapters import vault
from app.engine.adapters.database import now
from app.engine.adapters.loading import load_rows
from app.engine.changes import register
from app.engine.changes.filed import Filed
from app.engine.changes.models import CREATE, DONE, OPEN, PURGE, Change, ChangeSet
from app.engine.derived import Touched
from app.engine.fields import Field
from app.engine.indexing import ask_where_outdated
from app.engine.policy import Viewer
from app.engine.registry import RIGHTS, SCHEMA, EntityDefinition, current, raise_version

_SETS, _CHANGES = ChangeSet.__table__, Change.__table__
assert isinstance(_SETS, Table)
assert isinstance(_CHANGES, Table)
_NEW = ("change_set_id", "entity", "kind", "undone", "record_id", "after")


_MOST_IDS = 500


def _audited_kind(definition: EntityDefinition, kind: str) -> str | None:
    """As what the audit log tells of such a change; None where the change set says enough."""
    if kind == PURGE:
        return "purge"
    if definition.options.shapes_rights:
        return "organisation.changed"
    return "fields.changed" if definition.options.shapes_registry else None


def searched(
    definition: EntityDefinition, rows: Sequence[Mapping[str, Any]]
) -> list[dict[str, str | None]]:
    """What the search index keeps of each record's values."""
    fields = [(f.name, _words_of(f)) for f in definition.fields.values() if f.search]
    return [
        {
            name: value
            if (value := row.get(name)) is None or (words is None and type(value) is str)
            else str(value)
            if words is None
            else words(value)
            for name, words in fields
        }
        for row in rows
    ]


def _words_of(field: Field) -> Callable[[Any], str | None] | None:
    """What makes a value's words; None where a text is its own, so that thousands are not asked for."""
    return None if type(field).search_text is Field.search_text else field.search_text


def sealed(definition: EntityDefinition, values: Any) -> Any:
    """A record's values by field, those of sensitive fields encrypted where a key is set."""
    if not values or not vault.is_on():
        return values
    secret = [field.name for field in definition.fields.values() if field.sensitive]
    wrapped = {n: vault.present().wrap(values[n]) for n in secret if values.get(n) is not None}
    return {**values, **wrapped} if wrapped else values


def _json(stored: Sequence[tuple[str, Callable[[Any], Any] | None]], row: Mapping[str, Any]) -> str:
    """The values that a new record has, as they are kept in its history."""
    after = {
        name: value if dump is None else dump(value)
        for name, dump in stored
        if (value := row.get(name)) is not None
    }
    return orjson.dumps(after).decode()


def _dumper(field: Field) -> Callable[[Any], Any] | None:
    """What makes JSON of a value; None where it is JSON already."""
    if not field.sensitive or not vault.is_on():
        return None if type(field).dump is Field.dump else field.dump
    return lambda value: vault.present().wrap(field.dump(value))


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
        self.touched = Touched()
        self._filed = Filed(session)
        self._shapes_registry = False
        self._shapes_rights = False
        self._registered: dict[str, dict[int, set[str]]] = {}
        self._audited: dict[tuple[str, str, str], tuple[list[int], set[str]]] = {}

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
        rows = list(rows)
        for row in rows:
            self.touched.note(
                definition.name, row["record_id"], row.get("before"), row.get("after")
            )
        entries = [
            {
                "change_set_id": change_set_id,
                "entity": definition.name,
                "kind": kind,
                "undone": False,
                **row,
                **{n: sealed(definition, row[n]) for n in ("before", "after") if row.get(n)},
            }
            for row in rows
        ]
        if entries:
            self.session.connection().execute(insert(_CHANGES), entries)
            self.counts[kind] += len(entries)
            self._note_shaping(definition)
            self._note_audited(definition, kind, entries)
            self.note_registered(definition, kind, [row["record_id"] for row in rows])

    def record_new(
        self, definition: EntityDefinition, ids: Sequence[int], rows: Sequence[Mapping[str, Any]]
    ) -> None:
        """New records with their search entries; what `record` and `index` do, for very many."""
        change_set_id = self.open()
        connection = self.session.connection()
        stored = [(f.name, _dumper(f)) for f in definition.fields.values() if not f.system]
        changes = [
            (change_set_id, definition.name, CREATE, False, record_id, _json(stored, row))
            for record_id, row in zip(ids, rows, strict=True)
        ]
        load_rows(connection, _CHANGES.name, _NEW, changes)
        self.counts[CREATE] += len(changes)
        self.touched.note_all(definition.name, ids)
        self._note_shaping(definition)
        self._note_audited(definition, CREATE, ({"record_id": one} for one in ids))
        self.note_registered(definition, CREATE, ids)
        self._filed.note(definition, rows)
        index = definition.search_index
        if index is not None:
            index.add(connection, ids, searched(definition, rows))

    def index(
        self, definition: EntityDefinition, rows: Sequence[tuple[int, Mapping[str, Any]]]
    ) -> None:
        """Search entries of records, by id with their values."""
        self._filed.note(definition, [values for _record_id, values in rows])
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
        self._filed.have_read()
        self._audit()
        register.write(self.session, self._registered, self.id)
        self._registered.clear()
        if self._shapes_registry:
            raise_version(self.session, SCHEMA)
            ask_where_outdated(self.session, current())
            self._shapes_registry = False
        if self._shapes_rights:
            raise_version(self.session, RIGHTS)
            self._shapes_rights = False

    def _note_shaping(self, definition: EntityDefinition) -> None:
        self._shapes_registry |= definition.options.shapes_registry
        self._shapes_rights |= definition.options.shapes_rights

    def note_registered(self, definition: EntityDefinition, kind: str, ids: Iterable[int]) -> None:
        """Rows that were written, for the register, at the end of the transaction; changes note theirs."""
        if register.is_registered(definition):
            records = self._registered.setdefault(definition.name, {})
            for record_id in ids:
                records.setdefault(record_id, set()).add(kind)

    def _note_audited(
        self, definition: EntityDefinition, kind: str, entries: Iterable[Mapping[str, Any]]
    ) -> None:
        """Of changes that the audit log tells of: which records, and which fields."""
        what = _audited_kind(definition, kind)
        if what is None:
            return
        ids, fields = self._audited.setdefault((what, definition.name, kind), ([], set()))
        for entry in entries:
            ids.append(int(entry["record_id"]))
            fields.update(entry.get("after") or ())

    def _audit(self) -> None:
        """One entry for each entity and kind of change, whatever the number of records."""
        for (what, entity, kind), (ids, fields) in self._audited.items():
            details: dict[str, Any] = {"change_set": self.id, "change": kind, "count": len(ids)}
            if kind != PURGE:
                details["fields"] = sorted(fields)
            if len(ids) > 1:
                details["ids"] = ids[:_MOST_IDS]
            record_id = ids[0] if len(ids) == 1 else None
            audit.record(what, entity=entity, record_id=record_id, details=details)
        self._audited.clear()

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
