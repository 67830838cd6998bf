"""What waits for a person: how many records are late, due soon, without a date, and the first of them.

A few statements for each agenda, whatever the number of records.
"""

from __future__ import annotations

import datetime
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import case, func, select

from app.engine import policy
from app.engine.adapters.database import db, now
from app.engine.agenda import Agenda
from app.engine.conditions import Condition, Sort
from app.engine.fields import Field
from app.engine.fields.time import Date, reader_zone
from app.engine.query.records import COUNT_CAP, Records
from app.engine.registry import EntityDefinition

LATE, SOON, LATER = "late", "soon", "later"


@dataclass(frozen=True)
class Entry:
    """A record that waits: its row, when it is due (the day, in the reader's zone), and how urgent."""

    row: dict[str, Any]
    due: datetime.date
    urgency: str
    days: int
    """From today; less than 0 when it is late."""


@dataclass
class Waiting:
    """What waits for the viewer by one agenda; counted up to COUNT_CAP."""

    definition: EntityDefinition
    agenda: Agenda
    mine: tuple[Condition, ...]
    """The filters of all that waits for them."""
    counts: dict[str, int] = field(default_factory=dict)
    conditions: dict[str, tuple[Condition, ...]] = field(default_factory=dict)
    entries: list[Entry] = field(default_factory=list)
    exact: bool = True


def waiting(
    definition: EntityDefinition, agenda: Agenda, viewer: policy.Viewer, most: int
) -> Waiting | None:
    """What waits for the viewer; None where their roles hide a field of it, or they are nobody."""
    owner = _owner(definition, agenda)
    plain = {item.name: item for item in policy.plain(definition, viewer)}
    open_filters = [Condition.parse(text) for text in agenda.filters]
    needed = {agenda.due, owner.name, *(condition.field for condition in open_filters)}
    if viewer.user_id is None or not needed <= plain.keys():
        return None
    mine = (Condition(owner.name, "eq", str(viewer.user_id)), *open_filters)
    found = Waiting(definition, agenda, mine)
    due = definition.field(agenda.due)
    assert isinstance(due, Date), f"{definition.name}.{agenda.due} is no time"
    today = now().astimezone(reader_zone())
    first, last = (
        today - datetime.timedelta(days=days) for days in (agenda.after, agenda.after - agenda.soon)
    )
    limits = _written(due, first), _written(due, last)
    limited = tuple(due.operand(limit) for limit in limits)
    found.conditions = {
        LATE: (*mine, Condition(due.name, "lt", limits[0])),
        SOON: (*mine, Condition(due.name, "ge", limits[0]), Condition(due.name, "lt", limits[1])),
        "undated": (*mine, Condition(due.name, "empty")),
    }
    _count(found, due, viewer, limited)
    if sum(found.counts.values()) - found.counts["undated"]:
        shown = [plain[n] for n in (definition.options.title, due.name, agenda.shows) if n in plain]
        found.entries = _entries(found, due, shown, viewer, most, limited)
    return found


def _owner(definition: EntityDefinition, agenda: Agenda) -> Field:
    if agenda.owner:
        return definition.field(agenda.owner)
    return definition.owner_field or definition.field("created_by")


def _written(due: Date, moment: datetime.datetime) -> str:
    """A limit as filters are written: a moment to the minute, a day as the day."""
    return moment.strftime("%Y-%m-%dT%H:%M") if due.moment else moment.date().isoformat()


def _selection(found: Waiting, viewer: policy.Viewer) -> Records:
    return Records(found.definition, viewer).where(*found.mine).without_archived()


def _count(found: Waiting, due: Date, viewer: policy.Viewer, limits: tuple[Any, ...]) -> None:
    """One statement: of at most so many records, how many are late, soon, later, without a date."""
    records = _selection(found, viewer)
    inner = records.narrowed(select(due.expression(records.model).label("due")))
    some = inner.limit(COUNT_CAP + 1).subquery()
    first, last = (due.comparable(limit) for limit in limits)
    kind = case(
        (some.c.due.is_(None), "undated"), (some.c.due < first, LATE), (some.c.due < last, SOON),
        else_=LATER,
    )  # fmt: skip
    counted = select(kind.label("kind"), func.count()).select_from(some).group_by("kind")
    rows = db.session.execute(records.optioned(counted)).all()
    found.counts = {LATE: 0, SOON: 0, LATER: 0, "undated": 0, **{row[0]: row[1] for row in rows}}
    found.exact = sum(found.counts.values()) <= COUNT_CAP


def _entries(
    found: Waiting,
    due: Date,
    shown: list[Field],
    viewer: policy.Viewer,
    most: int,
    limits: tuple[Any, ...],
) -> list[Entry]:
    records = _selection(found, viewer).where(Condition(due.name, "nempty")).sort(Sort(due.name))
    after = datetime.timedelta(days=found.agenda.after)
    today = now().astimezone(reader_zone()).date()
    made = []
    for row in records.page(most, shown).rows:
        value = row[due.name]
        urgency = LATE if value < limits[0] else SOON if value < limits[1] else LATER
        day = (value.astimezone(reader_zone()).date() if due.moment else value) + after
        made.append(Entry(row, day, urgency, (day - today).days))
    return made
