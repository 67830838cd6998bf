"""What keeps documents and what belongs to them as they are: guards, asked at every door.

A document that is filed can't be deleted before its period is over; once it is archived, it can't be
changed either. Under a legal hold nothing of it can be. A version that has been in force stays with
its files as it was. A class under a hold stays where it is, else what lies below would slip from it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from flask_babel import lazy_gettext as _
from sqlalchemy import or_, select

from app.domains.documents import retention
from app.domains.documents.choices import EDITABLE, FILED, LOCKED, DocumentState, today
from app.domains.documents.document import Document
from app.domains.documents.holding import CLASS, CUSTOMER, Filed, holds_of, line, parents, why
from app.domains.documents.version import (
    BEEN_IN_FORCE,
    CLOSED,
    DocumentFile,
    DocumentVersion,
)
from app.engine import registry
from app.engine.holds import Hold, guards, shuts, stays

NOTED = frozenset({
    "held", "papers", "missing_papers", "retain_until", "checked_out_by", "checked_out_at",
})  # fmt: skip
"""What is worked out for a document, and who is at work on it: no change of what it says."""

FREE_IN_ARCHIVE = NOTED | {"state", "event_on", "contract_ends_on", "superseded_by", "place"}
"""What may change of an archived document: its period may come to an end, and paper be moved."""

IN_FORCE = frozenset({"in_force", "in_force_of", "in_force_since", "in_force_until"})
"""Of a version: whether it counts now."""

RELEASING = frozenset({"release_reason", "released_at", "released_by", "reason", "case"})

_COLUMNS = ("state", "retention", "retention_years", "counted_from", "filed_on",
            "contract_ends_on", "event_on", "retain_until")  # fmt: skip

Found = dict[int, list[Hold]]


@guards("Document")
def documents(session: Any, ids: Collection[int]) -> Found:
    """Legal holds, and the period of what is filed."""
    model: Any = Document
    columns = [getattr(model, name) for name in _COLUMNS]
    statement = select(model.id, model.document_class_id, model.customer_id, *columns)
    rows = session.execute(statement.where(model.id.in_(ids))).all()
    held = holds_of(session, [Filed(*row[:3]) for row in rows])
    found: Found = {}
    for row in rows:
        values = dict(zip(_COLUMNS, row[3:], strict=True))
        standing = [_legal(hold, NOTED) for hold in held.get(row[0], ())]
        standing += _period(values)
        found[row[0]] = standing
    return found


def _legal(row: Any, free: frozenset[str] = frozenset()) -> Hold:
    return Hold(why(row), row.until, free)


def _period(values: Mapping[str, Any]) -> list[Hold]:
    """Why a filed document is kept; nothing of a draft, and of what is over."""
    state = values["state"]
    if state not in FILED:
        return []
    free = FREE_IN_ARCHIVE if state in LOCKED else None
    if state == DocumentState.IN_FORCE and retention.is_over(values):
        return [Hold(_("It is in force."), None, free)]
    if retention.is_over(values):
        return []
    return [Hold(retention.why(values), values["retain_until"], free)]


@guards("DocumentVersion")
def versions(session: Any, ids: Collection[int]) -> Found:
    """What keeps its document; and that it has been in force."""
    model: Any = DocumentVersion
    statement = select(model.id, model.document_id, model.in_force_since)
    rows = session.execute(statement.where(model.id.in_(ids))).all()
    been = {row[0] for row in rows if row[2] is not None}
    return _with_their_documents(session, {row[0]: row[1] for row in rows}, been, IN_FORCE)


@guards("DocumentFile")
def files(session: Any, ids: Collection[int]) -> Found:
    """What keeps its document; and that its version has been in force."""
    model, version = _models(DocumentFile, DocumentVersion)
    statement = (
        select(model.id, model.document_id, version.in_force_since)
        .outerjoin(version, version.id == model.document_version_id)
        .where(model.id.in_(ids))
    )
    rows = session.execute(statement).all()
    been = {row[0] for row in rows if row[2] is not None}
    return _with_their_documents(session, {row[0]: row[1] for row in rows}, been, frozenset())


@shuts("Document", "DocumentVersion")
def closed_to_versions(session: Any, document_id: int) -> Any:
    """A document that is held or closed takes no further version, as its rules say too."""
    document: Any = session.get(Document, document_id)
    if document is None:
        return None
    one = Filed(document.id, document.document_class_id, document.customer_id)
    for rows in holds_of(session, [one]).values():
        return why(rows[0])
    return None if document.state in EDITABLE else CLOSED


@shuts("DocumentVersion", "DocumentFile")
def closed_to_files(session: Any, version_id: int) -> Any:
    """So does a version of it take no file, nor one that has been in force."""
    version: Any = session.get(DocumentVersion, version_id)
    if version is None:
        return None
    closed = closed_to_versions(session, version.document_id)
    return BEEN_IN_FORCE if closed is None and version.in_force_since is not None else closed


BEEN = _("It belongs to a version that has been in force.")


def _models(*models: Any) -> Any:
    return models


def _with_their_documents(
    session: Any, by_record: Mapping[int, int | None], been: Collection[int], free: frozenset[str]
) -> Found:
    """Of records that belong to documents what keeps those, as far as that closes them.

    `been`: those that have been in force; they stay as they were while the document is kept at all.
    """
    ids = {document for document in by_record.values() if document is not None}
    kept = documents(session, sorted(ids)) if ids else {}
    found: Found = defaultdict(list)
    for record_id, document in by_record.items():
        standing = kept.get(document or 0, [])
        found[record_id] = [Hold(one.why, one.until) for one in standing if one.free is not None]
        if standing and record_id in been:
            found[record_id].append(Hold(BEEN, None, free))
    return found


@guards(CLASS)
def classes(session: Any, ids: Collection[int]) -> Found:
    """A hold on a class, or on one above it."""
    rows = _open_on(session, CLASS)
    above = parents(session) if rows else {}
    found: Found = {}
    for class_id in ids if rows else ():
        levels = set(line(above, class_id))
        found[class_id] = [_legal(row) for row in rows if row.record in levels]
    return found


@stays(CUSTOMER)
def customers(session: Any, ids: Collection[int]) -> Found:
    """A customer under a hold is neither deleted nor merged into another."""
    found: Found = defaultdict(list)
    for row in _open_on(session, CUSTOMER, ids):
        found[row.record].append(_legal(row))
    return found


@guards("LegalHold")
def legal_holds(session: Any, ids: Collection[int]) -> Found:
    """An open hold is released, with the reason, before it can be deleted; and binds till then."""
    model: Any = registry.current().entity("LegalHold").model
    statement = select(model.id, model.until).where(model.id.in_(ids), *_open(model))
    return {row[0]: [Hold(_("The hold is open: release it, saying why."), row[1], RELEASING)]
            for row in session.execute(statement)}  # fmt: skip


def _open(model: Any) -> Sequence[Any]:
    """The conditions under which a hold stands."""
    return (
        model.deleted_at.is_(None),
        model.released_at.is_(None),
        or_(model.until.is_(None), model.until >= today()),
    )


def _open_on(session: Any, entity: str, ids: Iterable[int] | None = None) -> Sequence[Any]:
    model: Any = registry.current().entity("LegalHold").model
    columns = (model.record, model.reason, model.case, model.until)
    statement = select(*columns).where(*_open(model), model.entity == entity).order_by(model.id)
    if ids is not None:
        statement = statement.where(model.record.in_(sorted(ids)))
    rows: Sequence[Any] = session.execute(statement).all()
    return rows
