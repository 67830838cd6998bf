"""The log as a file: JSON lines, which can be verified, or CSV for reading."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from flask_babel import lazy_gettext as _

from app.engine import policy
from app.engine.adapters.database import db
from app.engine.audit import AuditEntry
from app.engine.audit.kinds import described
from app.engine.audit.sealing import as_json
from app.engine.job import JobKind, declare
from app.engine.surfaces.audit_log.finding import Wanted

FORMATS = {"jsonl": _("JSON lines, to be verified"), "csv": _("CSV")}
MEDIA_TYPES = {"jsonl": "application/x-ndjson", "csv": "text/csv"}
EXPORT = declare(
    JobKind(
        "audit.export",
        _("Export of the audit log"),
        queue="bulk",
        repeatable=True,
    )
)
_BATCH = 1000
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def write(path: Path, format: str, wanted: Wanted, progress: Callable[[int], object]) -> int:
    """Write the sealed entries that are wanted, in the order of the chain; how many. Raises NotAllowed."""
    policy.current_viewer().require(policy.AUDIT, "export")
    number = 0
    with path.open("w", encoding="utf-8-sig" if format == "csv" else "utf-8", newline="") as file:
        sheet = csv.writer(file)
        for batch in _batches(wanted):
            for entry in batch:
                content = as_json(entry) | {"hash": entry.hash}
                if format == "jsonl":
                    file.write(json.dumps(content, ensure_ascii=False, sort_keys=True) + "\n")
                else:
                    if not number:
                        sheet.writerow(content)
                    sheet.writerow(_cells(content))
                number += 1
            progress(number)
    return number


def _batches(wanted: Wanted) -> Iterator[list[AuditEntry]]:
    after = 0
    while True:
        statement = (
            wanted.statement()
            .where(AuditEntry.position > after)
            .order_by(AuditEntry.position)
            .limit(_BATCH)
        )
        found = list(db.session.scalars(statement))
        if found:
            after = int(found[-1].position or 0)
            yield found
        if len(found) < _BATCH:
            return


def _cells(content: dict[str, Any]) -> list[Any]:
    """A row; no cell begins as a formula does."""
    content = {**content, "kind": str(described(content["kind"]).label)}
    content["details"] = json.dumps(content["details"], ensure_ascii=False)
    return [
        f"'{cell}" if isinstance(cell, str) and cell.startswith(_FORMULA) else cell
        for cell in content.values()
    ]
