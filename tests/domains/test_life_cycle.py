"""The customer's life cycle, by random steps: no forbidden move, however it is tried."""

from __future__ import annotations

import random
from typing import Any

import pytest

from app.domains.customers.choices import LIFE_CYCLE, LifeCycle
from app.engine import registry
from app.engine.changes import change_set
from app.engine.errors import InvalidInput
from app.engine.states import problems_of
from tests.factories import make

MAY = {
    "potential": {"new", "active", "lost"},
    "new": {"active", "dormant", "lost"},
    "active": {"dormant", "lost"},
    "dormant": {"active", "lost"},
    "lost": {"active"},
}
"""The practice, written down apart from the declaration."""


def test_random_steps_never_take_a_forbidden_way() -> None:
    """10,000 steps on the rules alone."""
    field = registry.DECLARED["Customer"].declared["status"]
    dice, at = random.Random(5), "potential"
    taken = set()
    for _step in range(10_000):
        to = dice.choice([state.value for state in LifeCycle])
        refused = problems_of(field, {"status": to}, {"status": at}, "form", lambda _right: True)
        assert bool(refused) == (to != at and to not in MAY[at]), (at, to)
        if not refused:
            taken.add((at, to))
            at = to if dice.random() < 0.9 else "potential"
    assert {(a, b) for a, b in taken if a != b} == {(a, b) for a, ways in MAY.items() for b in ways}


@pytest.mark.parametrize("move", LIFE_CYCLE, ids=lambda move: move.name)
def test_each_move_is_a_button_where_it_may_be_taken(move: Any, as_admin: Any) -> None:
    (action,) = [a for a in registry.DECLARED["Customer"].actions if a.name == move.name]
    for state in LifeCycle:
        customer = make("Customer", status=state.value)
        assert action.offered(customer) == (state.value in move.sources)


def test_a_forbidden_move_is_refused_with_the_ways_there_are(as_admin: Any) -> None:
    customer = make("Customer", status="lost")
    definition = registry.current().entity("Customer")
    with pytest.raises(InvalidInput) as wrong, change_set("form") as changes:
        changes.update(definition, customer.id, {"status": "new"})
    (problem,) = wrong.value.problems
    assert problem.field == "status"
    assert "活跃" in str(problem.message) or "Active" in str(problem.message)
