"""What follows for a document from being saved: each a rule of it, called by its declaration."""

from __future__ import annotations

from typing import Any

from flask_babel import lazy_gettext as _
from sqlalchemy import select

from app.domains.documents.choices import FILED, Retention, today
from app.domains.documents.document_class import DocumentClass
from app.domains.documents.holding import is_held
from app.domains.documents.retention import until
from app.engine import registry
from app.engine.rules import Saving, whoever_saves

KEEPING = ("retention", "retention_years", "counted_from")
BRINGS_CUSTOMER = ("order", "ticket", "interaction", "task")
"""References to records that belong to a customer: the document is filed under them, too."""


def take_from_class(saving: Saving) -> None:
    """What a document does not say it gets from its class; moved to another, it goes by that."""
    values = saving.values
    with whoever_saves():
        found = saving.changes.session.get(DocumentClass, values["document_class"])
    if found is None:
        return
    if saving.new:
        values["number_prefix"] = found.code
    if values.get("confidentiality") is None:
        values["confidentiality"] = found.confidentiality
    moved = not saving.new and saving.changed("document_class")
    own = any(saving.changed(name) for name in KEEPING)
    if moved and not own and values["state"] not in FILED:
        values |= dict.fromkeys(KEEPING)
    if values.get("retention") is None:
        values |= {name: getattr(found, name) for name in KEEPING[:2]}
    if values.get("counted_from") is None:
        values["counted_from"] = found.counted_from


def name_owner(saving: Saving) -> None:
    """Whoever makes a document answers for it, unless it names somebody."""
    if saving.new and not saving.from_elsewhere and saving.values.get("owner") is None:
        saving.values["owner"] = saving.changes.viewer.user_id


def find_customer(saving: Saving) -> None:
    """What is filed under a customer's order or ticket is filed under the customer."""
    values = saving.values
    for name in BRINGS_CUSTOMER:
        record_id = values.get(name)
        if values.get("customer") is not None or record_id is None or not saving.changed(name):
            continue
        target = registry.current().entity("Document").field(name).target
        model: Any = registry.current().entity(str(target)).model
        with whoever_saves():
            statement = select(model.customer_id).where(model.id == record_id)
            values["customer"] = saving.changes.session.scalar(statement)


def file(saving: Saving) -> None:
    """The day on which it is filed, until when it is then kept, and whether a hold stands on it."""
    values = saving.values
    filed = values.get("state") in FILED
    if filed and values.get("filed_on") is None:
        known = values.get("dated_on") if saving.from_elsewhere else None
        values["filed_on"] = known or today()
    values["retain_until"] = until(values) if filed else None
    if filed and saving.before.get("state") in FILED:
        _refuse_shorter(saving)
    if saving.new or saving.changed("document_class") or saving.changed("customer"):
        values["held"] = is_held(saving.changes, saving.record_id, values)


def _refuse_shorter(saving: Saving) -> None:
    """A period that runs may be made longer, and not shorter."""
    before, after = saving.before.get("retain_until"), saving.values.get("retain_until")
    was_permanent = saving.before.get("retention") == Retention.PERMANENT
    permanent = saving.values.get("retention") == Retention.PERMANENT
    if permanent or (before is None and not was_permanent):
        return
    if was_permanent or (after is not None and after < before):
        changed = [n for n in (*KEEPING, "filed_on", "contract_ends_on", "event_on")
                   if saving.changed(n)]  # fmt: skip
        saving.problem(
            changed[0] if changed else None,
            _("The period runs already: it can be made longer, but not shorter."),
        )
    elif after is None:
        saving.problem(None, _("The period runs already: the day that it counts from stays known."))


__all__ = ["file", "find_customer", "name_owner", "take_from_class"]
