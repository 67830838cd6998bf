"""Every role as data, read at once, and the rights that any of them give together."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Self

import orjson
from flask_babel import lazy_gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.engine.adapters.appbuilder.roles import role_names
from app.engine.errors import InvalidInput
from app.engine.labels import Bilingual
from app.engine.policy import (
    ACCESS,
    ACTIONS,
    ANY,
    SCOPES,
    Grant,
    Rights,
    RoleFieldAccess,
    RoleGrant,
    RoleInclude,
    RoleProfile,
    RoleRights,
    ViewUse,
)

Key = tuple[str, str]
NAMES = ("label_zh", "label_en", "purpose_zh", "purpose_en")
LONGEST = {"label_zh": 64, "label_en": 64, "purpose_zh": 300, "purpose_en": 300}
BROKEN = _("This is not a role. Open the page again and repeat the change.")


@dataclass(frozen=True)
class RolePicture:
    """All that is said of a role: what it is called, what it gives, and what it includes."""

    names: Mapping[str, str]
    includes: tuple[int, ...] = ()
    grants: Mapping[Key, Grant] = field(default_factory=dict)
    fields: Mapping[Key, str] = field(default_factory=dict)

    @property
    def label(self) -> Bilingual:
        return Bilingual(self.names["label_zh"], self.names["label_en"])

    @property
    def purpose(self) -> Bilingual:
        return Bilingual(self.names["purpose_zh"], self.names["purpose_en"])

    def with_lines(self, grants: Mapping[Key, Grant | None], fields: Mapping[Key, str]) -> Self:
        """The same with other lines; None or an empty word takes a line away."""
        kept = {**self.grants, **grants}
        words = {**self.fields, **fields}
        return replace(
            self,
            grants={key: grant for key, grant in kept.items() if grant is not None},
            fields={key: access for key, access in words.items() if access},
        )

    def as_json(self) -> dict[str, Any]:
        """As it is kept in the history, and sent along with a preview."""
        grants: dict[str, dict[str, Any]] = {}
        for (entity, action), grant in sorted(self.grants.items()):
            given: Any = grant.scope
            if grant.conditions:
                given = {"scope": grant.scope, "conditions": grant.stored}
            grants.setdefault(entity, {})[action] = given
        fields: dict[str, dict[str, str]] = {}
        for (entity, name), access in sorted(self.fields.items()):
            fields.setdefault(entity, {})[name] = access
        names = {name: self.names[name] for name in NAMES}
        return {**names, "includes": sorted(self.includes), "grants": grants, "fields": fields}

    @classmethod
    def of_json(cls, data: Any) -> Self:
        """Out of what `as_json` gave. Raises InvalidInput for anything else."""
        try:
            return cls(
                {name: _text(data[name], LONGEST[name]) for name in NAMES},
                tuple(sorted({int(role_id) for role_id in data["includes"]})),
                {
                    (_text(entity, 60), _one_of(action, (*ACTIONS, ANY))): _grant(given)
                    for entity, actions in data["grants"].items()
                    for action, given in actions.items()
                },
                {
                    (_text(entity, 60), _text(name, 60)): _one_of(access, ACCESS)
                    for entity, names in data["fields"].items()
                    for name, access in names.items()
                },
            )
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
            raise InvalidInput.of(None, BROKEN) from error

    @cached_property
    def mark(self) -> str:
        """The same for what says the same: a page notices that somebody has changed the role."""
        text = orjson.dumps(self.as_json(), option=orjson.OPT_SORT_KEYS)
        return hashlib.sha256(text).hexdigest()[:20]


def _text(value: Any, longest: int) -> str:
    if not isinstance(value, str) or len(value) > longest or "\0" in value:
        raise ValueError
    return value


def _one_of(value: Any, known: Iterable[str]) -> str:
    if value not in known:
        raise ValueError
    return str(value)


def _grant(given: Any) -> Grant:
    if isinstance(given, str):
        return Grant(_one_of(given, SCOPES))
    grant = Grant.from_stored(_one_of(given["scope"], SCOPES), given["conditions"])
    for condition in grant.conditions:
        _text(condition, 500)
    return grant


@dataclass(frozen=True)
class RoleBook:
    """Every role, by its id."""

    roles: Mapping[int, RolePicture]

    def having(self, role_id: int, picture: RolePicture | None) -> RoleBook:
        """The book with this role in place of what stands; None takes the role away."""
        roles = {key: found for key, found in self.roles.items() if key != role_id}
        return RoleBook(roles if picture is None else {**roles, role_id: picture})

    def closure(self, role_ids: Iterable[int]) -> tuple[int, ...]:
        """The roles with all that they include, however deep; a circle ends where it began."""
        found: dict[int, None] = {}
        waiting = list(role_ids)
        while waiting:
            role_id = waiting.pop(0)
            if role_id in self.roles and role_id not in found:
                found[role_id] = None
                waiting += self.roles[role_id].includes
        return tuple(found)

    def using(self, view_id: int) -> tuple[int, ...]:
        """The roles that take conditions from the saved view."""
        return tuple(
            role_id
            for role_id, role in self.roles.items()
            if any(grant.view and grant.view.view_id == view_id for grant in role.grants.values())
        )

    def with_view(self, use: ViewUse) -> RoleBook:
        """The book once the saved view has these conditions: in every role that uses it."""
        book = self
        for role_id in self.using(use.view_id):
            role = book.roles[role_id]
            changed: dict[Key, Grant | None] = {
                key: Grant.of(grant.scope, grant.own_conditions, use)
                for key, grant in role.grants.items()
                if grant.view is not None and grant.view.view_id == use.view_id
            }
            book = book.having(role_id, role.with_lines(changed, {}))
        return book

    def including(self, role_id: int) -> frozenset[int]:
        """This role, and those that include it, however deep."""
        return frozenset(other for other in self.roles if role_id in self.closure([other]))

    def rights(self, role_ids: Iterable[int]) -> Rights:
        """What these roles give together."""
        return Rights(
            tuple(
                RoleRights(self.roles[role_id].grants, self.roles[role_id].fields, role_id)
                for role_id in self.closure(role_ids)
            )
        )


def load_book(session: Session) -> RoleBook:
    """All roles as they stand; five queries, however many there are."""
    grants: dict[int, dict[Key, Grant]] = {}
    columns = (RoleGrant.role_id, RoleGrant.entity, RoleGrant.action, RoleGrant.scope)
    for role_id, entity, action, scope, conditions in session.execute(
        select(*columns, RoleGrant.conditions)
    ):
        grants.setdefault(role_id, {})[entity, action] = Grant.from_stored(scope, conditions)
    fields: dict[int, dict[Key, str]] = {}
    line = RoleFieldAccess
    for role_id, entity, name, access in session.execute(
        select(line.role_id, line.entity, line.field, line.access)
    ):
        fields.setdefault(role_id, {})[entity, name] = access
    includes: dict[int, list[int]] = {}
    for role_id, included_id in session.execute(
        select(RoleInclude.role_id, RoleInclude.included_id)
    ):
        includes.setdefault(role_id, []).append(included_id)
    called = {
        row[0]: dict(zip(NAMES, row[1:], strict=True))
        for row in session.execute(
            select(RoleProfile.role_id, *(getattr(RoleProfile, name) for name in NAMES))
        )
    }
    return RoleBook(
        {
            role_id: RolePicture(
                called.get(role_id) or _called(name),
                tuple(sorted(includes.get(role_id, ()))),
                grants.get(role_id, {}),
                fields.get(role_id, {}),
            )
            for role_id, name in role_names(session).items()
        }
    )


def _called(name: str) -> dict[str, str]:
    """A role that nobody has named in both languages, such as one that a directory brought."""
    return {"label_zh": name, "label_en": name, "purpose_zh": "", "purpose_en": ""}
