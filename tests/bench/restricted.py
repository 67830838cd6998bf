"""The first page of somebody who sees their department's customers only, beside the administrator's."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask import Flask
from sqlalchemy import select

from tests.bench.client import Client, by_cookie
from tests.bench.measuring import in_turn, timed
from tests.bench.report import Line
from tests.bench.rows import FIRST_PERSON
from tests.bench.serving import PASSWORD

MOST = 1.5
"""At most so many times the administrator's time."""

DIVISIONS, OF_DIVISION, OF_DEPARTMENT = 8, 5, 50
"""Divisions with so many departments each, and in each of these so many people."""

SEES = {
    "one's own customers": ("Sales", None),
    "a department's": ("AccountManager", "department"),
    "a division's, of departments": ("AccountManager", "division"),
}
"""What a person sees, and by which role, placed where in the organisation."""

NAMES = tuple(f"first page, {what}" for what in SEES)


def settle(app: Flask, people_count: int) -> dict[str, str]:
    """Departments of all the people, and somebody for each line; their user names. Done once."""
    from app.engine import policy, registry
    from app.engine.adapters.database import db

    with app.app_context():
        registry.refresh()
        manager: Any = app.appbuilder.sm  # type: ignore[attr-defined]
        names = {what: f"restricted{n}" for n, what in enumerate(SEES)}
        if manager.find_user(names["one's own customers"]) is None:
            with policy.acting_as(policy.SYSTEM_VIEWER):
                places = _organise(people_count)
            for what, (role, place) in SEES.items():
                user = manager.add_user(
                    names[what], "员", what[:20], f"{names[what]}@steward.example",
                    manager.find_role(role), PASSWORD,
                )  # fmt: skip
                _place(user.id, places.get(place or ""))
        db.session.remove()
    return names


def _organise(people_count: int) -> dict[str, int]:
    """The first division and the first department, by these words."""
    from app.engine import registry
    from app.engine.changes import change_set

    department = registry.current().entity("Department")
    member = registry.current().entity("DepartmentMember")
    places: dict[str, int] = {}
    people = iter(range(FIRST_PERSON + 1, FIRST_PERSON + people_count + 1))
    with change_set("bench") as changes:
        for number in range(DIVISIONS):
            above = changes.create(department, {"name": f"事业部 {number}"})
            places.setdefault("division", above.id)
            for part in range(OF_DIVISION):
                values = {"name": f"部门 {number}-{part}", "parent": above.id}
                below = changes.create(department, values)
                places.setdefault("department", below.id)
                for _n, person in zip(range(OF_DEPARTMENT), people, strict=False):
                    changes.create(member, {"person": person, "department": below.id})
    return places


def _place(user_id: int, department_id: int | None) -> None:
    """In a department; without one some customers of their own."""
    from app.engine import policy, registry
    from app.engine.changes import change_set
    from app.engine.entity import DECLARED

    known = registry.current()
    with policy.acting_as(policy.SYSTEM_VIEWER), change_set("bench") as changes:
        if department_id is not None:
            values = {"person": user_id, "department": department_id}
            changes.create(known.entity("DepartmentMember"), values)
            return
        model: Any = DECLARED["Customer"]
        some: Sequence[int] = list(
            changes.session.scalars(select(model.id).where(model.id % 997 == 5).limit(200))
        )
        for record_id in some:
            changes.update(known.entity("Customer"), record_id, {"account_manager": user_id})


def line(
    what: str, port: int, names: dict[str, str], administrator: Client, rounds: int, seconds: float
) -> Line:
    """One person's first page, and the administrator's, in turn."""
    person = by_cookie(port, names[what], PASSWORD)
    pair = in_turn(
        lambda: timed(person, "/customer/"),
        lambda: timed(administrator, "/customer/"),
        rounds * 2,
        seconds,
    )
    return Line(f"first page, {what}", pair.ours, pair.theirs, "ms", pair.ratio, MOST)
