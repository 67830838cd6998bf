"""Rights: what a set of roles gives, as data and as one answer to “may they?”."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import ForeignKey, Integer, String, UniqueConstraint, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from app.engine.adapters.database import Model

ANY = "*"
ACTIONS = (
    "read", "create", "update", "delete", "approve", "import", "export", "purge",
)  # fmt: skip
"""What can be done with records of an entity; deleting is moving to the trash."""

SCOPES = ("none", "own", "all")
"""Row scopes, each wider than the one before."""

ACCESS = ("hidden", "masked", "read", "write")
"""Field access, each more than the one before."""

PERSONAL = "*personal"
"""Stands for every field declared personal in a role's field access."""

SYSTEM = "System"
"""The name under which rights over the system itself are granted: jobs, roles, change sets."""

USERS = "User"
"""The name under which rights over users and roles are granted."""


class RoleGrant(Model):
    """A role may do `action` with the records of `entity` inside `scope`; `*` stands for all."""

    __tablename__ = "role_grant"
    __table_args__ = (UniqueConstraint("role_id", "entity", "action"),)

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    role_id: Mapped[int] = mapped_column(ForeignKey("ab_role.id", ondelete="CASCADE"), index=True)
    entity: Mapped[str] = mapped_column(String(60))
    action: Mapped[str] = mapped_column(String(20))
    scope: Mapped[str] = mapped_column(String(20))


class RoleFieldAccess(Model):
    """A role's access to a field; `*personal` stands for the personal ones, `*` for an entity."""

    __tablename__ = "role_field_access"
    __table_args__ = (UniqueConstraint("role_id", "entity", "field"),)

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    role_id: Mapped[int] = mapped_column(ForeignKey("ab_role.id", ondelete="CASCADE"), index=True)
    entity: Mapped[str] = mapped_column(String(60))
    field: Mapped[str] = mapped_column(String(60))
    access: Mapped[str] = mapped_column(String(10))


class RoleProfile(Model):
    """What a role is called in both languages, and what it is for."""

    __tablename__ = "role_profile"

    role_id: Mapped[int] = mapped_column(
        ForeignKey("ab_role.id", ondelete="CASCADE"), primary_key=True
    )
    label_zh: Mapped[str] = mapped_column(String(64))
    label_en: Mapped[str] = mapped_column(String(64))
    purpose_zh: Mapped[str] = mapped_column(String(300), default="")
    purpose_en: Mapped[str] = mapped_column(String(300), default="")


@dataclass(frozen=True)
class RoleRights:
    """One role's grants and field accesses."""

    grants: Mapping[tuple[str, str], str]
    fields: Mapping[tuple[str, str], str]

    def scope(self, entity: str, action: str) -> str:
        for key in ((entity, action), (ANY, action), (entity, ANY), (ANY, ANY)):
            if key in self.grants:
                return self.grants[key]
        return "none"

    def access(self, entity: str, name: str, personal: bool) -> str:
        """The most exact line that fits; without one, everything that the action allows."""
        keys = [(entity, name)]
        if personal:
            keys += [(entity, PERSONAL), (ANY, PERSONAL)]
        for key in (*keys, (entity, ANY)):
            if key in self.fields:
                return self.fields[key]
        return "write"


@dataclass(frozen=True)
class Rights:
    """The union of several roles: the widest scope and the most access that any of them gives."""

    roles: tuple[RoleRights, ...] = ()
    _scopes: dict[tuple[str, str], str] = field(default_factory=dict, compare=False)
    _accesses: dict[tuple[str, str], str] = field(default_factory=dict, compare=False)

    def scope(self, entity: str, action: str) -> str:
        """`none`, `own` or `all`."""
        key = (entity, action)
        if key not in self._scopes:
            found = [role.scope(entity, action) for role in self.roles]
            self._scopes[key] = max(found, key=SCOPES.index, default="none")
        return self._scopes[key]

    def access(self, entity: str, name: str, personal: bool) -> str:
        """`hidden`, `masked`, `read` or `write`; only roles that may read the entity count."""
        key = (entity, name)
        if key not in self._accesses:
            found = [
                role.access(entity, name, personal)
                for role in self.roles
                if role.scope(entity, "read") != "none"
            ]
            self._accesses[key] = max(found, key=ACCESS.index, default="hidden")
        return self._accesses[key]


EVERYTHING = Rights((RoleRights({(ANY, ANY): "all"}, {}),))


def load_rights(session: Session, role_ids: Iterable[int]) -> Rights:
    """The rights of these roles together, two queries."""
    wanted = tuple(role_ids)
    grants: dict[int, dict[tuple[str, str], str]] = {role_id: {} for role_id in wanted}
    fields: dict[int, dict[tuple[str, str], str]] = {role_id: {} for role_id in wanted}
    for grant in session.scalars(select(RoleGrant).where(RoleGrant.role_id.in_(wanted))):
        grants[grant.role_id][grant.entity, grant.action] = grant.scope
    accesses = select(RoleFieldAccess).where(RoleFieldAccess.role_id.in_(wanted))
    for access in session.scalars(accesses):
        fields[access.role_id][access.entity, access.field] = access.access
    return Rights(tuple(RoleRights(grants[key], fields[key]) for key in wanted))


def replace_role(session: Session, role_id: int, role: Mapping[str, Any]) -> None:
    """Make a role's rows those of the data: `grants` {entity: {action: scope}}, `fields`."""
    for table in (RoleGrant, RoleFieldAccess):
        for row in session.scalars(select(table).where(table.role_id == role_id)):
            session.delete(row)
    session.flush()
    for entity, actions in role["grants"].items():
        for action, scope in actions.items():
            if scope not in SCOPES or action not in (*ACTIONS, ANY):
                raise ValueError(f"role data: {entity}.{action} = {scope}")
            session.add(RoleGrant(role_id=role_id, entity=entity, action=action, scope=scope))
    for entity, names in role.get("fields", {}).items():
        for name, access in names.items():
            if access not in ACCESS:
                raise ValueError(f"role data: {entity}.{name} = {access}")
            session.add(RoleFieldAccess(role_id=role_id, entity=entity, field=name, access=access))
    session.flush()
