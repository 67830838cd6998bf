"""Roles as Flask-AppBuilder keeps them: the rows, what they are called, and who has them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from flask_appbuilder.security.sqla.models import Role, assoc_user_role
from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from app.engine.adapters.appbuilder.user import StewardUser
from app.engine.adapters.database import db
from app.engine.labels import Bilingual
from app.engine.people import display_name
from app.engine.policy import RoleFieldAccess, RoleGrant, RoleInclude, RoleProfile

LONGEST_NAME = 64
"""Of the column ab_role.name."""


@dataclass(frozen=True)
class RoleLabel:
    """What a role is called and what it is for."""

    name: Any
    purpose: Any


@dataclass(frozen=True)
class Holder:
    """A person who can sign in, with the roles that they were given."""

    user_id: int
    name: str
    role_ids: tuple[int, ...]


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


def role_names(session: Session) -> dict[int, str]:
    """The name of every role in commands and in the API, by its id."""
    return {row[0]: row[1] for row in session.execute(select(Role.id, Role.name))}


def role_counts() -> Mapping[int, int]:
    """How many people have each role, those who can't sign in included."""
    table = assoc_user_role
    counted = select(table.c.role_id, func.count()).group_by(table.c.role_id)
    return {row[0]: row[1] for row in db.session.execute(counted)}


def holders(session: Session, role_ids: Collection[int]) -> list[Holder]:
    """Who has any of these roles and can sign in, with all roles of theirs; one query."""
    table = assoc_user_role
    wanted = select(table.c.user_id).where(table.c.role_id.in_(role_ids))
    statement = (
        select(
            StewardUser.id,
            StewardUser.first_name,
            StewardUser.last_name,
            StewardUser.username,
            table.c.role_id,
        )
        .join(table, table.c.user_id == StewardUser.id)
        .where(StewardUser.active.is_(True), StewardUser.id.in_(wanted))
        .order_by(StewardUser.id, table.c.role_id)
    )
    names: dict[int, str] = {}
    roles: dict[int, list[int]] = {}
    for user_id, first, last, username, role_id in session.execute(statement):
        names[user_id] = display_name(first, last) or username
        roles.setdefault(user_id, []).append(role_id)
    return [Holder(user_id, names[user_id], tuple(found)) for user_id, found in roles.items()]


def add_role(session: Session, name: str) -> int:
    """A new role; its name in commands is this one, or one like it that is free."""
    stem, number = name.strip()[: LONGEST_NAME - 5] or "Role", 1
    taken = set(role_names(session).values())
    free = stem
    while free in taken:
        number += 1
        free = f"{stem} {number}"
    role = Role(name=free)
    session.add(role)
    session.flush()
    return int(role.id)


def drop_role(session: Session, role_id: int) -> None:
    """Take a role away with all that is said of it."""
    for table in (RoleGrant, RoleFieldAccess, RoleProfile):
        session.execute(delete(table).where(table.role_id == role_id))
    session.execute(delete(RoleInclude).where(RoleInclude.role_id == role_id))
    session.delete(session.get_one(Role, role_id))
    session.flush()
