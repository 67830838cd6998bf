"""The page of roles: what each may do and see, in words."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flask import render_template
from flask_appbuilder.baseviews import BaseView, expose
from flask_appbuilder.security.sqla.models import Role, assoc_user_role
from flask_babel import lazy_gettext as _
from sqlalchemy import func, select

from app.engine import registry
from app.engine.adapters.database import db
from app.engine.labels import Bilingual
from app.engine.policy import (
    ANY,
    PERSONAL,
    SYSTEM,
    USERS,
    RoleFieldAccess,
    RoleGrant,
    RoleProfile,
    current_viewer,
)

ACTION_WORDS = {
    "read": _("read"),
    "create": _("add"),
    "update": _("edit"),
    "delete": _("delete"),
    "approve": _("approve"),
    "import": _("import"),
    "export": _("export"),
    "purge": _("purge"),
    ANY: _("everything"),
}
SCOPE_WORDS = {"none": _("nothing"), "own": _("own records"), "all": _("all records")}
ACCESS_WORDS = {
    "hidden": _("hidden"),
    "masked": _("masked"),
    "read": _("read only"),
    "write": _("editable"),
}
NAMES = {
    ANY: _("Everything"),
    SYSTEM: _("The system"),
    USERS: _("Users and roles"),
}


@dataclass(frozen=True)
class RoleLabel:
    """What a role is called and what it is for."""

    name: Any
    purpose: Any


def role_labels() -> dict[int, RoleLabel]:
    """The label of every role, by its id; one query."""
    joined = select(Role.id, Role.name, RoleProfile).outerjoin(
        RoleProfile, RoleProfile.role_id == Role.id
    )
    labels = {}
    for role_id, name, profile in db.session.execute(joined):
        if profile is None:
            labels[role_id] = RoleLabel(name, "")
        else:
            labels[role_id] = RoleLabel(
                Bilingual(profile.label_zh or name, profile.label_en or name),
                Bilingual(profile.purpose_zh, profile.purpose_en),
            )
    return labels


class RolesView(BaseView):
    """/roles/…"""

    route_base = "/roles"
    default_view = "list"

    @expose("/list/")
    def list(self) -> str:
        """Every role with its grants and its view of fields."""
        current_viewer().require(USERS, "read")
        labels = role_labels()
        people = _people()
        grants = _grants()
        fields = _fields()
        roles = [
            {
                "id": role_id,
                "label": label,
                "people": people.get(role_id, 0),
                "grants": grants.get(role_id, []),
                "fields": fields.get(role_id, []),
            }
            for role_id, label in sorted(labels.items())
        ]
        return render_template("security/roles.html", roles=roles)


def _people() -> Mapping[int, int]:
    table = assoc_user_role
    counted = select(table.c.role_id, func.count()).group_by(table.c.role_id)
    return {row[0]: row[1] for row in db.session.execute(counted)}


def _grants() -> dict[int, list[dict[str, Any]]]:
    """By role: each entity with its actions, those of the same scope together."""
    found: dict[int, dict[str, dict[str, list[str]]]] = defaultdict(
        lambda: defaultdict(lambda: defaultdict(list))
    )
    for grant in db.session.scalars(select(RoleGrant).order_by(RoleGrant.id)):
        found[grant.role_id][grant.entity][grant.scope].append(grant.action)
    return {
        role_id: [
            {
                "entity": _entity(entity),
                "scopes": [
                    {"scope": SCOPE_WORDS[scope], "actions": [ACTION_WORDS[a] for a in actions]}
                    for scope, actions in scopes.items()
                ],
            }
            for entity, scopes in entities.items()
        ]
        for role_id, entities in found.items()
    }


def _fields() -> dict[int, list[tuple[Any, Any, Any]]]:
    """By role: entity, field and access, where a role sees less than everything."""
    found: dict[int, list[tuple[Any, Any, Any]]] = defaultdict(list)
    for row in db.session.scalars(select(RoleFieldAccess).order_by(RoleFieldAccess.id)):
        line = (_entity(row.entity), _field(row.entity, row.field), ACCESS_WORDS[row.access])
        found[row.role_id].append(line)
    return found


def _entity(name: str) -> Any:
    if name in NAMES:
        return NAMES[name]
    known = registry.current().entities
    return known[name].plural if name in known else name


def _field(entity: str, name: str) -> Any:
    if name == PERSONAL:
        return _("Personal data")
    if name == ANY:
        return _("All fields")
    known = registry.current().entities
    if entity in known and name in known[entity].fields:
        return known[entity].fields[name].label
    return name
