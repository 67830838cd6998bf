"""Demonstration data: an invented company's customers and its work with them, all of it removable.

Everything is written as one change set with the door `demo`; by that it is known again. It can be
undone like any change set, and `run.py demo --remove` takes it away together with what jobs have
made of it since, leaving what people have edited or attached records of their own to.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping, Sequence

from app.engine import registry
from app.engine.adapters import setup_state
from app.engine.adapters.database import write_transaction
from app.engine.changes import change_set
from app.engine.changes.demonstration import DOOR, NOTED, TAKEN_AWAY, Removal, present, take_away
from seeds.demo import (
    customers,
    dealings,
    documents,
    evaluations,
    people,
    relations,
    requests,
    surveys,
    tasks,
    tickets,
)
from seeds.demo.base import CHINA, Demo

SIZES: Mapping[str, float] = {"small": 1, "large": 10}
"""How many times the usual 200 customers, and what belongs to them."""

AREAS: Sequence[Callable[[Demo], None]] = (
    people.write,
    customers.write,
    relations.write,
    dealings.write,
    tasks.write,
    tickets.write,
    evaluations.write,
    surveys.write,
    documents.write,
    requests.write,
)
"""In the order in which one builds on another."""


def add(times: float = 1, day: datetime.date | None = None) -> dict[str, int]:
    """Put it in unless it is there: how many records of each entity there are then.

    `times`: how often the usual 200 customers and what belongs to them, see SIZES; as of `day`.
    """
    there = present()
    if "Customer" in there and setup_state.noted(NOTED) != TAKEN_AWAY:
        return there
    registry.refresh()
    accounts = people.ensure()
    with change_set(door=DOOR) as changes:
        demo = Demo(changes, day or today(), accounts, times)
        for write in AREAS:
            write(demo)
        setup_state.note(NOTED, str(changes.id))
    return present()


def remove(hold: Callable[..., None] | None = None) -> Removal:
    """Take it away; it stays away until somebody asks for it with `run.py demo`."""
    report = take_away(hold)
    people.switch_off()
    with write_transaction():
        setup_state.note(NOTED, TAKEN_AWAY)
    return report


def today() -> datetime.date:
    """The day in China."""
    return datetime.datetime.now(CHINA).date()


__all__ = ["NOTED", "SIZES", "TAKEN_AWAY", "Demo", "Removal", "add", "present", "remove", "today"]
