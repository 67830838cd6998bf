"""What keeps documents: legal holds on them, on their class or one above it, or on their customer.

Holds are records of the engine's LegalHold, each of a case; several may stand at once. Whether any
stands is noted on the document, so that lists and charts find those held; what keeps a document from
being changed is asked for anew each time, and does not go by that note.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask_babel import lazy_gettext as _
from sqlalchemy import and_, or_, select

from app.domains.documents.choices import today
from app.domains.documents.document_class import DocumentClass
from app.engine import figures, registry
from app.engine.events import on
from app.engine.rules import Saving

DOCUMENT, CLASS, CUSTOMER = "Document", "DocumentClass", "Customer"
PART = 5000


@dataclass(frozen=True)
class Filed:
    """A document as holds ask for it."""

    id: int
    document_class: int | None
    customer: int | None


def holds_of(session: Any, documents: Collection[Filed]) -> dict[int, list[Any]]:
    """The open holds on these documents, those on what they belong to included: rows of LegalHold.

    Two statements, however many documents. `session` sees everything.
    """
    found: dict[int, list[Any]] = defaultdict(list)
    by_target: dict[tuple[str, int], list[Any]] = defaultdict(list)
    for row in session.execute(_open_holds(documents)):
        by_target[row.entity, row.record].append(row)
    if not by_target:
        return found
    above = parents(session) if any(entity == CLASS for entity, _id in by_target) else {}
    for one in documents:
        targets = [(DOCUMENT, one.id), (CUSTOMER, one.customer or 0)]
        targets += [(CLASS, level) for level in line(above, one.document_class)]
        for target in targets:
            found[one.id] += by_target.get(target, ())
    return {record_id: rows for record_id, rows in found.items() if rows}


def _open_holds(documents: Collection[Filed]) -> Any:
    model: Any = registry.current().entity("LegalHold").model
    customers = {one.customer for one in documents if one.customer is not None}
    return (
        select(model.entity, model.record, model.reason, model.case, model.until)
        .where(
            model.deleted_at.is_(None),
            model.released_at.is_(None),
            or_(model.until.is_(None), model.until >= today()),
            or_(
                model.entity == CLASS,
                and_(model.entity == DOCUMENT, model.record.in_([one.id for one in documents])),
                and_(model.entity == CUSTOMER, model.record.in_(sorted(customers))),
            ),
        )
        .order_by(model.id)
    )


def parents(session: Any) -> dict[int, int | None]:
    """Of every class the one above it."""
    model: Any = DocumentClass
    return {row[0]: row[1] for row in session.execute(select(model.id, model.parent_id))}


def line(above: Mapping[int, int | None], class_id: int | None) -> list[int]:
    """A class and those above it, from below."""
    found: list[int] = []
    while class_id is not None and class_id not in found:
        found.append(class_id)
        class_id = above.get(class_id)
    return found


def below(above: Mapping[int, int | None], class_id: int) -> list[int]:
    """A class and all those below it."""
    return [one for one in {*above, class_id} if class_id in line(above, one)]


def is_held(changes: Any, record_id: int | None, values: Mapping[str, Any]) -> bool:
    """Whether a hold stands on the document as it is about to be saved."""
    one = Filed(record_id or 0, values.get("document_class"), values.get("customer"))
    return bool(holds_of(_Seeing(changes), [one]))


def refuse_additions(saving: Saving, document: Any) -> None:
    """Nothing is added to a document under a hold."""
    one = Filed(document.id, document.document_class_id, document.customer_id)
    for rows in holds_of(_Seeing(saving.changes), [one]).values():
        saving.problem(None, why(rows[0]))
        return


def why(row: Any) -> Any:
    """What a hold says, with its case."""
    if row.case:
        return _("Legal hold, case %(case)s: %(reason)s", case=row.case, reason=row.reason)
    return _("Legal hold: %(reason)s", reason=row.reason)


class _Seeing:
    """Statements over every record, whoever acts."""

    def __init__(self, changes: Any) -> None:
        self.changes = changes

    def execute(self, statement: Any) -> Sequence[Any]:
        return figures.looked_up(self.changes, statement)


# -- the note on the documents -----------------------------------------------------------------------


def note(changes: Any, name: str = "", values: Iterable[int] = ()) -> int:
    """Note on documents whether they are held: on those with these values of a field, or on all.

    Of how many that was another answer than before.
    """
    source = figures.Source(DOCUMENT)
    columns = [source[n] for n in ("id", "document_class", "customer", "held")]
    statement = select(*columns)
    if name:
        statement = statement.where(source[name].in_(sorted(values)))
    rows = figures.looked_up(changes, statement)
    changed = 0
    for start in range(0, len(rows), PART):
        part = rows[start : start + PART]
        held = holds_of(_Seeing(changes), [Filed(*row[:3]) for row in part])
        for value in (True, False):
            ids = [r[0] for r in part if bool(r[3]) != value and (r[0] in held) == value]
            changed += figures.keep(changes, DOCUMENT, {"held": value}, ids)
    return changed


def note_target(changes: Any, entity: str, record_id: int) -> None:
    """After a hold on it was made, changed or released."""
    if entity == DOCUMENT:
        note(changes, "id", [record_id])
    elif entity == CUSTOMER:
        note(changes, "customer", [record_id])
    elif entity == CLASS:
        note(changes, "document_class", below(parents(_Seeing(changes)), record_id))


def _on_hold(changes: Any, hold: Any) -> None:
    note_target(changes, hold.entity, hold.record)


def _on_class(changes: Any, one: Any) -> None:
    note_target(changes, CLASS, one.id)


for _kind in ("created", "updated", "trashed", "restored"):
    on("LegalHold", _kind)(_on_hold)
on(CLASS, "updated")(_on_class)


__all__ = ["Filed", "below", "holds_of", "is_held", "line", "note", "note_target", "parents", "why"]
