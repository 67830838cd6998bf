"""The register: each version of and each act on certain records, as entries of the hash-chained audit log.

An entity declared with `registered=True` is in it. At the end of each change set's transaction, by
whatever door, every record of it that was written gets an entry that holds the SHA-256 of its row as it
then stands, contents of its files included. So a row that is changed, put in or taken away behind the
application's back shows: it is not what its last entry says, and the entry cannot be changed with it,
since the chain and the heads written outside the database vouch for that (see `app.engine.audit`).

The log lets old entries go after some years. A record's last entry is written anew before it goes.
"""

from __future__ import annotations

import decimal
import hashlib
import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import Table, exists, func, select
from sqlalchemy.orm import Session, aliased

from app.engine import audit, policy
from app.engine.audit import AuditEntry
from app.engine.audit.retention import before_purge
from app.engine.fields import File
from app.engine.registry import EntityDefinition, current

KIND = "register"
NOTED = "noted"
"""What was written of a record beside its changes, as that a reminder was sent."""

_PART = 500
_INTERNAL = {policy.INTERNAL: "the register holds every record, whoever may see it"}

_OUTLASTING = {"purge", "remove", "erase"}
"""Changes after which a record is gone; made and taken back in one transaction it never was there."""

Written = Mapping[str, Mapping[int, set[str]]]
"""By entity and record: the kinds of its changes."""


def is_registered(definition: EntityDefinition) -> bool:
    """Whether acts on its records are in the register."""
    return definition.options.registered


def write(session: Session, written: Written, change_set: int | None) -> None:
    """An entry for each of the records, in the transaction that is under way."""
    for entity, records in written.items():
        definition = current().entities[entity]
        ids = sorted(records)
        for start in range(0, len(ids), _PART):
            part = ids[start : start + _PART]
            there = states(session, definition, part)
            audit.record_many(
                KIND,
                entity,
                [
                    (one, _details(records[one], there.get(one), change_set))
                    for one in part
                    if one in there or records[one] & _OUTLASTING
                ],
            )


def begin(session: Session) -> None:
    """Enter the rows of entities that are in the register from now on, as they stand."""
    for definition in current().entities.values():
        entered = select(AuditEntry.id).where(
            AuditEntry.kind == KIND, AuditEntry.entity == definition.name
        )
        if is_registered(definition) and session.scalar(entered.limit(1)) is None:
            table = _table(definition)
            ids = session.scalars(select(table.c.id), execution_options=_INTERNAL)
            write(session, {definition.name: {one: {"begin"} for one in ids}}, None)


def _details(
    kinds: Collection[str], state: Mapping[str, Any] | None, change_set: int | None
) -> dict[str, Any]:
    details: dict[str, Any] = {"acts": sorted(set(kinds) - {NOTED}), "change_set": change_set}
    return {**details, **(state if state is not None else {"gone": True})}


# -- what is registered of a row ---------------------------------------------------------------


def states(
    session: Session, definition: EntityDefinition, ids: Collection[int]
) -> dict[int, dict[str, Any]]:
    """Of those of the records that there are, in the trash too: what their entries say of them now."""
    table = _table(definition)
    columns = [table.c[name] for name in _columns(definition)]
    statement = select(*columns).where(table.c.id.in_(ids))
    rows = [dict(row) for row in session.execute(statement, execution_options=_INTERNAL).mappings()]
    files = _files(session, definition, rows)
    return {
        row["id"]: {"version": row["version"], "sha256": _digest(row), **_said(files, row)}
        for row in rows
    }


def _columns(definition: EntityDefinition) -> list[str]:
    """Every column but those of derived fields: these follow from other records."""
    derived = {
        column
        for field in definition.fields.values()
        if field.derived is not None
        for column in field.attributes()
    }
    return [column.name for column in _table(definition).columns if column.name not in derived]


def _files(
    session: Session, definition: EntityDefinition, rows: Sequence[dict[str, Any]]
) -> dict[str, Mapping[int, str]]:
    """The contents that the rows' fields hold; in the rows they stand in place of what keeps them."""
    found: dict[str, Mapping[int, str]] = {}
    for field in definition.fields.values():
        if not isinstance(field, File):
            continue
        column = field.column_name
        shas = _hashes(session, {row[column] for row in rows if row[column] is not None})
        found[column] = shas
        for row in rows:
            if row[column] is not None:
                row[column] = shas.get(row[column], "gone")
    return found


def _hashes(session: Session, ids: Collection[int]) -> Mapping[int, str]:
    from app.engine.files.models import StoredFile

    statement = select(StoredFile.id, StoredFile.sha256).where(StoredFile.id.in_(ids))
    return {row[0]: row[1] for row in session.execute(statement)}


