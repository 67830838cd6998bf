"""Rules: what an entity asks of its records beyond what each field asks of its value."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from app.engine.errors import Problem
from app.engine.states import FROM_ELSEWHERE


@dataclass
class Saving:
    """A record about to be written, as rules see it.

    `values` holds every field of the record as it will be; a rule may set more. `before` holds the
    fields as they were, and is empty for a new record. `changes` is the open change set.
    """

    values: dict[str, Any]
    before: Mapping[str, Any]
    record_id: int | None
    changes: Any
    problems: list[Problem] = field(default_factory=list)

    @property
    def new(self) -> bool:
        return self.record_id is None

    @property
    def from_elsewhere(self) -> bool:
        """Whether the record comes with a history that it had in another system."""
        return self.changes.journal.door in FROM_ELSEWHERE

    def changed(self, name: str) -> bool:
        """Whether this field will differ from what is stored."""
        return self.values.get(name) != self.before.get(name)

    def problem(self, field_name: str | None, message: Any) -> None:
        """Refuse the record, saying why beside this field."""
        self.problems.append(Problem(field_name, message))


@contextlib.contextmanager
def whoever_saves() -> Iterator[None]:
    """In it a rule finds what it goes by, whoever may read that: what it decides holds for everybody."""
    from app.engine import policy

    with policy.entrusted("a rule goes by the same for everybody"):
        yield


Rule = Callable[[Saving], None]


def rule(function: Rule) -> Rule:
    """Marks a function in an entity's body as a rule of it; it gets the Saving."""
    function.is_rule = True  # type: ignore[attr-defined]
    return function
