"""Rights: what a set of roles gives, as data and as one answer to “may they?”."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy import ForeignKey, Integer, String, UniqueConstraint, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from app.engine.adapters.database import Json, Model
from app.engine.labels import Bilingual

ANY = "*"
ACTIONS = (
    "read", "create", "update", "delete", "approve", "import", "export", "purge", "take", "unmask",
)  # fmt: skip
"""What can be done with records of an entity; deleting is moving to the trash, taking is making
one's own what is in the entity's pool, unmasking is having one masked value shown, for a reason."""

SCOPES = ("none", "own", "team", "department", "branch", "all")
"""Row scopes: whose records they are. “branch” is the department and every one below it. Each is
wider than the one before, but for teams, whose people may be of other departments."""

ACCESS = ("hidden", "masked", "read", "write")
"""Field access, each more than the one before."""

PERSONAL = "*personal"
"""Stands for every field declared personal in a role's field access."""

ADDRESS = frozenset({"id", "version"})
"""Fields that no line is about: whoever sees a record knows where it is and which version they see."""

SYSTEM = "System"
"""The name under which rights over the system itself are granted: jobs, roles, change sets."""

AUDIT = "AuditLog"
"""The name under which rights to read and export the audit log are granted."""

USERS = "User"
"""The name under which rights over users and roles are granted."""

VIEW_AS = "ViewAs"
"""The name under which looking at the pages as another person is granted."""

PERSONAL_DATA = "PersonalData"
"""The name under which rights over what is held on one person are granted: seen, taken out, erased."""

BESIDE = (SYSTEM, USERS, AUDIT, VIEW_AS, PERSONAL_DATA)
"""What rights are granted on beside entities: there are no records of it, so all or none."""


class RoleGrant(Model):
    """A role may do `action` with the records of `entity` inside `scope`; `*` stands for all."""

    __tablename__ = "role_grant"
    __table_args__ = (UniqueConstraint("role_id", "entity", "action"),)

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    role_id: Mapped[int] = mapped_column(ForeignKey("ab_role.id", ondelete="CASCADE"), index=True)
    entity: Mapped[str] = mapped_column(String(60))
    action: Mapped[str] = mapped_column(String(20))
    scope: Mapped[str] = mapped_column(String(20))
    conditions: Mapped[list[Any] | None] = mapped_column(Json, nullable=True)
    """Only records that meet them all, each as a list's address writes it: `level:in:gold`; and
    those taken from a saved view, as they were then: `{"view": 3, "conditions": […]}`."""


class RoleInclude(Model):
    """A role has every right of another as well."""

    __tablename__ = "role_include"

    role_id: Mapped[int] = mapped_column(
        ForeignKey("ab_role.id", ondelete="CASCADE"), primary_key=True
    )
    included_id: Mapped[int] = mapped_column(
        ForeignKey("ab_role.id", ondelete="CASCADE"), primary_key=True
    )


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
    built_in: Mapped[dict[str, Any] | None] = mapped_column(Json, nullable=True)
    """The role as this version of Steward brings it; None for one that somebody has made."""


@dataclass(frozen=True)
class ViewUse:
    """A saved view that a grant takes conditions from, and those as they were agreed to."""

    view_id: int
    conditions: tuple[str, ...]


@dataclass(frozen=True)
class Grant:
    """Which rows: whose, and of those only the ones that meet every condition."""

    scope: str
    conditions: tuple[str, ...] = ()
    """All of them, those from a view as well."""

    view: ViewUse | None = None

    @classmethod
    def of(cls, scope: str, own: Iterable[str] = (), view: ViewUse | None = None) -> Grant:
        """With conditions of its own beside those of a view."""
        taken = view.conditions if view is not None else ()
        return cls(scope, tuple(dict.fromkeys((*own, *taken))), view)

    @classmethod
    def from_stored(cls, scope: str, stored: Iterable[Any] | None) -> Grant:
        """Out of what `stored` gave. Raises KeyError, TypeError, ValueError for anything else."""
        own: list[str] = []
        view = None
        for item in stored or ():
            if isinstance(item, str):
                own.append(item)
            else:
                view = ViewUse(int(item["view"]), tuple(map(str, item["conditions"])))
        return cls.of(scope, own, view)

    @property
    def own_conditions(self) -> tuple[str, ...]:
        """Those that do not come from the view."""
        taken = self.view.conditions if self.view is not None else ()
        return tuple(one for one in self.conditions if one not in taken)

    @property
    def stored(self) -> list[Any]:
        """The conditions as JSON keeps them."""
        if self.view is None:
            return list(self.conditions)
        taken = {"view": self.view.view_id, "conditions": list(self.view.conditions)}
        return [*self.own_conditions, taken]

    def covers(self, other: Grant) -> bool:
        """Whether it reaches whatever the other does."""
        return _reaches(self.scope, other.scope) and set(self.conditions) <= set(other.conditions)

    @property
    def unlimited(self) -> bool:
        return self.scope == "all" and not self.conditions