def _said(files: Mapping[str, Any], row: Mapping[str, Any]) -> dict[str, Any]:
    """The contents' SHA-256 by themselves: what a version consists of can be read in the log."""
    said = {column: row[column] for column in files if row[column] is not None}
    return {"files": said} if said else {}


def _digest(row: Mapping[str, Any]) -> str:
    """Of what the row holds; a column that is empty counts as none, so that one may be added later."""
    content = {name: _plain(value) for name, value in row.items() if value is not None}
    text = json.dumps(content, sort_keys=True, ensure_ascii=True, separators=(",", ":"))
    return hashlib.sha256(text.encode("ascii")).hexdigest()


def _plain(value: Any) -> Any:
    """The same for a value of any database."""
    match value:
        case bool() | int() | str() | Mapping() | list():
            return value
        case decimal.Decimal():
            return format(value.normalize(), "f")
        case float():
            return repr(value)
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


def _table(definition: EntityDefinition) -> Table:
    table = definition.model.__table__
    assert isinstance(table, Table)
    return table


# -- checking ------------------------------------------------------------------------------------


CHANGED, STRANGER, LOST = "row_changed", "row_stranger", "row_lost"


def count(session: Session, definition: EntityDefinition) -> int:
    """How many rows there are, in the trash too."""
    statement = select(func.count()).select_from(_table(definition))
    return int(session.scalar(statement, execution_options=_INTERNAL) or 0)


def check(session: Session, definition: EntityDefinition) -> Iterator[tuple[str, int]]:
    """What is wrong with its rows, and with which: they are read in parts, whole or in the trash."""
    table = _table(definition)
    after = 0
    while True:
        ids = list(
            session.scalars(
                select(table.c.id).where(table.c.id > after).order_by(table.c.id).limit(_PART),
                execution_options=_INTERNAL,
            )
        )
        if not ids:
            break
        there, said = states(session, definition, ids), _last_entries(session, definition, ids)
        for record_id in ids:
            entry = said.get(record_id)
            if entry is None or entry.get("gone"):
                yield STRANGER, record_id
            elif entry.get("sha256") != there[record_id]["sha256"]:
                yield CHANGED, record_id
        after = ids[-1]
    for record_id in _without_row(session, definition):
        yield LOST, record_id


def _last_entries(
    session: Session, definition: EntityDefinition, ids: Sequence[int]
) -> dict[int, dict[str, Any]]:
    last = (
        select(func.max(AuditEntry.id))
        .where(
            AuditEntry.entity == definition.name,
            AuditEntry.record_id.in_(ids),
            AuditEntry.kind == KIND,
        )
        .group_by(AuditEntry.record_id)
    )
    rows = session.execute(
        select(AuditEntry.record_id, AuditEntry.details).where(AuditEntry.id.in_(last))
    )
    return {int(one or 0): json.loads(details) for one, details in rows}


def _without_row(session: Session, definition: EntityDefinition) -> list[int]:
    """Records that have gone without an entry that says so."""
    table, later = _table(definition), aliased(AuditEntry)
    newer = exists().where(
        later.entity == AuditEntry.entity,
        later.record_id == AuditEntry.record_id,
        later.kind == KIND,
        later.id > AuditEntry.id,
    )
    statement = (
        select(AuditEntry.record_id, AuditEntry.details)
        .where(AuditEntry.entity == definition.name, AuditEntry.kind == KIND)
        .where(~exists().where(table.c.id == AuditEntry.record_id), ~newer)
        .order_by(AuditEntry.record_id)
    )
    rows = session.execute(statement, execution_options=_INTERNAL)
    return [int(one or 0) for one, details in rows if not json.loads(details).get("gone")]


OUTLASTING = frozenset({KIND, "archive.sealed"})
"""Kinds of entries of which the last of each record is never let go."""


@before_purge
def _carry_over(session: Session, through: int) -> None:
    """Write anew the last entry of each record whose last entry is about to go."""
    later = aliased(AuditEntry)
    newer = exists().where(
        later.entity == AuditEntry.entity,
        later.record_id == AuditEntry.record_id,
        later.kind == AuditEntry.kind,
        later.id > AuditEntry.id,
    )
    statement = select(AuditEntry).where(
        AuditEntry.kind.in_(OUTLASTING), AuditEntry.position <= through, ~newer
    )
    for entry in session.scalars(statement).all():
        details = json.loads(entry.details)
        if details.get("gone"):
            continue
        since = details.pop("since", None) or [entry.position, entry.at.isoformat()]
        audit.record_many(
            entry.kind,
            str(entry.entity),
            [(int(entry.record_id or 0), {**details, "since": since})],
        )
