"""Rows as they stand in the table, kept so that a removed record can be made again."""

from __future__ import annotations

import datetime
import decimal
from collections.abc import Collection
from typing import Any

from sqlalchemy import Date, Table, select

from app.engine import policy
from app.engine.adapters.database import ExactDecimal, UtcDateTime
from app.engine.changes.bulk import insert_again, table_of
from app.engine.changes.checking import current_values
from app.engine.changes.models import Change
from app.engine.changes.writer import Changes
from app.engine.fields.time import SealedDate
from app.engine.registry import EntityDefinition


def raw_row(
    changes: Changes, definition: EntityDefinition, record_ids: Collection[int]
) -> list[dict[str, Any]]:
    """The records' rows with every column, as JSON."""
    table = table_of(definition)
    rows = changes.session.execute(
        select(table).where(table.c.id.in_(record_ids)),
        execution_options={policy.INTERNAL: "the write path keeps what it removes"},
    )
    return [{name: _to_json(value) for name, value in row._mapping.items()} for row in rows]


def remake(changes: Changes, definition: EntityDefinition, change: Change) -> None:
    """Put back a record that undoing had removed. Raises InvalidInput when a code is taken."""
    changes.viewer.require(definition.name, "create")
    table = table_of(definition)
    row = {n: _from_json(table, n, v) for n, v in (change.before or {}).items() if n in table.c}
    for field in definition.fields.values():
        if field.sensitive:  # its mark is that of today's key
            row |= field.stored(row.get(field.column_name))
    insert_again(changes, definition, [row])
    record = changes.load(definition, change.record_id, "create", trash=True)
    changes._journal_new(definition, [(record.id, current_values(definition, record))])
    if record.deleted_at is not None:
        changes.journal.unindex(definition, [record.id])


def _to_json(value: Any) -> Any:
    if isinstance(value, (datetime.date, datetime.datetime)):
        return value.isoformat()
    return str(value) if isinstance(value, decimal.Decimal) else value


def _from_json(table: Table, name: str, value: Any) -> Any:
    if value is None:
        return None
    match table.c[name].type:
        case UtcDateTime():
            return datetime.datetime.fromisoformat(value)
        case Date() | SealedDate():
            return datetime.date.fromisoformat(value)
        case ExactDecimal():
            return decimal.Decimal(value)
        case _:
            return value