NOTHING = Grant("none")


@dataclass(frozen=True)
class RoleRights:
    """One role's grants (a scope alone stands for a grant without conditions) and field accesses."""

    grants: Mapping[tuple[str, str], str | Grant]
    fields: Mapping[tuple[str, str], str]
    role_id: int = 0

    def grant(self, entity: str, action: str) -> Grant:
        """The most exact line that fits."""
        for key in ((entity, action), (ANY, action), (entity, ANY), (ANY, ANY)):
            if key in self.grants:
                found = self.grants[key]
                return Grant(found) if isinstance(found, str) else found
        return NOTHING

    def scope(self, entity: str, action: str) -> str:
        return self.grant(entity, action).scope

    def access(self, entity: str, name: str, personal: bool) -> str:
        """What the line says; without one, everything that the action allows."""
        line = self.line(entity, name, personal)
        return "write" if line is None else self.fields[line]

    def line(self, entity: str, name: str, personal: bool) -> tuple[str, str] | None:
        """The most exact line that fits the field, by what it is about."""
        if name in ADDRESS:
            return None
        keys = [(entity, name)]
        if personal:
            keys += [(entity, PERSONAL), (ANY, PERSONAL)]
        return next((key for key in (*keys, (entity, ANY)) if key in self.fields), None)


@dataclass(frozen=True)
class Rights:
    """The union of several roles: the widest scope and the most access that any of them gives."""

    roles: tuple[RoleRights, ...] = ()
    _grants: dict[tuple[str, str], tuple[Grant, ...]] = field(default_factory=dict, compare=False)
    _accesses: dict[tuple[str, str], str] = field(default_factory=dict, compare=False)

    def grants(self, entity: str, action: str) -> tuple[Grant, ...]:
        """What the roles give together: rows that any of these covers; none, where it is empty."""
        key = (entity, action)
        if key not in self._grants:
            given = (role.grant(entity, action) for role in self.roles)
            # By whichever view the conditions came, they say the same.
            found = {replace(grant, view=None) for grant in given if grant.scope != "none"}
            self._grants[key] = _without_covered(found)
        return self._grants[key]

    def scope(self, entity: str, action: str) -> str:
        """The widest scope; `all` only where no row is left out."""
        grants = self.grants(entity, action)
        if any(grant.unlimited for grant in grants):
            return "all"
        limited = (min(grant.scope, "branch", key=SCOPES.index) for grant in grants)
        return max(limited, key=SCOPES.index, default="none")

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


def _reaches(wide: str, narrow: str) -> bool:
    """Whether one scope holds whatever the other does."""
    apart = narrow == "team" and wide in ("department", "branch")
    return SCOPES.index(wide) >= SCOPES.index(narrow) and not apart


def _without_covered(grants: set[Grant]) -> tuple[Grant, ...]:
    """Without those whose rows another covers anyhow, the widest first."""
    kept = [
        grant
        for grant in grants
        if not any(other != grant and other.covers(grant) for other in grants)
    ]
    return tuple(sorted(kept, key=lambda g: (-SCOPES.index(g.scope), g.conditions)))


EVERYTHING = Rights((RoleRights({(ANY, ANY): "all"}, {}),))


