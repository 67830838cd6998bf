"""What stands there plainly, or encrypted by an earlier key, written anew with the first, while others work.

No change set: no value changes, only how it is kept.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlalchemy import Table, bindparam, select, type_coerce, update
from sqlalchemy.orm import Session

from app.engine import policy, registry
from app.engine.adapters import setup_state, vault
from app.engine.adapters.database import Json, Model, db, write_transaction
from app.engine.adapters.vault import JournalJson, Sealed, SealedJson
from app.engine.changes.models import Change
from app.engine.fields.sensitive import mark_column
from app.engine.indexing import entries
from app.engine.registry import EntityDefinition

AT_ONCE = 250
"""Rows in one transaction: on SQLite others wait for it."""


def passages() -> Iterator[tuple[str, int]]:
    """Go through everything that may be encrypted: its name, and how many rows had to be written."""
    for definition in registry.current().entities.values():
        if any(field.sensitive for field in definition.fields.values()):
            yield definition.name, EntityPassage(definition).run()
    yield "history", _Journal().run()
    for table in Model.metadata.sorted_tables:
        columns = [c.name for c in table.columns if type(c.type) is SealedJson]
        if columns:
            yield table.name, _Whole(table, columns).run()


class _Passage:
    """One passage through a table in the order of its keys, a batch in each transaction."""

    def __init__(self, table: Table, columns: list[str]) -> None:
        self.table = table
        self.columns = columns
        self.key = table.primary_key.columns[0]
        self.state = f"encrypt.{table.name}"

    def run(self) -> int:
        """Go through from where an earlier passage with the same key stopped; how many were written."""
        key = vault.present().names[0]
        noted, _colon, place = (setup_state.noted(self.state) or "").partition(":")
        reached: Any = self.key.type.python_type(place) if noted == key and place else None
        written = 0
        while True:
            with write_transaction() as session:
                rows = self._next(session, reached)
                changed = {row[0]: new for row in rows if (new := self.remade(row))}
                self._write(session, changed)
                if not rows:
                    setup_state.forget(self.state)
                    return written
                reached = rows[-1][0]
                setup_state.note(self.state, f"{key}:{reached}")
            written += len(changed)

    def _next(self, session: Session, reached: Any) -> list[Any]:
        raw = [
            type_coerce(self.table.c[name], self.raw_type(name)).label(name)
            for name in self.columns
        ]
        statement = select(self.key.label("row_key"), *raw, *self.more()).order_by(self.key)
        if reached is not None:
            statement = statement.where(self.key > reached)
        locked = statement.limit(AT_ONCE).with_for_update()
        return list(
            session.execute(locked, execution_options={policy.INTERNAL: "encryption of every row"})
        )

    def _write(self, session: Session, changed: dict[Any, dict[str, Any]]) -> None:
        for row_key, columns in changed.items():
            values = {
                name: bindparam(f"new_{name}", value, self.raw_type(name))
                for name, value in columns.items()
            }
            session.connection().execute(
                update(self.table).where(self.key == row_key).values(values)
            )

    def raw_type(self, name: str) -> Any:
        return Json

    def more(self) -> list[Any]:
        return []

    def remade(self, row: Any) -> dict[str, Any]:
        raise NotImplementedError


class _Whole(_Passage):
    """Columns of JSON that are encrypted as a whole."""

    def remade(self, row: Any) -> dict[str, Any]:
        stored = {name: getattr(row, name) for name in self.columns}
        return {n: _again(value) for n, value in stored.items() if _is_stale(value)}


class _Journal(_Passage):
    """The values of sensitive fields in the history."""

    def __init__(self) -> None:
        table = Change.__table__
        assert isinstance(table, Table)
        super().__init__(table, [c.name for c in table.columns if isinstance(c.type, JournalJson)])

    def more(self) -> list[Any]:
        return [self.table.c.entity]

    def remade(self, row: Any) -> dict[str, Any]:
        definition = registry.current().entities.get(row.entity)
        return {
            name: new
            for name in self.columns
            if definition is not None and (new := _journal(definition, getattr(row, name)))
        }


class EntityPassage(_Passage):
    """The columns of an entity's sensitive fields, with their marks and search entries."""

    def __init__(self, definition: EntityDefinition) -> None:
        table = definition.model.__table__
        assert isinstance(table, Table)
        self.definition = definition
        self.fields = [field for field in definition.fields.values() if field.sensitive]
        columns = [name for f in self.fields for name in (f.column_name, mark_column(f))]
        super().__init__(table, columns)

    def raw_type(self, name: str) -> Any:
        kind = self.table.c[name].type
        return kind.load_dialect_impl(db.engine.dialect) if isinstance(kind, Sealed) else kind

    def remade(self, row: Any) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for field in self.fields:
            stored = getattr(row, field.column_name)
            if stored is None or not vault.present().is_stale(stored):
                continue
            kind = self.table.c[field.column_name].type
            assert isinstance(kind, Sealed)
            value = kind.opened(stored)
            found |= field.stored(value)
            found[field.column_name] = vault.present().seal(str(value))
        return found

    def _write(self, session: Session, changed: dict[Any, dict[str, Any]]) -> None:
        super()._write(session, changed)
        index = self.definition.search_index
        if index is None or not changed:
            return
        model: Any = self.definition.model
        found = session.scalars(
            select(model)
            .where(model.id.in_(list(changed)), model.deleted_at.is_(None))
            .execution_options(populate_existing=True)
        )
        index.write(session.connection(), entries(self.definition, found))


def _is_stale(value: Any) -> bool:
    """Whether JSON would be stored otherwise today."""
    if value is None:
        return False
    if isinstance(value, dict) and value.keys() == {vault.WRAPPED}:
        return vault.present().is_stale(value[vault.WRAPPED])
    return True


def _again(value: Any) -> Any:
    return vault.present().wrap(vault.present().unwrap(value))


def _journal(definition: EntityDefinition, values: Any) -> Any:
    """A record's values in the history, or None where nothing is to be done."""
    if not isinstance(values, dict):
        return None
    secret = {field.name for field in definition.fields.values() if field.sensitive}
    stale = [name for name in secret & values.keys() if _is_stale(values[name])]
    if not stale:
        return None
    return {**values, **{name: _again(values[name]) for name in stale}}
