"""Reading the whole log, in the order of the chain, at constant memory."""

from __future__ import annotations

import datetime
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import func, select

from app.engine.adapters.database import db, now
from app.engine.audit import heads
from app.engine.audit.models import AuditEntry
from app.engine.audit.sealing import as_json
from app.engine.audit.verify import Verdict, read_lines, verify

_BATCH = 1000
_LATE = datetime.timedelta(minutes=15)
"""An entry that is not sealed by then has been forgotten by the scheduler, or kept from it."""


def sealed() -> Iterator[dict[str, Any]]:
    """Every sealed entry as it is exported."""
    after = 0
    while True:
        statement = (
            select(AuditEntry)
            .where(AuditEntry.position > after)
            .order_by(AuditEntry.position)
            .limit(_BATCH)
        )
        found = list(db.session.scalars(statement, execution_options={"populate_existing": True}))
        for entry in found:
            yield as_json(entry) | {"hash": entry.hash}
        if len(found) < _BATCH:
            return
        after = int(found[-1].position or 0)
        db.session.expunge_all()


def verdict(further: Sequence[Path] = ()) -> Verdict:
    """The chain as it stands in the database, against every head written down outside."""
    kept = [*heads.written(), *(head for path in further for head in read_lines(path))]
    found = verify(sealed(), kept)
    late = db.session.scalar(
        select(func.count())
        .select_from(AuditEntry)
        .where(AuditEntry.position.is_(None), AuditEntry.at < now() - _LATE)
    )
    if late:
        found.note(f"{late} entries have not been sealed for long: is the scheduler running?")
    return found


def write_jsonl(out: Path) -> int:
    """The sealed log into a file, an entry a line; how many."""
    number = 0
    with out.open("w", encoding="utf-8") as file:
        for entry in sealed():
            file.write(json.dumps(entry, ensure_ascii=False, sort_keys=True) + "\n")
            number += 1
    return number
