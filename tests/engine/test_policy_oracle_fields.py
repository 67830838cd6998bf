"""Random roles with what they include, field by field, and departments that move, against plain Python."""

from __future__ import annotations

import contextlib
import datetime
import os
from typing import Any

import pytest
from flask import current_app
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.engine import policy, registry
from app.engine.adapters.database import db
from app.engine.changes import change_set
from app.engine.errors import InvalidInput, NotAllowed, NotFound
from app.engine.policy.people import organisation
from app.engine.policy.rights import (
    ACCESS,
    Rights,
    RoleInclude,
    RoleRights,
    load_rights,
    replace_role,
    with_included,
)
from app.engine.query import Records, Sort
from tests.factories import PEOPLE, make, new_person, user_id, viewer

FULL = os.environ.get("STEWARD_PROOF") == "full"
CASES, MOVES = (10_000, 1_000) if FULL else (100, 25)
FIELDS = ("name", "code", "pieces", "phone", "notes", "website", "added")
PERSONAL = {"phone", "email", "added"}
ROLES = 4

slow = settings(
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)

accesses = st.sampled_from(ACCESS)
scopes = st.sampled_from(["none", "all"])
places = st.sampled_from(
    [("Parcel", name) for name in FIELDS]
    + [("Parcel", "*personal"), ("*", "*personal"), ("Parcel", "*"), ("Shelf", "name")]
)
role_data = st.fixed_dictionaries(
    {"lines": st.dictionaries(places, accesses, max_size=6), "read": scopes}
)
includes = st.dictionaries(
    st.integers(0, ROLES - 1), st.frozensets(st.integers(0, ROLES - 1), max_size=2), max_size=ROLES
)


@pytest.fixture
def role_ids(app: Any) -> list[int]:
    """Roles of nobody's, to be filled in each case, and one record with all its fields."""
    manager: Any = app.appbuilder.sm
    with policy.acting_as(viewer("admin")):
        make(
            "CustomField", entity="Parcel", name="added", kind="text", is_personal=True,
        )  # fmt: skip
        make("Parcel", phone="13800001234", added="secret", approved=True)
    ids = [manager.add_role(f"Random {number}").id for number in range(ROLES)]
    db.session.commit()
    return ids


def reached(given_includes: dict[int, Any], start: set[int]) -> set[int]:
    """The roles with all that they include, read straight from the words of the rule."""
    found, before = set(start), set()
    while found != before:
        before = set(found)
        for number in before:
            found |= given_includes.get(number, frozenset())
    return found


def expected(roles: list[dict[str, Any]], field: str) -> str:
    """The most that any role gives which may read parcels; what no line is about may be written."""
    best = "hidden"
    for role in roles:
        if role["read"] == "none":
            continue
        lines = role["lines"]
        order = [("Parcel", field)]
        if field in PERSONAL:
            order += [("Parcel", "*personal"), ("*", "*personal")]
        order.append(("Parcel", "*"))
        access = next((lines[key] for key in order if key in lines), "write")
        best = max(best, access, key=ACCESS.index)
    return best


class Includes:
    """What `with_included` asks of a session: pairs of roles."""

    def __init__(self, given_includes: dict[int, Any]) -> None:
        self.pairs = [(role, other) for role, some in given_includes.items() for other in some]

    def execute(self, _statement: Any) -> list[tuple[int, int]]:
        return self.pairs


@pytest.mark.proof
@settings(slow, max_examples=CASES)
@given(
    data=st.lists(role_data, min_size=ROLES, max_size=ROLES),
    given_includes=includes,
    held=st.sets(st.integers(0, ROLES - 1), min_size=1, max_size=2),
)
def test_what_of_a_field_is_seen_is_what_the_roles_say(
    role_ids: list[int], data: list[dict[str, Any]], given_includes: Any, held: set[int]
) -> None:
    wanted = with_included(Includes(given_includes), sorted(held))
    roles = tuple(
        RoleRights({("Parcel", "read"): data[n]["read"]}, data[n]["lines"], n) for n in wanted
    )
    _compare(Rights(roles), [data[number] for number in reached(given_includes, held)])


@pytest.mark.proof
@settings(slow, max_examples=MOVES)
@given(
    data=st.lists(role_data, min_size=ROLES, max_size=ROLES),
    given_includes=includes,
    held=st.sets(st.integers(0, ROLES - 1), min_size=1, max_size=2),
)
def test_nor_does_it_change_by_being_kept(
    role_ids: list[int], data: list[dict[str, Any]], given_includes: Any, held: set[int]
) -> None:
    rights = _loaded(role_ids, data, given_includes, held)
    _compare(rights, [data[number] for number in reached(given_includes, held)])


