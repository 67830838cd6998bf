"""Deadlines: by when something is to be done to a record, whom to warn before and to tell after."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

NOT_YET, WARNED, TOLD = 0, 1, 2
"""What people have been told of a deadline: nothing, that it comes near, that it has passed."""


@dataclass(frozen=True)
class Deadline:
    """A deadline of an entity, by the fields that hold it; the entity's rules fill them in.

    `due`: by when. `alarm`: when people are to be told next; empty when there is nothing to tell.
    `told`: a whole number, how much they have been told (0, 1, 2). `clock`: a choice, which becomes
    `breached` when it has passed. `people`: the fields that name whom to tell.
    """

    name: str
    label: Any
    due: str
    alarm: str
    told: str
    clock: str
    breached: str
    people: tuple[str, ...]


__all__ = ["NOT_YET", "TOLD", "WARNED", "Deadline"]
