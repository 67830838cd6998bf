"""Every door × role × entity × field: nothing comes through that a role may not see, nor can it be told."""

from __future__ import annotations

import os
from typing import Any

import pytest
from flask import Flask

from app.engine import registry
from tests.hardening import routes as routing
from tests.matrix.asking import Seen
from tests.matrix.doors import DOORS, ORDER, WITHOUT_RECORDS
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
"""In full it takes hours: so many tests share the personas, for several processes or days."""

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
    return [
        Plan(
            persona,
            [entities[(number * 7 + 1) % len(entities)]],
            tuple(ORDER[number % PARTS :: PARTS]),
            1,
            number,
            both=number % 4 == 0,
        )
        for number, persona in enumerate(personas()[::EVERY])
    ]


def in_full(part: int) -> list[Plan]:
    """The personas of this part before all doors of all entities."""
    entities = list(registry.current().entities)
    return [
        Plan(persona, entities, tuple(ORDER), 2 if number % 4 else None, number)
        for number, persona in list(enumerate(personas()))[part::PROOF_PARTS]
    ]


@pytest.mark.proof
@pytest.mark.parametrize("part", range(PROOF_PARTS) if FULL else (None,))
def test_nothing_comes_through(
    app: Flask, database: Any, browser: Any, capsys: pytest.CaptureFixture[str], part: int | None
) -> None:
    seen = walked(app, database, browser, in_short() if part is None else in_full(part))
    with capsys.disabled():
        print(
            f"\n{seen.combinations:,} combinations of door, role, entity and field were checked"
            f" in {sum(seen.asked.values()):,} answers"
        )
    assert not seen.leaks, f"{len(seen.leaks)} leaks:\n" + "\n".join(
        sorted({leak[:300] for leak in seen.leaks})[:40]
    )
    assert not seen.errors, "\n".join(seen.errors[:20])
    assert DOORS.keys() - {endpoint for endpoint, _method in seen.asked} == set(), "not asked"


@pytest.mark.once
@pytest.mark.proof
@pytest.mark.skipif(not FULL, reason="takes minutes; make proof tries it")
def test_every_door_opens_to_somebody(app: Flask, database: Any, browser: Any) -> None:
    entities = list(registry.current().entities)
    one_each = [
        Plan(
            persona, [entities[number % len(entities)], "Customer"], tuple(ORDER), 1, number, False
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
