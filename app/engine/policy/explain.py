"""Why somebody may do something with a record, or not: each rule of theirs, and whether it holds.

The answer is given by the very conditions that queries get, so it cannot differ from what happens.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.engine.fields import Field
from app.engine.policy.rights import Grant
from app.engine.policy.scopes import grant_clause, scope_clause, shared_clause
from app.engine.policy.viewer import Viewer, unrestricted
from app.engine.registry import EntityDefinition


@dataclass(frozen=True)
class RowReason:
    """A role's grant for an action (None: the record was shared with them), and whether it holds."""

    role_id: int | None
    grant: Grant | None
    holds: bool


@dataclass(frozen=True)
class RowAnswer:
    """Whether the person may act so on the record, and by which of their rules."""

    action: str
    allowed: bool
    reasons: Sequence[RowReason]


@dataclass(frozen=True)
class FieldReason:
    """The access that a role gives, and the line that says so; without one nothing is held back."""

    role_id: int
    access: str
    line: tuple[str, str] | None


def why_record(
    definition: EntityDefinition, record_id: int, viewer: Viewer, actions: Sequence[str]
) -> list[RowAnswer]:
    """Of each action, whether this person may do it to the record, with every rule that was asked."""
    with unrestricted("the question is put for another person") as session:
        return [_why(session, definition, record_id, viewer, action) for action in actions]


def _why(
    session: Session, definition: EntityDefinition, record_id: int, viewer: Viewer, action: str
) -> RowAnswer:
    reasons = []
    for role in viewer.rights.roles:
        grant = role.grant(definition.name, action)
        if grant.scope != "none":
            clause = grant_clause(definition, viewer, grant, action)
            reasons.append(
                RowReason(role.role_id, grant, _meets(session, definition, record_id, clause))
            )
    shared = shared_clause(definition, viewer, action)
    if reasons and shared is not None and _meets(session, definition, record_id, shared):
        reasons.append(RowReason(None, None, True))
    clause = scope_clause(definition, viewer, action)
    return RowAnswer(action, _meets(session, definition, record_id, clause), reasons)


def _meets(session: Session, definition: EntityDefinition, record_id: int, clause: Any) -> bool:
    model: Any = definition.model
    statement = select(model.id).where(model.id == record_id)
    if clause is not None:
        statement = statement.where(clause)
    return session.scalar(statement) is not None


def why_field(definition: EntityDefinition, field: Field, viewer: Viewer) -> list[FieldReason]:
    """What each role that may read the entity says of the field; the most of them counts."""
    reasons = []
    for role in viewer.rights.roles:
        if role.scope(definition.name, "read") != "none":
            line = role.line(definition.name, field.name, field.personal)
            access = role.access(definition.name, field.name, field.personal)
            reasons.append(FieldReason(role.role_id, access, line))
    return reasons
