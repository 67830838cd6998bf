"""Sealing: gives committed entries their place in the chain. Any number of processes may try at once."""

from __future__ import annotations

import json
from typing import Any

from sqlalchemy import bindparam, select, update
from sqlalchemy.orm import Session

from app.engine.adapters.database import in_turn, write_transaction
from app.engine.audit.models import AuditCheckpoint, AuditEntry
from app.engine.audit.verify import GENESIS, digest

AT_ONCE = 1000
LOCK = "audit chain"


def seal() -> int:
    """Seal all that is committed and not sealed yet; how many."""
    sealed = 0
    while step := seal_some():
        sealed += step
        if step < AT_ONCE:
            break
    return sealed


def seal_some() -> int:
    """Seal the next ones, at most AT_ONCE, in one transaction."""
    if not unsealed():
        return 0
    with write_transaction() as session:
        return seal_in(session, AT_ONCE)


def unsealed() -> bool:
    """Whether anything waits; asked without a lock, since mostly nothing does."""
    from app.engine.adapters.database import db

    return db.session.scalar(_waiting(1)) is not None


def seal_in(session: Session, limit: int | None = None) -> int:
    """The same in the transaction that is under way; others that would seal wait for its end."""
    in_turn(session, [LOCK])
    position, head = chain_head(session)
    found = list(session.scalars(_waiting(limit), execution_options={"populate_existing": True}))
    rows = []
    for entry in found:
        position += 1
        content = as_json(entry) | {"position": position, "previous": head}
        head = digest(content)
        rows.append(
            {"key": entry.id, "at_position": position, "before": content["previous"], "seal": head}
        )
    if rows:
        statement = (
            update(AuditEntry)
            .where(AuditEntry.id == bindparam("key"))
            .values(
                position=bindparam("at_position"),
                previous=bindparam("before"),
                hash=bindparam("seal"),
            )
        )
        session.connection().execute(statement, rows)
    for entry in found:
        session.expunge(entry)
    return len(rows)


def chain_head(session: Session) -> tuple[int, str]:
    """Position and hash of the last sealed entry; where all were purged, those of the checkpoint."""
    for model in (AuditEntry, AuditCheckpoint):
        last: Any = (
            select(model.position, model.hash)
            .where(model.position.is_not(None))
            .order_by(model.position.desc())
            .limit(1)
        )
        row = session.execute(last).first()
        if row is not None:
            return int(row[0]), str(row[1])
    return 0, GENESIS


def as_json(entry: AuditEntry) -> dict[str, Any]:
    """An entry as it is hashed and exported."""
    return {
        "id": entry.id,
        "at": entry.at.isoformat(timespec="microseconds").replace("+00:00", "Z"),
        "user_id": entry.user_id,
        "who": entry.who,
        "address": entry.address,
        "door": entry.door,
        "request_id": entry.request_id,
        "kind": entry.kind,
        "entity": entry.entity,
        "record_id": entry.record_id,
        "person_id": entry.person_id,
        "details": json.loads(entry.details),
        "position": entry.position,
        "previous": entry.previous,
    }


def _waiting(limit: int | None) -> Any:
    statement = select(AuditEntry).where(AuditEntry.position.is_(None)).order_by(AuditEntry.id)
    return statement.limit(limit) if limit is not None else statement
