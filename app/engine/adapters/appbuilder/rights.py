"""Where Flask-AppBuilder's questions about permissions meet the policy: the only place."""

from __future__ import annotations

from flask_login import current_user

from app.engine.policy import USERS, current_viewer

ACTIONS = {
    "can_list": "read",
    "can_show": "read",
    "can_get": "read",
    "can_info": "read",
    "can_read": "read",
    "can_add": "create",
    "can_post": "create",
    "can_edit": "update",
    "can_put": "update",
    "can_write": "update",
    "can_delete": "delete",
}
"""Flask-AppBuilder's permission names, as actions of the policy."""

FOR_EVERYBODY = frozenset({"OpenApi", "MenuApi", "SwaggerView"})
"""Views of Flask-AppBuilder that whoever is signed in may see; they show no record."""


def allowed(permission: str, view: str) -> bool:
    """Whether the person of this request has the permission on the view or entity of that name."""
    if view in FOR_EVERYBODY:
        return bool(current_user.is_authenticated)
    action = ACTIONS.get(permission, permission.removeprefix("can_"))
    return current_viewer().can(view, action)


def manages_users(action: str = "update") -> bool:
    """Whether they may do this with users and roles."""
    return current_viewer().can(USERS, action)
