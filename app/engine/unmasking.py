"""Unmasking: one masked value of one record, shown once, for a reason that the audit log keeps."""

from __future__ import annotations

from typing import Any

from flask_babel import lazy_gettext as _
from sqlalchemy import select

from app.engine import audit, policy
from app.engine.errors import InvalidInput, NotAllowed, NotFound
from app.engine.fields import Field
from app.engine.presentation import may
from app.engine.query import Records
from app.engine.registry import EntityDefinition

ACTION = "unmask"
SHORTEST, LONGEST = 5, 200
"""Characters of a reason: five say something in Chinese too."""


def offered(definition: EntityDefinition, record_id: int, fields: list[Field]) -> frozenset[str]:
    """The names of those fields whose values the viewer sees masked here and may have shown."""
    viewer = policy.current_viewer()
    masked = [f.name for f in fields if policy.access(definition, f, viewer) == "masked"]
    if not masked or not may(definition, record_id, ACTION, viewer):
        return frozenset()
    return frozenset(masked)


def maskable(definition: EntityDefinition, record_id: int, name: str) -> Field:
    """The field, if it may be unmasked on this record. Raises NotFound, NotAllowed."""
    viewer = policy.current_viewer()
    viewer.require(definition.name, ACTION)
    field = policy.known_field(definition, name)
    if policy.access(definition, field) != "masked":
        raise NotFound(_("This value is not masked."))
    Records(definition).get(record_id, [])
    if not may(definition, record_id, ACTION, viewer):
        raise NotAllowed
    return field


def unmask(definition: EntityDefinition, record_id: int, name: str, reason: object) -> Any:
    """The value itself. Raises NotFound, NotAllowed, InvalidInput naming the reason.

    Who saw what and why is written before the answer leaves, or there is none.
    """
    field = maskable(definition, record_id, name)
    why = checked_reason(reason)
    value = _value(definition, record_id, field)
    details = {"field": field.name, "reason": why}
    audit.record(ACTION, entity=definition.name, record_id=record_id, details=details, apart=True)
    return value


def checked_reason(reason: object) -> str:
    """A reason that says something, in one line. Raises InvalidInput."""
    text = " ".join(str(reason).split()) if isinstance(reason, str) else ""
    if len(text) < SHORTEST:
        raise InvalidInput.of(
            "reason", _("Say why, in at least %(number)s characters.", number=SHORTEST)
        )
    if len(text) > LONGEST:
        raise InvalidInput.of("reason", _("At most %(number)s characters.", number=LONGEST))
    return text


def _value(definition: EntityDefinition, record_id: int, field: Field) -> Any:
    model = definition.model
    with policy.unrestricted("one masked value, allowed and recorded above") as session:
        statement = select(field.expression(model)).where(
            model.id == record_id, model.deleted_at.is_(None)
        )
        value = session.scalar(statement)
    kept_otherwise = field.custom or field.type_name == "boolean"
    return field.from_database(value) if kept_otherwise else value