def _compare(rights: Rights, counted: list[dict[str, Any]]) -> None:
    definition = registry.current().entity("Parcel")
    person = policy.Viewer(None, "somebody", rights)
    may = any(role["read"] == "all" for role in counted)
    with policy.acting_as(person):
        rows = Records(definition).page(5).rows if may else []
        for name in FIELDS:
            field, access = definition.fields[name], expected(counted, name)
            assert person.access("Parcel", field) == access, name
            if may:
                _shown_as(rows[0], field, access)
                _guessed_as(definition, field, access)


def _loaded(role_ids: list[int], data: Any, given_includes: Any, held: set[int]) -> Any:
    """The rights as they are read back from the tables, which stay as they were."""
    session = db.session()
    for role_id, role in zip(role_ids, data, strict=True):
        fields: dict[str, dict[str, str]] = {}
        for (entity, name), access in role["lines"].items():
            fields.setdefault(entity, {})[name] = access
        replace_role(
            session, role_id, {"grants": {"Parcel": {"read": role["read"]}}, "fields": fields}
        )
    for number, others in given_includes.items():
        session.add_all(
            RoleInclude(role_id=role_ids[number], included_id=role_ids[other]) for other in others
        )
    session.flush()
    rights = load_rights(session, [role_ids[number] for number in sorted(held)])
    session.rollback()
    return rights


def _shown_as(row: dict[str, Any], field: Any, access: str) -> None:
    if access == "hidden":
        assert field.name not in row
    elif access == "masked" and field.name in ("phone", "added"):
        assert row[field.name] == {"phone": "138****1234"}.get(field.name, field.mask("secret"))
    elif field.name == "added":
        assert row[field.name] == "secret"


def _guessed_as(definition: Any, field: Any, access: str) -> None:
    if not field.sortable:
        return
    refused = {"hidden": NotFound, "masked": NotAllowed}.get(access)
    if refused is None:
        Records(definition).sort(Sort(field.name))
    else:
        with pytest.raises(refused):
            Records(definition).sort(Sort(field.name))


class Tree:
    """Departments with one person each, and where the oracle has them."""

    def __init__(self) -> None:
        self.definition = registry.current().entity("Department")
        self.people = [user_id(name) for name in PEOPLE] + [new_person() for _n in range(2)]
        with policy.acting_as(viewer("admin")):
            self.ids = [make("Department").id for _person in self.people]
            for department, person in zip(self.ids, self.people, strict=True):
                make("DepartmentMember", department=department, person=person)
        self.parents: dict[int, int | None] = dict.fromkeys(self.ids)

    def move(self, place: int, under: int | None) -> None:
        """Move a department; one below itself is refused, and stays where it was."""
        above = None if under is None else self.ids[under]
        circle = above is not None and self.ids[place] in self.up_from(above)
        refused = pytest.raises(InvalidInput) if circle else contextlib.nullcontext()
        with refused, policy.acting_as(viewer("admin")), change_set("form") as changes:
            changes.update(self.definition, self.ids[place], {"parent": above})
        if not circle:
            self.parents[self.ids[place]] = above

    def up_from(self, department: int | None) -> set[int]:
        found = set()
        while department is not None:
            found.add(department)
            department = self.parents[department]
        return found

    def below(self, place: int) -> set[int]:
        """The people of the department and of all below it."""
        top = self.ids[place]
        return {
            person
            for department, person in zip(self.ids, self.people, strict=True)
            if top in self.up_from(department)
        }


@pytest.mark.proof
@settings(slow, max_examples=MOVES)
@given(moves=st.lists(st.tuples(st.integers(0, 5), st.none() | st.integers(0, 5)), max_size=3))
def test_departments_move_and_the_scope_with_them(tree: Tree, moves: Any) -> None:
    for place, under in moves:
        tree.move(place, under)
    numbers = registry.versions()
    policy.refresh_rights(numbers)
    today = datetime.date(2026, 3, 5)
    for place, person in enumerate(tree.people):
        assert organisation().people(person, "branch", today) == tree.below(place)
        assert organisation().people(person, "department", today) == {person}


@pytest.fixture
def tree(app: Any) -> Tree:
    found = Tree()
    current_app.extensions.pop("steward.organisation", None)
    return found
