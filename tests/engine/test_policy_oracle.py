"""Random rights, organisations and shares against a plain-Python reading of the same rules."""

from __future__ import annotations

import datetime
import os
import random
from typing import Any

import pytest
from flask import current_app
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from app.engine import policy, registry
from app.engine.adapters.database import db
from app.engine.entity import DECLARED
from app.engine.policy.people import Organisation, StandIn
from app.engine.policy.rights import SCOPES, Grant, Rights, RoleRights, ViewUse
from app.engine.query import allowed
from tests.factories import PEOPLE, make, user_id, viewer

CASES = 10_000 if os.environ.get("STEWARD_PROOF") == "full" else 150
TODAY = datetime.datetime.now(datetime.timezone(datetime.timedelta(hours=8))).date()
DAY = datetime.timedelta(days=1)
COLOURS = ("red", "blue", None)
CONDITIONS = ("colour:eq:red", "colour:in:red,blue", "colour:empty:", "name:ct:特", "gone:eq:1")


class World:
    """Shelves and parcels, and what the oracle knows of them."""

    def __init__(self) -> None:
        dice = random.Random(11)
        self.people = [user_id(name) for name in PEOPLE]
        self.shelves: dict[int, dict[str, Any]] = {}
        self.parcels: dict[int, dict[str, Any]] = {}
        with policy.acting_as(viewer("admin")):
            for number in range(24):
                values = {
                    "name": f"{'特' if number % 5 == 0 else '普'}货架 {number}",
                    "colour": dice.choice(COLOURS),
                    "keeper": dice.choice([*self.people, None]),
                }
                self.shelves[make("Shelf", **values).id] = values
            for number in range(40):
                shelf = dice.choice([*self.shelves, None])
                colour = dice.choice(COLOURS)
                values = {"name": f"包裹 {number}", "shelf": shelf, "colour": colour}
                self.parcels[make("Parcel", **values).id] = values
        self.maker = user_id("admin")


@pytest.fixture
def world(app: Any) -> World:
    return World()


@st.composite
def organisations(draw: st.DrawFn, people: list[int]) -> Organisation:
    """Up to five departments (a circle among them, as a careless database may hold), teams."""
    places = st.sampled_from([1, 2, 3, 4, 5])
    parents = draw(st.dictionaries(places, st.none() | places))
    somewhere = {person: st.none() | st.sampled_from([1, 2]) | places for person in people}
    departments = draw(st.fixed_dictionaries(somewhere))
    members = st.frozensets(st.sampled_from(people), min_size=1)
    teams = draw(st.dictionaries(places, members, max_size=3))
    days = st.integers(-2, 2).map(lambda n: TODAY + n * DAY)
    person = st.sampled_from(people)
    delegations = draw(st.lists(st.builds(StandIn, person, person, days, days), max_size=3))
    placed = {person: place for person, place in departments.items() if place is not None}
    return Organisation(parents, placed, teams, tuple(delegations))


some = st.lists(st.sampled_from(CONDITIONS), min_size=1, max_size=2, unique=True).map(tuple)
conditions = st.just(()) | some
views = st.none() | st.builds(ViewUse, st.integers(1, 3), some)
"""Some of a grant's conditions come from a saved view."""

grants = st.builds(Grant.of, st.sampled_from(SCOPES), conditions, views)
lines = st.fixed_dictionaries(
    {("Shelf", "read"): grants, ("Parcel", "read"): grants},
    optional={(entity, action): grants for entity in ("Shelf", "*") for action in ("update", "*")},
)
roles = st.builds(RoleRights, lines, st.just({}))


def people_of(organisation: Organisation, me: int, scope: str) -> set[int]:
    """Whose records a scope means, read straight from the words of the rule."""
    found = {me}
    for item in organisation.delegations:
        if item.substitute == me and item.first_day <= TODAY <= item.last_day:
            found.add(item.absent)
    if scope == "team":
        for members in organisation.teams.values():
            if me in members:
                found |= members
    mine = organisation.departments.get(me)
    for person, place in organisation.departments.items():
        if mine is None:
            break
        if scope in ("department", "branch") and place == mine:
            found.add(person)
        if scope == "branch" and is_below(organisation, place, mine):
            found.add(person)
    return found


def is_below(organisation: Organisation, place: int, top: int) -> bool:
    seen: set[int | None] = set()
    above: int | None = place
    while above is not None and above not in seen:
        if above == top:
            return True
        seen.add(above)
        above = organisation.parents.get(above)
    return False


def meets(values: dict[str, Any], condition: str) -> bool:
    return {
        "colour:eq:red": values["colour"] == "red",
        "colour:in:red,blue": values["colour"] is not None,
        "colour:empty:": values["colour"] is None,
        "name:ct:特": "特" in values["name"],
        "gone:eq:1": False,
    }[condition]


