"""Everything that proves the archive, checked at once: for `run.py verify-archive`.

The register's chain against the heads written outside the database; the rows of every registered entity
against their last entries; each stored file against its hash; each package's seal against its row and
its entry, its manifests against its bytes, its metadata against the rows; the numbers of each series;
and files in the store that nothing knows.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.engine import policy
from app.engine.adapters.database import db
from app.engine.adapters.storage import FileGone, store
from app.engine.archives import checking, declaring, fixity
from app.engine.archives.sealing import SEALED
from app.engine.audit import AuditEntry, reading
from app.engine.changes import register
from app.engine.files import StoredFile
from app.engine.registry import current

MOST_FINDINGS = 1000
_BATCH = 200
_WHY = "the archive is verified as a whole, by whoever runs the system"

WORDS = {
    register.CHANGED: "the row is not what the register says: it was changed behind the application",
    register.STRANGER: "the register knows nothing of this row: it was put in behind the application",
    register.LOST: "the row is gone, and the register does not say so",
}

Tell = Callable[[str], None]


@dataclass
class Report:
    """How much was checked, and everything that is not as it should be."""

    entries: int = 0
    rows: int = 0
    files: int = 0
    packages: int = 0
    found: int = 0
    findings: list[str] = field(default_factory=list)

    @property
    def sound(self) -> bool:
        return not self.found

    def note(self, finding: str) -> None:
        """One more; of very many the first are kept."""
        self.found += 1
        if len(self.findings) < MOST_FINDINGS:
            self.findings.append(finding)


def verify(heads: Sequence[Path] = ()) -> Report:
    """Check everything, at constant memory; the store is read once, whole."""
    report = Report()
    verdict = reading.verdict(heads)
    report.entries = verdict.entries
    for finding in verdict.findings:
        report.note(f"register: {finding}")
    db.session.rollback()
    with policy.unrestricted(_WHY) as session:
        _rows(session, report)
        _files(session, report)
        for archive in declaring.declared():
            _packages(session, archive, report)
            for finding in archive.check(session):
                report.note(f"numbers: {finding}")
        for path in fixity.strangers(session):
            report.note(f"store: {path}: nothing knows this file")
    return report


def _rows(session: Session, report: Report) -> None:
    for definition in current().entities.values():
        if not register.is_registered(definition):
            continue
        report.rows += register.count(session, definition)
        for what, record_id in register.check(session, definition):
            report.note(f"{definition.name} {record_id}: {WORDS[what]}")
        session.expunge_all()


def _files(session: Session, report: Report) -> None:
    after = 0
    while True:
        rows = session.execute(
            select(StoredFile.id, StoredFile.sha256, StoredFile.size)
            .where(StoredFile.id > after)
            .order_by(StoredFile.id)
            .limit(_BATCH)
        ).all()
        if not rows:
            return
        for row in rows:
            report.files += 1
            try:
                if not fixity.is_whole(row.sha256, row.size):
                    report.note(f"stored file {row.id} ({row.sha256}): not what it was")
            except FileGone:
                report.note(f"stored file {row.id} ({row.sha256}): gone from the store")
        after = rows[-1].id


def _packages(session: Session, archive: declaring.Archive, report: Report) -> None:
    after = 0
    said = _entries(session, archive)
    while some := archive.sealed(session, after, _BATCH):
        for one in some:
            report.packages += 1
            for finding in _package(session, archive, one, said.pop(one.id, None)):
                report.note(f"package {one.number}: {finding}")
        after = some[-1].id
    for record_id, entry in sorted(said.items()):
        report.note(f"package {entry['number']} ({record_id}): sealed, and its row says otherwise")


def _package(
    session: Session,
    archive: declaring.Archive,
    one: declaring.Sealed,
    entry: dict[str, Any] | None,
) -> Iterator[str]:
    if entry is None:
        yield "the register does not know that it was sealed"
    elif (entry["seal"], entry["path"], entry["number"], entry["size"]) != (
        one.seal, one.path, one.number, one.size,
    ):  # fmt: skip
        yield "its row does not say what the register says"
    try:
        yield from fixity.check_package(one)
        with store().local(one.path) as place, checking.opened(place) as package:
            yield from archive.compare(session, one, checking.metadata_of(package))
    except FileGone:
        yield "it is gone from the store"
    except (zipfile.BadZipFile, OSError, ValueError, KeyError, TypeError, NotImplementedError):
        yield "what it says of its records cannot be read"


def _entries(session: Session, archive: declaring.Archive) -> dict[int, dict[str, Any]]:
    """What the register says of each sealed package."""
    rows = session.execute(
        select(AuditEntry.record_id, AuditEntry.details).where(
            AuditEntry.kind == SEALED, AuditEntry.entity == archive.entity
        )
    )
    return {int(record_id or 0): json.loads(details) for record_id, details in rows}
