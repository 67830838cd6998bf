"""The built-in roles as data: what each may do with which records, and which fields it sees.

`grants` say {entity: {action: scope}} and `fields` {entity: {field: access}}, with `*` for all;
`*personal` stands for every field that holds personal data. What an administrator has changed in a
role stays; a later version only adds grants for entities that the role says nothing about.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import current_app
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.engine import policy

ADMINISTRATOR = "Admin"
SALES = "Sales"
GUEST = "Guest"

_OWN_RECORDS = {
    "read": "own", "create": "own", "update": "own", "delete": "own",
    "import": "own", "export": "own",
}  # fmt: skip

ROLES: tuple[Mapping[str, Any], ...] = (
    {
        "name": ADMINISTRATOR,
        "label_zh": "管理员",
        "label_en": "Administrator",
        "purpose_zh": "管理系统和全部数据：审核、彻底删除、用户、角色与字段。",
        "purpose_en": "Runs the system and all data: approval, purging, users, roles and fields.",
        "grants": {"*": {"*": "all"}},
    },
    {
        "name": SALES,
        "label_zh": "销售代表",
        "label_en": "Sales representative",
        "purpose_zh": "登记并维护本人负责的客户及其联系人；不能审核和彻底删除。",
        "purpose_en": "Registers and keeps their own customers and contacts; can't approve or purge.",
        "grants": {"Customer": _OWN_RECORDS, "Contact": _OWN_RECORDS},
    },
    {
        "name": GUEST,
        "label_zh": "只读访客",
        "label_en": "Read-only guest",
        "purpose_zh": "查看全部客户；电话和邮箱脱敏，不显示生日和微信号。",
        "purpose_en": "Sees all customers; phone and e-mail masked, no birthdays or WeChat IDs.",
        "grants": {"Customer": {"read": "all"}, "Contact": {"read": "all"}},
        "fields": {
            "*": {"*personal": "masked"},
            "Contact": {"birthday": "hidden", "wechat": "hidden", "notes": "hidden"},
            "Customer": {"notes": "hidden"},
        },
    },
)


def ensure_roles() -> dict[str, int]:
    """Make the roles that are missing; their ids by name. Commits, as Flask-AppBuilder does."""
    manager = current_app.appbuilder.sm  # type: ignore[attr-defined]
    return {
        role["name"]: (manager.find_role(role["name"]) or manager.add_role(role["name"])).id
        for role in ROLES
    }


def grant_rights(session: Session, ids: Mapping[str, int]) -> None:
    """Give the roles what they lack of their rights and names, in the session's transaction."""
    for role in ROLES:
        role_id = ids[role["name"]]
        policy.replace_role(session, role_id, _merged(session, role_id, role))
        if session.get(policy.RoleProfile, role_id) is None:
            names = ("label_zh", "label_en", "purpose_zh", "purpose_en")
            session.add(policy.RoleProfile(role_id=role_id, **{n: role[n] for n in names}))


def _merged(session: Session, role_id: int, role: Mapping[str, Any]) -> dict[str, Any]:
    """The role as it stands, with what the data say of entities that it does not mention."""
    grants: dict[str, dict[str, str]] = {}
    fields: dict[str, dict[str, str]] = {}
    grant, access = policy.RoleGrant, policy.RoleFieldAccess
    for row in session.scalars(select(grant).where(grant.role_id == role_id)):
        grants.setdefault(row.entity, {})[row.action] = row.scope
    for line in session.scalars(select(access).where(access.role_id == role_id)):
        fields.setdefault(line.entity, {})[line.field] = line.access
    for entity, actions in role["grants"].items():
        grants.setdefault(entity, dict(actions))
    for entity, names in role.get("fields", {}).items():
        fields.setdefault(entity, dict(names))
    return {"grants": grants, "fields": fields}
