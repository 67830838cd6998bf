"""Row scopes as conditions on an entity's model: whose records, which of them, and shared ones."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, and_, false, or_, select

from app.engine import registry
from app.engine.conditions import Condition
from app.engine.errors import StewardError
from app.engine.policy.people import shared_with
from app.engine.policy.rights import Grant
from app.engine.policy.viewer import Viewer

Clause = ColumnElement[bool] | None
"""A condition on rows; None for no limit."""


def scope_clause(
    definition: registry.EntityDefinition,
    viewer: Viewer,
    action: str = "read",
    shared: bool = True,
) -> Clause:
    """The condition for the rows on which the viewer may act so; None when there is no limit.

    Not `shared`: only by their own rights, without what others have shared with them.
    """
    grants = viewer.grants(definition.name, action)
    clauses = [grant_clause(definition, viewer, grant, action, shared) for grant in grants]
    if not clauses:
        return false()
    found: list[ColumnElement[bool]] = []
    for clause in clauses:
        if clause is None:
            return None
        found.append(clause)
    added = shared_clause(definition, viewer, action) if shared else None
    return or_(*found) if added is None else or_(*found, added)


def reaches_all_seen(definition: registry.EntityDefinition, viewer: Viewer, action: str) -> bool:
    """Whether the viewer may act so on whatever they see, without asking the database."""
    name = definition.name
    if viewer.grants(name, action) != viewer.grants(name, "read"):
        return False
    return viewer.user_id is None or not shared_with(viewer.user_id)


def owners(viewer: Viewer, entity: str, action: str) -> frozenset[int] | None:
    """Who may be the owner of records on which the viewer acts so; None for anybody."""
    scopes = {grant.scope for grant in viewer.grants(entity, action)}
    if "all" in scopes:
        return None
    standing_in = not registry.current().entity(entity).options.shapes_rights
    return frozenset().union(*(viewer.people(scope, standing_in) for scope in scopes))


def grant_clause(
    definition: registry.EntityDefinition,
    viewer: Viewer,
    grant: Grant,
    action: str,
    shared: bool = True,
) -> Clause:
    """The rows that one grant for an action covers; None for all."""
    clauses = [_whose(definition, viewer, grant.scope, action, shared)]
    clauses += [_meets(definition, condition) for condition in grant.conditions]
    limits = [clause for clause in clauses if clause is not None]
    return and_(*limits) if limits else None


def _whose(
    definition: registry.EntityDefinition, viewer: Viewer, scope: str, action: str, shared: bool
) -> Clause:
    through = definition.options.scope_through
    if through is not None:
        return _followed(definition, viewer, through, scope, action, shared)
    return None if scope == "all" else _owned(definition, viewer, scope)


def _owned(
    definition: registry.EntityDefinition, viewer: Viewer, scope: str
) -> ColumnElement[bool]:
    """Rows of whom one of the people is the owner; without an owner field, those they made.

    Who stands in for somebody does not give away rights in their name.
    """
    people = sorted(viewer.people(scope, not definition.options.shapes_rights))
    if not people:
        return false()
    column = _owner_column(definition)
    mine: ColumnElement[bool] = column == people[0] if len(people) == 1 else column.in_(people)
    return mine


def _owner_column(definition: registry.EntityDefinition) -> ColumnElement[Any]:
    model: Any = definition.model
    if definition.owner_field is not None:
        return definition.owner_field.expression(model)
    made: ColumnElement[Any] = model.created_by_id
    return made


def _followed(
    definition: registry.EntityDefinition,
    viewer: Viewer,
    through: str,
    scope: str,
    action: str,
    shared: bool,
) -> Clause:
    """A record goes with the one that it belongs to: whoever may not see that, may not see this.

    What is shared for reading brings its own to be read; shared for editing, to be edited, too.
    """
    field = definition.field(through)
    target = registry.current().entity(str(field.target))
    above = scope_clause(target, viewer, shared=shared)
    whose = _whose(target, viewer, scope, action, shared)
    if whose is not None:
        added = shared_clause(target, viewer, action) if shared else None
        reached = whose if added is None else or_(whose, added)
        above = reached if above is None else and_(reached, above)
    if above is None:
        return None
    column = field.expression(definition.model)
    inside = column.in_(select(target.model.id).where(above))
    alone = column.is_(None)
    if scope != "all":
        alone &= definition.model.created_by_id.in_(sorted(viewer.people(scope)))
    return or_(inside, alone)


def shared_clause(definition: registry.EntityDefinition, viewer: Viewer, action: str) -> Clause:
    """The rows that others have shared with this person or their teams, and may so act on now.

    A share gives no more than the sharer has by their own rights at the moment of asking.
    """
    if viewer.user_id is None:
        return None
    model: Any = definition.model
    found: list[ColumnElement[bool]] = []
    for sharer, ids in shared_with(viewer.user_id).get((definition.name, action), {}).items():
        named = model.id.in_(ids)
        limit = None
        if sharer is not None:
            limit = scope_clause(definition, viewer.sharer(sharer), action, shared=False)
        found.append(named if limit is None else and_(named, limit))
    return or_(*found) if found else None


def _meets(definition: registry.EntityDefinition, text: str) -> ColumnElement[bool]:
    """A condition out of a role; one that can no longer be understood is met by no record."""
    try:
        condition = Condition.parse(text)
        field = definition.field(condition.field)
        return field.clause(
            field.expression(definition.model), condition.operator, condition.operand
        )
    except StewardError:
        return false()
