"""How a ticket's clocks run: from its opening to the first response and the solution, in working time.

They stand still while the ticket waits for the customer, and from a solution that the customer did
not accept until it is reopened. Pure functions; moments in UTC.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from app.domains.tickets.choices import DONE, ClockState, TicketState
from app.engine.deadlines import NOT_YET, TOLD, WARNED
from app.engine.working_time import MINUTE, Pause, WorkingTime, deadline, elapsed

WARN_AFTER = 0.8
"""The share of the time allowed after which people are warned."""

Moment = datetime.datetime


@dataclass(frozen=True)
class Clock:
    """How one deadline of a ticket stands: by when, how it goes, and what is to be told next."""

    due_at: Moment | None = None
    state: str = ClockState.UNKNOWN.value
    alarm_at: Moment | None = None
    told: int = NOT_YET
    minutes: int | None = None
    """How many working minutes it took."""


@dataclass(frozen=True)
class Course:
    """What a clock depends on: when the ticket came, how much time is allowed, when it was done."""

    opened_at: Moment | None
    allowed: int | None
    done_at: Moment | None
    pauses: Sequence[Pause] = ()


def read(
    work: WorkingTime, course: Course, now: Moment, before: Clock, elsewhere: bool = False
) -> Clock:
    """The clock now. `before`: as it stood; `elsewhere`: the ticket comes from another system, where
    people have been told of what is past.

    Unknown without an opening or a rule, where nobody works, and where it was done before it came.
    """
    start, done = course.opened_at, course.done_at
    if start is None or (done is not None and done < start):
        return Clock()
    minutes = None if done is None else elapsed(work, start, done, course.pauses) // MINUTE
    if course.allowed is None:
        return Clock(minutes=minutes)
    due = deadline(work, start, course.allowed * MINUTE, course.pauses)
    paused = any(end is None for _begin, end in course.pauses)
    if due is None and not paused:
        return Clock(minutes=minutes)
    if done is not None:
        state = ClockState.BREACHED if due is not None and done > due else ClockState.MET
        return Clock(due, state.value, None, before.told, minutes)
    if due is None:
        return Clock(None, ClockState.DUE.value, None, before.told)
    warn = deadline(work, start, course.allowed * WARN_AFTER * MINUTE, course.pauses)
    told = _told(due, warn, now, before, elsewhere)
    alarm = {NOT_YET: warn, WARNED: due}.get(told)
    state = ClockState.BREACHED if now > due else ClockState.DUE
    return Clock(due, state.value, alarm, told)


def _told(due: Moment, warn: Moment | None, now: Moment, before: Clock, elsewhere: bool) -> int:
    """What people know of the deadline; of one that was moved into the future, nothing as yet."""
    if due == before.due_at:
        return before.told
    if due <= now:
        return TOLD if elsewhere else before.told
    passed = warn is not None and warn <= now
    return WARNED if passed and before.told >= WARNED else NOT_YET


# -- what the states do to them --------------------------------------------------------------------


def step(values: dict[str, Any], was: str | None, now: Moment) -> None:
    """Note in a ticket's values what going from one state to another means for its times."""
    state = values["state"]
    pauses = list(read_pauses(values.get("pauses")))
    if was == TicketState.WAITING:
        pauses = [(begin, end or now) for begin, end in pauses]
    if state == TicketState.WAITING:
        pauses.append((now, None))
    if was in DONE and state == TicketState.OPEN:
        if values.get("solved_at") is not None:
            pauses.append((values["solved_at"], now))
        values.update(solved_at=None, confirmed_at=None, closed_at=None)
        values["reopened"] = (values.get("reopened") or 0) + 1
    if state in DONE and was not in DONE:
        values["solved_at"] = values.get("solved_at") or now
        values["first_response_at"] = values.get("first_response_at") or values["solved_at"]
    if state == TicketState.CONFIRMED:
        values["confirmed_at"] = now
    if state == TicketState.CLOSED:
        values["closed_at"] = now
    values["pauses"] = write_pauses(pauses)


def read_pauses(text: str | None) -> Sequence[Pause]:
    """Pauses as a ticket keeps them: a line each, beginning/end in ISO 8601."""
    found = []
    for line in (text or "").splitlines():
        begin, _slash, end = line.partition("/")
        until = datetime.datetime.fromisoformat(end) if end else None
        found.append((datetime.datetime.fromisoformat(begin), until))
    return found


def write_pauses(pauses: Sequence[Pause]) -> str | None:
    """The reverse of `read_pauses`."""
    lines = [f"{begin.isoformat()}/{end.isoformat() if end else ''}" for begin, end in pauses]
    return "\n".join(lines) or None


# -- a ticket's fields -------------------------------------------------------------------------------

FIELDS = {"due_at": "due_at", "state": "clock", "alarm_at": "alarm_at", "told": "told",
          "minutes": "minutes"}  # fmt: skip
"""Attribute of a clock → what the ticket's field is called behind the clock's name."""


def stored(values: Mapping[str, Any], name: str) -> Clock:
    """The clock that a ticket's values hold under this name: `response` or `solution`."""
    held: dict[str, Any] = {p: values.get(f"{name}_{field}") for p, field in FIELDS.items()}
    held["told"] = held["told"] or NOT_YET
    held["state"] = held["state"] or ClockState.UNKNOWN.value
    return Clock(**held)


def store(values: dict[str, Any], name: str, clock: Clock) -> None:
    """Put the clock into a ticket's values."""
    for part, field in FIELDS.items():
        values[f"{name}_{field}"] = getattr(clock, part)
