"""What undoing may not take back: a period that runs, a release, and which version is in force."""

from __future__ import annotations

from typing import Any

from flask_babel import lazy_gettext as _
from sqlalchemy import select

from app.domains.documents import retention
from app.domains.documents.choices import FILED, LOCKED, Retention
from app.domains.documents.holding import is_held
from app.engine import figures
from app.engine.errors import InvalidInput
from app.engine.events import on
from app.engine.holds import Hold

_NAMES = ("state", "retention", "retention_years", "counted_from", "filed_on", "contract_ends_on",
          "event_on", "retain_until", "document_class", "customer")  # fmt: skip


def _stored(changes: Any, entity: str, record_id: int, names: tuple[str, ...]) -> dict[str, Any]:
    """What stands in the database: the record has got its values from before already."""
    source = figures.Source(entity)
    statement = select(*(source[name] for name in names)).where(source["id"] == record_id)
    (row,) = figures.looked_up(changes, statement)
    return dict(zip(names, row, strict=True))


@on("Document", "undoing")
def document(changes: Any, record: Any) -> None:
    """Raises InvalidInput where it would come out of the archive, or its period grow shorter."""
    was = _stored(changes, "Document", record.id, _NAMES)
    columns = {"document_class": "document_class_id", "customer": "customer_id"}
    now = {name: getattr(record, columns.get(name, name)) for name in _NAMES}
    leaves = was["state"] in LOCKED and now["state"] not in LOCKED
    if leaves or (was["state"] in FILED and not retention.is_over(was) and _shorter(was, now)):
        raise InvalidInput.of("state", Hold(retention.why(was), was["retain_until"]).refusal)
    record.held = is_held(changes, record.id, now)


def _shorter(was: dict[str, Any], now: dict[str, Any]) -> bool:
    """Whether the document would no longer be kept for as long as it has to be."""
    if now["state"] not in FILED:
        return True
    if now["retention"] == Retention.PERMANENT:
        return False
    if was["retention"] == Retention.PERMANENT:
        return True
    before, after = was["retain_until"], now["retain_until"]
    return before is not None and (after is None or after < before)


@on("DocumentVersion", "undoing")
def version(changes: Any, record: Any) -> None:
    """Raises InvalidInput: one version is in force at any time, and another one takes its place."""
    was = _stored(changes, "DocumentVersion", record.id, ("in_force",))
    if bool(was["in_force"]) != bool(record.in_force):
        raise InvalidInput.of("in_force", _("Put the other version in force instead."))


@on("LegalHold", "undoing")
def release(changes: Any, record: Any) -> None:
    """Raises InvalidInput: a release stays on record."""
    was = _stored(changes, "LegalHold", record.id, ("released_at",))
    if was["released_at"] is not None and record.released_at is None:
        raise InvalidInput.of(None, _("It was released; a new hold is a record of its own."))
