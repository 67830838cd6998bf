"""Every door × role × entity × field: nothing comes through that a role may not see, nor can it be told."""

from __future__ import annotations

import os
from typing import Any

import pytest
from flask import Flask

from app.engine import registry
from tests.hardening import routes as routing
from tests.matrix.asking import Seen
from tests.matrix.doors import DOORS, ONCE, ORDER, WITHOUT_RECORDS, downloads, filing, previews
from tests.matrix.lean import Depth, depths
from tests.matrix.personas import personas
from tests.matrix.runs import Plan, go

FULL = os.environ.get("STEWARD_PROOF") == "full"

NEVER_OPEN = {
    "RecordPages.act": "no entity declares an action yet",
    **dict.fromkeys(
        (
            "RoleChangePages.save",
            "RoleChangePages.reset",
            "RoleChangePages.delete",
            "RoleChangePages.undo",
            "RoleChangePages.gained",
            "RoleViewPages.preview",
            "RoleViewPages.save",
            "SavedViewPages.filters",
            "SavedViewPages.delete",
            "KeysView.revoke",
            "KeysView.revoke_anybodys",
            "CustomFieldPages.remove",
            "UsersView.edit",
            "LeavingPages.done",
            "PersonalPages.proof",
            "PersonalPages.proof_file",
        ),
        "asked for something that is not there: else the persona's own rights would change",
    ),
}
"""Doors that no persona gets through, and why."""

PROOF_PARTS = 14
"""In full so many tests share the personas, for several processes."""

PARTS, EVERY = 3, 3
"""In short each third persona comes, before a third of the doors, and of one entity."""


def test_every_route_is_classified(app: Flask) -> None:
    """A new page or call is either tried here, or it is said why no record comes out of it."""
    routes = {rule.endpoint for rule in routing.routes(app)}
    assert routes - DOORS.keys() - WITHOUT_RECORDS.keys() == set(), "say in doors.py what is there"
    assert (DOORS.keys() | WITHOUT_RECORDS.keys()) - routes == set(), "there are no such routes"


def in_short() -> list[Plan]:
    """Personas in turn, each before a few of the doors of one entity."""
    entities = list(registry.current().entities)
    some = personas()[::EVERY]
    plans = [
        Plan(
            persona,
            [entities[(number * 7 + 1) % len(entities)]],
            tuple(ORDER[number % PARTS :: PARTS]),
            1,
            number,
            both=number % 4 == 0,
        )
        for number, persona in enumerate(some)
    ]
    return [*plans, Plan(some[0], _of_files(), OF_FILES, 1, 0, both=False)]


OF_FILES = (filing, previews, downloads)
"""Doors that only entities with files have."""


def _of_files() -> list[str]:
    """An entity with files, and what these belong to."""
    for name, definition in registry.current().entities.items():
        parent = definition.options.parent
        if parent and any(f.type_name == "file" for f in definition.fields.values()):
            return [name, str(definition.fields[parent].target)]
    raise AssertionError("no entity has files that belong to something")


def in_full(part: int) -> list[Plan]:
    """The personas of this part before all doors of all entities, as closely as lean.py says.

    In both worlds those entities that are asked about closely; then the others, in one.
    """
    plans = []
    everybody = personas()
    found = depths(everybody)
    for number, persona in list(enumerate(everybody))[part::PROOF_PARTS]:
        of = {name: found[persona.name, name] for name in registry.current().entities}
        close = [name for name, depth in of.items() if depth.closely]
        rest = [name for name in of if name not in close]
        doors = tuple(door for door in ORDER if not close or door not in ONCE)
        if close:
            plans.append(Plan(persona, close, tuple(ORDER), 1, number, True, of))
        if rest:
            plans.append(Plan(persona, rest, doors, 1, number, False, of))
    return plans


@pytest.mark.proof
@pytest.mark.parametrize("part", range(PROOF_PARTS) if FULL else (None,))
def test_nothing_comes_through(
    app: Flask, database: Any, browser: Any, capsys: pytest.CaptureFixture[str], part: int | None
) -> None:
    plans = in_short() if part is None else in_full(part)
    seen = walked(app, database, browser, plans)
    with capsys.disabled():
        print(
            f"\n{seen.combinations:,} combinations of door, role, entity and field were checked"
            f" in {sum(seen.asked.values()):,} answers"
        )
    wrong = sorted({text[:400] for text in (*seen.leaks, *seen.errors)})
    assert not wrong, f"{len(seen.leaks)} leaks, {len(seen.errors)} errors:\n" + "\n".join(
        wrong[:60]
    )
    if part is None:
        assert DOORS.keys() - {endpoint for endpoint, _method in seen.asked} == set(), "not asked"
    else:  # whether each leads somewhere is seen below
        assert left_out(plans, seen) == set(), "nothing was asked there"


def left_out(plans: list[Plan], seen: Seen) -> set[tuple[str, ...]]:
    """Persona, entity and door where nothing was asked; doors that know of no entity without one."""
    whole = {
        (plan.persona.name, entity, door.__name__)
        for plan in plans
        for entity in registry.current().entities
        for door in ORDER
        if door not in ONCE
    }
    once = {(plan.persona.name, door.__name__) for plan in plans for door in ONCE}
    return (whole - seen.visited) | (once - {(who, door) for who, _entity, door in seen.visited})


@pytest.mark.once
@pytest.mark.proof
@pytest.mark.skipif(not FULL, reason="takes minutes; make proof tries it")
def test_every_door_opens_to_somebody(app: Flask, database: Any, browser: Any) -> None:
    entities = list(registry.current().entities)
    closely = dict.fromkeys(entities, Depth(closely=True))
    one_each = [
        Plan(
            persona,
            ["Customer", entities[number % len(entities)]],
            tuple(ORDER),
            1,
            number,
            False,
            closely,
        )
        for number, persona in enumerate(personas())
    ]
    opened = {endpoint for endpoint, _method in walked(app, database, browser, one_each).opened}
    assert DOORS.keys() - opened <= NEVER_OPEN.keys(), "nothing is tried at a door that is shut"


def walked(app: Flask, database: Any, browser: Any, plans: list[Plan]) -> Seen:
    """What came through on all of these walks."""
    seen = Seen()
    for plan in plans:
        seen.add(go(app, database, browser, plan))
    return seen
