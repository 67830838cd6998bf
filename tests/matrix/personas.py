"""Who looks: the roles, and a plain reading of what each of them may see."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from app.engine import registry
from seeds.roles import ROLES

MINE, NEAR, FAR = "mine", "near", "far"
"""Whose a row is: the person's own, that of somebody in a department below and in the same team, of
anybody else."""

WHOSE = (MINE, NEAR, FAR)
ACCESS = ("hidden", "masked", "read", "write")
ACTIONS = ("read", "create", "update", "delete", "approve", "import", "export", "purge")
_REACH = {
    "none": (),
    "own": (MINE,),
    "department": (MINE,),
    "team": (MINE, NEAR),
    "branch": (MINE, NEAR),
    "all": WHOSE,
}

Role = Mapping[str, Any]


@dataclass(frozen=True)
class Persona:
    """Somebody with roles, as data; nobody who is signed in without any."""

    name: str
    roles: tuple[Role, ...] = ()
    signed_in: bool = True
    built_in: tuple[str, ...] = ()
    shared: frozenset[tuple[str, str, int]] = field(default_factory=frozenset)
    """Rows that were shared with them for reading: entity, whose, number."""

    def may(self, entity: str, action: str) -> bool:
        return any(scope != "none" for scope, _conditions in self.grants(entity, action))

    def grants(self, entity: str, action: str) -> Iterable[tuple[str, tuple[str, ...]]]:
        """Each role's scope for the action, and its conditions."""
        for role in self.roles:
            yield _grant(role, entity, action)

    def reaches(self, entity: str, row: Any, action: str = "read") -> bool:
        """Whether they may act so on the row: some role covers it, and what it belongs to is seen."""
        if not self.may(entity, action):
            return False
        shared = (entity, row.whose, row.number) in self.shared
        if action == "read" and shared:
            return True
        definition = registry.current().entity(entity)
        through = definition.options.scope_through
        if through is not None and row.parent is not None:
            target = str(definition.fields[through].target)
            if not self.reaches(target, row.parent):
                return False
            if action == "read" and self._shared_above(target, row.parent):
                return any(_meet(row, c) for s, c in self.grants(entity, action) if s != "none")
        whose = row.whose if through is None or row.parent is None else row.parent.whose
        return any(
            whose in _REACH[scope] and _meet(row, conditions)
            for scope, conditions in self.grants(entity, action)
        )

    def _shared_above(self, entity: str, row: Any) -> bool:
        """Whether the row, or what it belongs to in turn, was shared: it brings its own along."""
        if (entity, row.whose, row.number) in self.shared:
            return True
        definition = registry.current().entity(entity)
        through = definition.options.scope_through
        if through is None or row.parent is None:
            return False
        return self._shared_above(str(definition.fields[through].target), row.parent)

    def access(self, entity: str, name: str) -> str:
        """The most that any role gives which may read the entity."""
        definition = registry.current().entity(entity)
        personal = definition.fields[name].personal
        found = [
            _access(role, entity, name, personal)
            for role in self.roles
            if _grant(role, entity, "read")[0] != "none"
        ]
        return max(found, key=ACCESS.index, default="hidden")


def grants_of(persona: Persona, entity: str, action: str) -> tuple[Any, ...]:
    """The scopes, with their conditions, that the persona's roles give for the action."""
    return tuple(sorted(set(persona.grants(entity, action)) - {("none", ())}))


def _grant(role: Role, entity: str, action: str) -> tuple[str, tuple[str, ...]]:
    grants = role["grants"]
    order = ((entity, action), ("*", action), (entity, "*"), ("*", "*"))
    for place, act in order:
        given = grants.get(place, {}).get(act)
        if given is not None:
            if isinstance(given, str):
                return given, ()
            return given["scope"], tuple(given["conditions"])
    return "none", ()


def _access(role: Role, entity: str, name: str, personal: bool) -> str:
    fields = role.get("fields", {})
    own, every = fields.get(entity, {}), fields.get("*", {})
    if name in own:
        return str(own[name])
    if personal and "*personal" in own:
        return str(own["*personal"])
    if personal and "*personal" in every:
        return str(every["*personal"])
    return str(own.get("*", "write"))


def _meet(row: Any, conditions: tuple[str, ...]) -> bool:
    """Only these two operators are used here and in the roles that Steward comes with."""
    for condition in conditions:
        name, operator, operand = condition.split(":")
        assert operator in ("eq", "neq")
        if (str(row.values.get(name)) == operand) is not (operator == "eq"):
            return False
    return True


def built_in(name: str) -> Persona:
    """Somebody with one of the roles that Steward comes with, and what that includes."""
    by_name = {role["name"]: role for role in ROLES}
    roles = [by_name[name], *(by_name[other] for other in by_name[name].get("includes", ()))]
    return Persona(name, tuple(roles), built_in=(name,))


def shifted(scope: str, shift: int, **more: Any) -> Persona:
    """Somebody with every action on rows of one scope, field by field of another access."""
    return Persona(f"{scope}-{shift}", (shifted_role(scope, shift),), **more)


def shifted_role(scope: str, shift: int) -> Role:
    """Of four fields that follow each other one is hidden, one masked, one read, one written."""
    definitions = registry.current().entities.values()
    return {
        "grants": {definition.name: {"*": scope} for definition in definitions},
        "fields": {
            definition.name: {
                name: ACCESS[(place + shift) % 4]
                for place, name in enumerate(definition.fields)
                if not definition.fields[name].system
            }
            for definition in definitions
        },
    }


def personas() -> list[Persona]:
    """All of them; needs an application, since what there is to see is registered there."""
    red = {
        "grants": {
            "Shelf": {"*": {"scope": "all", "conditions": ["colour:eq:red"]}},
            "Parcel": {"*": "all"},
            "Customer": {"*": {"scope": "branch", "conditions": ["status:eq:active"]}},
            "Contact": {"*": "branch"},
        }
    }
    names = [role["name"] for role in ROLES]
    shared = frozenset({("Shelf", FAR, 0), ("Customer", FAR, 1)})
    return [
        *(shifted("own", shift) for shift in range(4)),
        *(shifted("all", shift) for shift in range(4)),
        *(shifted("branch", shift) for shift in (0, 2)),
        *(shifted("team", shift) for shift in (1, 3)),
        Persona("own-shared", (shifted_role("own", 2),), shared=shared),
        Persona("two roles", (shifted_role("own", 1), _by_name("Guest"))),
        Persona("conditions", (red,)),
        Persona("no roles"),
        Persona("nobody", signed_in=False),
        *(built_in(name) for name in names),
    ]


def _by_name(name: str) -> Role:
    return next(role for role in ROLES if role["name"] == name)
