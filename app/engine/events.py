"""Events: how one area reacts to what happens in another without importing it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from typing import Any

Reaction = Callable[[Any, Any], None]
"""Called with the open change set and the record, inside the transaction of the change."""

KINDS = ("created", "updated", "trashed", "restored", "approved", "purged", "moved", "undoing")
"""`moved`: it points at another record now, since the one that it pointed at was merged into that.
`undoing`: fields of it get their values from before, or the record is about to go, since somebody
undoes what was done; a StewardError raised then leaves this one as it is, and the report says why."""

_reactions: dict[tuple[str, str], list[Reaction]] = defaultdict(list)


def on(entity_name: str, kind: str) -> Callable[[Reaction], Reaction]:
    """Registers a reaction to an event of an entity, named by its name. Raises ValueError."""
    if kind not in KINDS:
        raise ValueError(f"no such event: {kind}")

    def register(reaction: Reaction) -> Reaction:
        _reactions[entity_name, kind].append(reaction)
        return reaction

    return register


def reactions(entity_name: str, kind: str) -> tuple[Reaction, ...]:
    """What was registered for the event, in order."""
    return tuple(_reactions.get((entity_name, kind), ()))
