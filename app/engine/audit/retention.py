"""Retention: what is older than it has to be kept goes, from the beginning of the chain, and that is recorded.

The entry that says up to where, and with which hash, is sealed in the same transaction: what is left
can be verified from there.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable

from flask import current_app
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from app.engine.adapters.database import in_turn, now, write_transaction
from app.engine.audit.models import AuditCheckpoint, AuditEntry
from app.engine.audit.recording import record
from app.engine.audit.sealing import LOCK, seal_in

AT_ONCE = 20_000

Saver = Callable[[Session, int], None]

_savers: list[Saver] = []


def before_purge(saver: Saver) -> Saver:
    """Registers what writes anew, before they go, entries up to a position that must outlast the rest."""
    _savers.append(saver)
    return saver


_YEAR = datetime.timedelta(days=366)


def purge_some() -> int:
    """Take away old entries, at most AT_ONCE; how many. AUDIT_YEARS says what is old."""
    years = int(current_app.config["STEWARD"].audit_years)
    with write_transaction() as session:
        in_turn(session, [LOCK])
        found = _old(session, now() - years * _YEAR)
        if found is None:
            return 0
        first, through, last = found
        count = through - first + 1
        for save in _savers:
            save(session, through)
        session.add(AuditCheckpoint(position=through, hash=last, at=now()))
        session.flush()
        details = {"through": through, "hash": last, "entries": count, "years": years}
        record("audit.purged", details=details)
        seal_in(session)
        session.execute(delete(AuditEntry).where(AuditEntry.position <= through))
    return count


def _old(session: Session, before: datetime.datetime) -> tuple[int, int, str] | None:
    """First and last position, and the hash of the last, of the entries at the beginning that are all old."""
    chain = (
        select(AuditEntry.position, AuditEntry.at, AuditEntry.hash)
        .where(AuditEntry.position.is_not(None))
        .order_by(AuditEntry.position)
        .limit(AT_ONCE)
    )
    first = through = None
    last = ""
    for position, at, shown in session.execute(chain):
        if at >= before:
            break
        first = position if first is None else first
        through, last = position, str(shown)
    return None if first is None or through is None else (first, through, last)
