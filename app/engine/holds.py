"""Holds: reasons of law for which what a record says may not be taken away, registered by whoever knows them."""

from __future__ import annotations

import datetime
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

ANY = "*"


@dataclass(frozen=True)
class Hold:
    """Why a record is kept, and until when; without a day, until the reason is gone."""

    why: Any
    until: datetime.date | None = None


Reason = Callable[[Any, str, int], Iterable[Hold]]
"""Called with a session that sees everything, the entity's name and the record's id."""

_reasons: dict[str, list[Reason]] = defaultdict(list)


def holds(entity: str = ANY) -> Callable[[Reason], Reason]:
    """Registers a reason that may hold records of an entity, named by its name; of all without one."""

    def register(reason: Reason) -> Reason:
        _reasons[entity].append(reason)
        return reason

    return register


def holds_on(session: Any, entity: str, record_id: int) -> list[Hold]:
    """Every hold that stands on the record today."""
    reasons = (*_reasons.get(entity, ()), *_reasons.get(ANY, ()))
    return [hold for reason in reasons for hold in reason(session, entity, record_id)]
