"""Flask-AppBuilder's permission rows, derived from the policy: a mirror for its tools to read.

`can_read on Parcel` stands in its tables for each role whose grants say so. Nothing is decided by
these rows; the policy is the truth, and deriving again makes them say the same.
"""

from __future__ import annotations

from collections.abc import Collection

from flask_appbuilder.security.sqla.models import Permission, PermissionView, Role, ViewMenu
from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload

from app.engine import policy, registry
from app.engine.policy.rights import load_rights


def derive(session: Session, role_ids: Collection[int] | None = None) -> None:
    """Make the permission rows of these roles (None: of all) those that their grants stand for.

    Does not commit.
    """
    rows = _permission_rows(session)
    statement = select(Role).options(selectinload(Role.permissions))
    if role_ids is not None:
        statement = statement.where(Role.id.in_(role_ids))
    for role in session.scalars(statement):
        rights = load_rights(session, [role.id])
        role.permissions = [
            row for (entity, action), row in rows.items() if rights.scope(entity, action) != "none"
        ]
    session.flush()


def _permission_rows(session: Session) -> dict[tuple[str, str], PermissionView]:
    """A row for each entity and action; those that are missing are made."""
    views = {view.name: view for view in session.scalars(select(ViewMenu))}
    permissions = {item.name: item for item in session.scalars(select(Permission))}
    known = {
        (p.view_menu.name, p.permission.name): p for p in session.scalars(select(PermissionView))
    }
    rows = {}
    for entity in (*registry.current().entities, *policy.BESIDE):
        view = views.setdefault(entity, ViewMenu(name=entity))
        for action in policy.ACTIONS:
            name = f"can_{action}"
            permission = permissions.setdefault(name, Permission(name=name))
            row = known.get((entity, name))
            if row is None:
                row = PermissionView(permission=permission, view_menu=view)
                session.add(row)
            rows[entity, action] = row
    return rows
