"""Row scopes: which rows “own” and “none” mean, as conditions on an entity's model."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, false, or_, select

from app.engine import registry
from app.engine.policy.viewer import Viewer


def scope_clause(
    definition: registry.EntityDefinition, viewer: Viewer, action: str = "read"
) -> ColumnElement[bool] | None:
    """The condition for the rows on which the viewer may act so; None when there is no limit."""
    scope = viewer.scope(definition.name, action)
    clause = None if scope == "all" else false() if scope == "none" else _own(definition, viewer)
    through = definition.options.scope_through
    if through is None or scope == "none":
        return clause
    return _followed(definition, viewer, through, scope)


def _own(definition: registry.EntityDefinition, viewer: Viewer) -> ColumnElement[bool]:
    """Rows of whom the viewer is the owner; without an owner field, those that they made."""
    model: Any = definition.model
    if viewer.user_id is None:
        return false()
    if definition.owner_field is not None:
        mine: ColumnElement[bool] = definition.owner_field.expression(model) == viewer.user_id
        return mine
    made: ColumnElement[bool] = model.created_by_id == viewer.user_id
    return made


def _followed(
    definition: registry.EntityDefinition, viewer: Viewer, through: str, scope: str
) -> ColumnElement[bool] | None:
    """A record goes with the one that it belongs to: whoever may not see that, may not see this."""
    field = definition.field(through)
    target = registry.current().entity(str(field.target))
    above = scope_clause(target, viewer)
    if above is None and scope == "own":
        above = _own(target, viewer)
    if above is None:
        return None
    column = field.expression(definition.model)
    inside = column.in_(select(target.model.id).where(above))
    if scope == "own" and viewer.user_id is not None:
        made = (definition.model.created_by_id == viewer.user_id) & column.is_(None)
        return or_(inside, made)
    return inside
