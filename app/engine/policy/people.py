"""Whose records a scope means: read from the organisation once, kept until somebody changes it."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from flask import current_app
from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from app.engine.adapters.database import now
from app.engine.entity import DECLARED

_KEPT = "steward.organisation"
_REMEMBERED = 2_000


@dataclass(frozen=True)
class StandIn:
    """From one day to another, the substitute sees and keeps the absent person's own records."""

    absent: int
    substitute: int
    first_day: datetime.date
    last_day: datetime.date


@dataclass(frozen=True)
class Organisation:
    """Departments, teams and delegations as they are now."""

    parents: Mapping[int, int | None] = field(default_factory=dict)
    departments: Mapping[int, int] = field(default_factory=dict)
    """Of each person, the department."""

    teams: Mapping[int, frozenset[int]] = field(default_factory=dict)
    """Of each team, the people."""

    delegations: tuple[StandIn, ...] = ()
    _known: dict[tuple[int, str, datetime.date, bool], frozenset[int]] = field(
        default_factory=dict, compare=False, repr=False
    )
    """What `people` has worked out: it is asked several times a page."""

    def people(
        self, user_id: int, scope: str, today: datetime.date, standing_in: bool = True
    ) -> frozenset[int]:
        """Whose records the scope means for this person: always their own, too.

        Not `standing_in`: without those of the people for whom they stand in.
        """
        asked = (user_id, scope, today, standing_in)
        found = self._known.get(asked)
        if found is None:
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            found = self._known[asked] = self._people(*asked)
        return found

    def _people(
        self, user_id: int, scope: str, today: datetime.date, standing_in: bool
    ) -> frozenset[int]:
        found = {user_id, *(self.absent(user_id, today) if standing_in else ())}
        if scope == "team":
            for members in self.teams.values():
                found |= members if user_id in members else frozenset()
        elif scope in ("department", "branch") and user_id in self.departments:
            wanted = {self.departments[user_id]}
            if scope == "branch":
                wanted = self.below(wanted)
            found |= {person for person, place in self.departments.items() if place in wanted}
        return frozenset(found)

    def absent(self, user_id: int, today: datetime.date) -> Iterable[int]:
        """For whom this person stands in today; not for those for whom these stand in."""
        return {
            item.absent
            for item in self.delegations
            if item.substitute == user_id and item.first_day <= today <= item.last_day
        }

    def below(self, departments: Iterable[int]) -> set[int]:
        """The departments with all below them, however deep; a circle ends where it began."""
        children: dict[int | None, list[int]] = {}
        for department, parent in self.parents.items():
            children.setdefault(parent, []).append(department)
        found: set[int] = set()
        waiting = list(departments)
        while waiting:
            department = waiting.pop()
            if department not in found:
                found.add(department)
                waiting += children.get(department, ())
        return found


def organisation() -> Organisation:
    """Kept per process until the number of the rights in the database is raised."""
    kept = _kept()
    if "organisation" not in kept:
        with _everything() as session:
            kept["organisation"] = _load(session)
    found: Organisation = kept["organisation"]
    return found


Shared = Mapping[int | None, tuple[int, ...]]
"""Ids of records by the person who has shared them."""


def shared_with(user_id: int) -> Mapping[tuple[str, str], Shared]:
    """The records shared with a person or with their teams: by entity and action, and by whom."""
    shares = _kept().setdefault("shares", {})
    if user_id not in shares:
        with _everything() as session:
            shares[user_id] = _load_shares(session, user_id)
    moment = now()
    found: dict[tuple[str, str], dict[int | None, set[int]]] = {}
    for sharer, entity, record, may_edit, until in shares[user_id]:
        if until is None or until > moment:
            for action in ("read", "update") if may_edit else ("read",):
                found.setdefault((entity, action), {}).setdefault(sharer, set()).add(record)
    return {
        key: {sharer: tuple(sorted(ids)) for sharer, ids in by.items()} for key, by in found.items()
    }


def forget() -> None:
    """Read anew when next asked."""
    current_app.extensions.pop(_KEPT, None)


def _kept() -> dict[str, Any]:
    kept: dict[str, Any] = current_app.extensions.setdefault(_KEPT, {})
    return kept


def _everything() -> Any:
    from app.engine.policy.viewer import unrestricted

    return unrestricted("whose records one may see follows from the whole organisation")


def _live(name: str, *columns: str) -> Any:
    model: Any = DECLARED[name]
    wanted = [getattr(model, column) for column in columns]
    return select(*wanted).where(model.deleted_at.is_(None))


def _load(session: Session) -> Organisation:
    teams: dict[int, set[int]] = {row[0]: set() for row in session.execute(_live("Team", "id"))}
    for team, person in session.execute(_live("TeamMember", "team_id", "person_id")):
        if team in teams:
            teams[team].add(person)
    parents = {row[0]: row[1] for row in session.execute(_live("Department", "id", "parent_id"))}
    days = ("absent_id", "substitute_id", "first_day", "last_day")
    return Organisation(
        parents=parents,
        departments={
            row[0]: row[1]
            for row in session.execute(_live("DepartmentMember", "person_id", "department_id"))
            if row[1] in parents
        },
        teams={team: frozenset(people) for team, people in teams.items()},
        delegations=tuple(StandIn(*row) for row in session.execute(_live("Delegation", *days))),
    )


def _load_shares(session: Session, user_id: int) -> list[tuple[int | None, str, int, bool, Any]]:
    model: Any = DECLARED["RecordShare"]
    teams = [team for team, people in organisation().teams.items() if user_id in people]
    columns = ("created_by_id", "entity", "record", "may_edit", "until")
    statement = _live("RecordShare", *columns).where(
        or_(model.person_id == user_id, model.team_id.in_(teams))
    )
    return [
        (row[0], row[1], int(row[2]), bool(row[3]), row[4]) for row in session.execute(statement)
    ]