@given(grants)
def test_a_grant_is_kept_as_it_is(grant: Grant) -> None:
    """Typed conditions and those of a view are told apart again; none is lost."""
    back = Grant.from_stored(grant.scope, grant.stored)
    assert back.view == grant.view
    assert set(back.conditions) == set(grant.conditions)
    assert not set(back.own_conditions) & set(grant.view.conditions if grant.view else ())


class Oracle:
    """Which rows a person reaches, row by row and without a database."""

    def __init__(
        self, world: World, given_roles: list[RoleRights], organisation: Organisation, me: int,
        shares: list[tuple[str, int, bool]],
    ) -> None:  # fmt: skip
        self.world, self.roles, self.organisation, self.me = world, given_roles, organisation, me
        self.shares = shares

    def grants(self, entity: str, action: str) -> list[Grant]:
        found = []
        for role in self.roles:
            for key in ((entity, action), ("*", action), (entity, "*"), ("*", "*")):
                if key in role.grants:
                    grant = role.grants[key]
                    assert isinstance(grant, Grant)
                    found.append(grant)
                    break
        return [grant for grant in found if grant.scope != "none"]

    def shared(self, entity: str, record: int, action: str) -> bool:
        return any(
            share[:2] == (entity, record)
            and (action == "read" or (action == "update" and share[2]))
            for share in self.shares
        )

    def shelf(self, record: int, action: str) -> bool:
        allowed = self.grants("Shelf", action)
        return bool(allowed) and (
            self.shared("Shelf", record, action)
            or any(self._covers(grant, self.world.shelves[record]) for grant in allowed)
        )

    def _covers(self, grant: Grant, values: dict[str, Any]) -> bool:
        return self._keeps(values, grant.scope) and all(meets(values, c) for c in grant.conditions)

    def _keeps(self, values: dict[str, Any], scope: str) -> bool:
        people = people_of(self.organisation, self.me, scope)
        return scope == "all" or values["keeper"] in people

    def parcel(self, record: int, action: str) -> bool:
        allowed = self.grants("Parcel", action)
        return bool(allowed) and (
            self.shared("Parcel", record, action)
            or any(self._reaches(grant, self.world.parcels[record]) for grant in allowed)
        )

    def _reaches(self, grant: Grant, values: dict[str, Any]) -> bool:
        if not all(meets(values, condition) for condition in grant.conditions):
            return False
        shelf = values["shelf"]
        unlimited = any(g == Grant("all") for g in self.grants("Shelf", "read"))
        if grant.scope == "all" and unlimited:
            return True
        if shelf is None:
            people = people_of(self.organisation, self.me, grant.scope)
            return grant.scope == "all" or self.world.maker in people
        kept = grant.scope == "all" or self._keeps(self.world.shelves[shelf], grant.scope)
        return self.shelf(shelf, "read") and (kept or self.shared("Shelf", shelf, "read"))


@pytest.mark.proof
@settings(
    max_examples=CASES,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(data=st.data())
def test_who_reaches_what_is_what_the_rules_say(
    world: World, app: Any, data: st.DataObject
) -> None:
    me = data.draw(st.sampled_from(world.people))
    organisation = data.draw(organisations(world.people))
    given_roles = data.draw(st.lists(roles, min_size=1, max_size=3))
    share = st.tuples(st.just("Shelf"), st.sampled_from(sorted(world.shelves)), st.booleans())
    other = st.tuples(st.just("Parcel"), st.sampled_from(sorted(world.parcels)), st.booleans())
    shares = data.draw(st.lists(share | other, max_size=4))
    kept = {"organisation": organisation, "shares": {me: [(None, *item, None) for item in shares]}}
    current_app.extensions["steward.organisation"] = kept
    person = policy.Viewer(me, "somebody", Rights(tuple(given_roles)))
    oracle = Oracle(world, given_roles, organisation, me, shares)
    with policy.acting_as(person):
        assert seen("Shelf") == {i for i in world.shelves if oracle.shelf(i, "read")}
        assert seen("Parcel") == {i for i in world.parcels if oracle.parcel(i, "read")}
        assert changeable("Shelf") == {
            i for i in world.shelves if oracle.shelf(i, "read") and oracle.shelf(i, "update")
        }
    current_app.extensions.pop("steward.organisation")


def seen(entity: str) -> set[int]:
    """By the policy itself, below every surface: whoever may not read at all finds nothing."""
    return set(db.session.scalars(select(DECLARED[entity].id)))


def changeable(entity: str) -> set[int]:
    return allowed(registry.current().entity(entity), sorted(seen(entity)), "update")
