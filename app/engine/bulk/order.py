"""An order: an act on a selection, as somebody has seen it in a preview and agreed to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from app.engine.bulk.acts import Act, act_of
from app.engine.bulk.selection import Selection
from app.engine.registry import current

AT_ONCE = 200
"""So many records are worked on while their asker waits; more are left to a job."""


@dataclass(frozen=True)
class Order:
    """What to do to which records.

    `since`: the newest change at the moment of the preview: records that others changed after it are
    left alone. `expected`: how many records the preview counted.
    """

    act: Act
    selection: Selection
    since: int | None = None
    expected: int | None = None

    def as_json(self) -> dict[str, Any]:
        return {
            "entity": self.act.definition.name,
            "action": self.act.name,
            "values": dict(self.act.values),
            "selection": self.selection.as_json(),
            "since": self.since,
            "expected": self.expected,
        }

    @classmethod
    def from_json(cls, given: Mapping[str, Any]) -> Self:
        """Raises NotFound, NotAllowed: with the rights that the viewer has now."""
        definition = current().entity(given["entity"])
        return cls(
            act_of(definition, given["action"], given["values"]),
            Selection.from_json(definition, given["selection"]),
            given["since"],
            given["expected"],
        )
