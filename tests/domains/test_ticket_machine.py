"""Random steps on a ticket against a model in plain Python: no forbidden move, no clock wrong.

The model shares nothing with the ticket: it keeps each minute of the ticket's life and counts those
that were worked and not waited through.
"""

from __future__ import annotations

import datetime
import os
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from app.domains.tickets import steps
from app.engine import policy, registry
from app.engine.changes import change_set
from app.engine.errors import InvalidInput
from tests.factories import make, viewer

FULL = os.environ.get("STEWARD_PROOF") == "full"
MINUTE = datetime.timedelta(minutes=1)
ALLOWED = {
    "new": {"open", "solved"},
    "open": {"waiting", "solved"},
    "waiting": {"open", "solved"},
    "solved": {"confirmed", "open"},
    "confirmed": {"closed", "open"},
    "closed": {"open"},
}
STATES = tuple(ALLOWED)
PROMISED = {False: (10, 120), True: (10, 1440)}
FIRST = datetime.datetime(2026, 9, 29, 2, 0, tzinfo=datetime.UTC)
"""Before the holidays of October, with a Saturday that is worked after them."""

HOLIDAYS = {datetime.date(2026, 10, day) for day in range(1, 8)}
WORKED = {datetime.date(2026, 10, 10)}


def is_worked(moment: datetime.datetime) -> bool:
    """By the office's clock and this autumn's calendar."""
    local = moment + datetime.timedelta(hours=8)
    day, minute = local.date(), local.hour * 60 + local.minute
    if day in HOLIDAYS or (day.weekday() >= 5 and day not in WORKED):
        return False
    return 540 <= minute < 720 or 780 <= minute < 1080


class Plain:
    """What a ticket is to look like: times by the minute, kept as lists and counted anew each time."""

    def __init__(self, opened: datetime.datetime) -> None:
        self.opened, self.state, self.complex = opened, "new", False
        self.answered: datetime.datetime | None = None
        self.solved: datetime.datetime | None = None
        self.stopped: list[list[Any]] = []
        self.reopened = 0

    def go(self, state: str, now: datetime.datetime) -> None:
        done = ("solved", "confirmed", "closed")
        if self.state == "waiting" and state != "waiting":
            self.stopped[-1][1] = now
        if state == "waiting" and self.state != "waiting":
            self.stopped.append([now, None])
        if self.state in done and state == "open":
            self.stopped.append([self.solved, now])
            self.solved, self.reopened = None, self.reopened + 1
        if state in done and self.state not in done:
            self.solved = now
            self.answered = self.answered or now
        self.state = state

    def counts(self, moment: datetime.datetime) -> bool:
        waited = any(
            low <= moment and (high is None or moment < high) for low, high in self.stopped
        )
        return is_worked(moment) and not waited

    def used(self, end: datetime.datetime) -> int:
        """How many minutes were used up by then, looked at one by one."""
        moment, used = self.opened, 0
        while moment < end:
            used += self.counts(moment)
            moment += MINUTE
        return used

    def due(self, allowed: int) -> datetime.datetime:
        """When the last minute allowed is used up, if nothing stops it any more."""
        used, moment = 0, self.opened
        while used < allowed:
            used += self.counts(moment)
            moment += MINUTE
        return moment

    def clock(self, allowed: int, done: datetime.datetime | None, now: datetime.datetime) -> str:
        """How the deadline stands."""
        end = done or now
        used = self.used(end)
        late = used > allowed or (used == allowed and self.due(allowed) < end)
        return "breached" if late else "due" if done is None else "met"


class Tickets(RuleBasedStateMachine):
    """Somebody works on a ticket, in any order, at any time."""

    @initialize()
    def begin(self) -> None:
        self.acting = policy.acting_as(viewer("admin"))
        self.acting.__enter__()
        self.now, steps.now = FIRST, lambda: self.now
        self.record = make("Ticket", impact=None, urgency=None)
        self.plain = Plain(self.now)

    def change(self, **values: Any) -> None:
        with change_set("form") as changes:
            changes.update(registry.current().entity("Ticket"), self.record.id, values)

    @rule(state=st.sampled_from(STATES), later=st.integers(1, 200))
    def move(self, state: str, later: int) -> None:
        self.now += later * MINUTE
        allowed = state == self.plain.state or state in ALLOWED[self.plain.state]
        try:
            self.change(state=state)
        except InvalidInput:
            assert not allowed
        else:
            assert allowed
            if state != self.plain.state:
                self.plain.go(state, self.now)

    @rule(later=st.integers(1, 60))
    def reply(self, later: int) -> None:
        self.now += later * MINUTE
        make("TicketMessage", ticket=self.record.id, kind="reply")
        if self.plain.answered is None:
            self.plain.answered = self.now
        if self.plain.state == "new":
            self.plain.go("open", self.now)

    @rule(later=st.integers(1, 600))
    def customer_writes(self, later: int) -> None:
        self.now += later * MINUTE
        make("TicketMessage", ticket=self.record.id, kind="customer")
        if self.plain.state == "waiting":
            self.plain.go("open", self.now)

    @rule(is_complex=st.booleans())
    def turns_out_complex(self, is_complex: bool) -> None:
        self.change(complex=is_complex)
        self.plain.complex = is_complex

    @invariant()
    def clocks_are_right(self) -> None:
        with change_set("form") as changes:
            stands = changes.load(registry.current().entity("Ticket"), self.record.id, "read")
            state, reopened = stands.state, stands.reopened or 0
            answered, solved = stands.first_response_at, stands.solved_at
            kept = (stands.response_clock, stands.solution_clock)
            due = (stands.response_due_at, stands.solution_due_at)
            took = (stands.response_minutes, stands.solution_minutes)
        plain = self.plain
        assert (state, reopened) == (plain.state, plain.reopened)
        assert (answered, solved) == (plain.answered, plain.solved)
        done = (plain.answered, plain.solved)
        for number, allowed in enumerate(PROMISED[plain.complex]):
            shown = kept[number]
            if shown == "due" and due[number] is not None and due[number] < self.now:
                shown = "breached"  # what the job of the minute notes
            assert shown == plain.clock(allowed, done[number], self.now), number
            end = done[number]
            assert took[number] == (None if end is None else plain.used(end)), number
            if plain.state != "waiting":
                assert due[number] == plain.due(allowed), number

    def teardown(self) -> None:
        self.acting.__exit__(None, None, None)


@pytest.mark.proof
def test_random_steps_never_go_where_they_may_not_and_keep_the_clocks_right(
    app: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """10,000 steps in proof."""
    monkeypatch.setattr(steps, "now", steps.now)  # put back afterwards
    examples = 200 if FULL else 7
    Tickets.TestCase.settings = settings(
        max_examples=examples, stateful_step_count=50, deadline=None, derandomize=not FULL,
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    Tickets.TestCase().runTest()