def load_rights(session: Session, role_ids: Iterable[int]) -> Rights:
    """The rights of these roles, and of those that they include, together; three queries."""
    wanted = with_included(session, role_ids)
    grants: dict[int, dict[tuple[str, str], str | Grant]] = {role_id: {} for role_id in wanted}
    fields: dict[int, dict[tuple[str, str], str]] = {role_id: {} for role_id in wanted}
    for grant in session.scalars(select(RoleGrant).where(RoleGrant.role_id.in_(wanted))):
        given = Grant.from_stored(grant.scope, grant.conditions)
        grants[grant.role_id][grant.entity, grant.action] = given
    accesses = select(RoleFieldAccess).where(RoleFieldAccess.role_id.in_(wanted))
    for access in session.scalars(accesses):
        fields[access.role_id][access.entity, access.field] = access.access
    return Rights(tuple(RoleRights(grants[key], fields[key], key) for key in wanted))


def with_included(session: Session, role_ids: Iterable[int]) -> tuple[int, ...]:
    """The roles with all that they include, however deep; a circle ends where it began."""
    includes: dict[int, list[int]] = {}
    for row in session.execute(select(RoleInclude.role_id, RoleInclude.included_id)):
        includes.setdefault(row[0], []).append(row[1])
    found: dict[int, None] = {}
    waiting = list(role_ids)
    while waiting:
        role_id = waiting.pop(0)
        if role_id not in found:
            found[role_id] = None
            waiting += includes.get(role_id, ())
    return tuple(found)


def roles_with(session: Session, entity: str, action: str) -> list[RoleProfile]:
    """The roles that may do this with records of the entity, with what they are called."""
    profiles = list(session.scalars(select(RoleProfile).order_by(RoleProfile.role_id)))
    rights = load_rights(session, [profile.role_id for profile in profiles])
    return [
        profile
        for profile, role in zip(profiles, rights.roles, strict=True)
        if role.scope(entity, action) != "none"
    ]


def roles_using_view(session: Session, view_id: int) -> dict[int, Any]:
    """The roles that take conditions from the saved view, by id with what they are called."""
    found = {role_id for role_id, used in _views_of_roles(session) if used == view_id}
    labels: dict[int, Any] = dict.fromkeys(sorted(found), "")
    for profile in session.scalars(select(RoleProfile).where(RoleProfile.role_id.in_(found))):
        labels[profile.role_id] = Bilingual(profile.label_zh, profile.label_en)
    return {role_id: label or f"#{role_id}" for role_id, label in labels.items()}


def views_in_use(session: Session) -> set[int]:
    """The saved views that some role takes conditions from."""
    return {used for _role_id, used in _views_of_roles(session)}


def _views_of_roles(session: Session) -> list[tuple[int, int]]:
    lines = select(RoleGrant.role_id, RoleGrant.scope, RoleGrant.conditions).where(
        RoleGrant.conditions.is_not(None)
    )
    return [
        (role_id, view.view_id)
        for role_id, scope, stored in session.execute(lines)
        if (view := Grant.from_stored(scope, stored).view) is not None
    ]


def replace_role(session: Session, role_id: int, role: Mapping[str, Any]) -> None:
    """Make a role's rows those of the data: `grants` {entity: {action: grant}}, `fields`.

    A grant is a scope, or `{"scope": …, "conditions": […]}`. Raises ValueError.
    """
    for table in (RoleGrant, RoleFieldAccess):
        for row in session.scalars(select(table).where(table.role_id == role_id)):
            session.delete(row)
    session.flush()
    for entity, actions in role["grants"].items():
        for action, given in actions.items():
            grant = _grant_of(given)
            if grant.scope not in SCOPES or action not in (*ACTIONS, ANY):
                raise ValueError(f"role data: {entity}.{action} = {given}")
            session.add(
                RoleGrant(
                    role_id=role_id,
                    entity=entity,
                    action=action,
                    scope=grant.scope,
                    conditions=grant.stored or None,
                )
            )
    for entity, names in role.get("fields", {}).items():
        for name, access in names.items():
            if access not in ACCESS:
                raise ValueError(f"role data: {entity}.{name} = {access}")
            session.add(RoleFieldAccess(role_id=role_id, entity=entity, field=name, access=access))
    session.flush()


def _grant_of(given: str | Mapping[str, Any]) -> Grant:
    if isinstance(given, str):
        return Grant(given)
    return Grant.from_stored(given["scope"], given.get("conditions"))
