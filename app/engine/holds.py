"""Holds: reasons of law for which what a record says may not be taken away, registered by whoever knows them.

A reason (`holds`) keeps a record from being erased or purged. A guard (`guards`) keeps it as it is, at
every door: it can't go to the trash, be undone or merged away, and its fields stand but those that
the guard leaves free.
"""

from __future__ import annotations

import datetime
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask_babel import lazy_gettext as _

ANY = "*"


@dataclass(frozen=True)
class Hold:
    """Why a record is kept, and until when; without a day, until the reason is gone.

    `free`: from a guard, the fields that may change while it stands; None: all of them may.
    """

    why: Any
    until: datetime.date | None = None
    free: frozenset[str] | None = frozenset()

    def leaves(self, name: str) -> bool:
        """Whether the field may change."""
        return self.free is None or name in self.free

    @property
    def refusal(self) -> Any:
        """Why not, and until when, in the reader's language once it is shown."""
        if self.until is None:
            return _("It must be kept: %(why)s", why=self.why)
        day = self.until.isoformat()  # kept in reports, which people of both languages read
        return _("It must be kept until %(day)s: %(why)s", day=day, why=self.why)


Reason = Callable[[Any, str, int], Iterable[Hold]]
"""Called with a session that sees everything, the entity's name and the record's id."""

Guard = Callable[[Any, Collection[int]], Mapping[int, Sequence[Hold]]]
"""Called with a session that sees everything and the ids of records; gives the holds of those that
have any. One statement for all of them: it is asked for whole batches."""

Shut = Callable[[Any, int], Any]
"""Called with a session that sees everything and a record's id; says why nothing is added, or None."""

_shuts: dict[tuple[str, str], list[Shut]] = defaultdict(list)
_reasons: dict[str, list[Reason]] = defaultdict(list)
_guards: dict[str, list[Guard]] = defaultdict(list)
_staying: dict[str, list[Guard]] = defaultdict(list)


def holds(entity: str = ANY) -> Callable[[Reason], Reason]:
    """Registers a reason that may hold records of an entity, named by its name; of all without one."""

    def register(reason: Reason) -> Reason:
        _reasons[entity].append(reason)
        return reason

    return register


def guards(entity: str) -> Callable[[Guard], Guard]:
    """Registers a guard over the records of an entity, named by its name."""

    def register(guard: Guard) -> Guard:
        _guards[entity].append(guard)
        return guard

    return register


def stays(entity: str) -> Callable[[Guard], Guard]:
    """Registers a guard against the removal of an entity's records alone: their fields may change."""

    def register(guard: Guard) -> Guard:
        _staying[entity].append(guard)
        return guard

    return register


def staying(session: Any, entity: str, record_ids: Collection[int]) -> dict[int, list[Hold]]:
    """Every hold by which these records may not be taken away, though they may be changed."""
    found: dict[int, list[Hold]] = defaultdict(list)
    for guard in _staying.get(entity, ()) if record_ids else ():
        for record_id, standing in guard(session, record_ids).items():
            if standing:
                found[record_id] += standing
    return dict(found)


def may_stay(entity: str) -> bool:
    """Whether anything watches that records of the entity are not taken away."""
    return bool(_staying.get(entity)) or is_guarded(entity)


def shuts(entity: str, child: str) -> Callable[[Shut], Shut]:
    """Registers what may close a record to further records of `child`, so that its page offers none."""

    def register(shut: Shut) -> Shut:
        _shuts[entity, child].append(shut)
        return shut

    return register


def may_be_shut(entity: str, child: str) -> bool:
    """Whether anything closes records of the entity to those of `child`."""
    return bool(_shuts.get((entity, child)))


def why_shut(session: Any, entity: str, child: str, record_id: int) -> Any:
    """Why nothing of `child` is added to the record now; None where it is."""
    found = (shut(session, record_id) for shut in _shuts.get((entity, child), ()))
    return next((why for why in found if why is not None), None)


def is_guarded(entity: str) -> bool:
    """Whether any guard watches the records of the entity."""
    return bool(_guards.get(entity))


def guarded(session: Any, entity: str, record_ids: Collection[int]) -> dict[int, list[Hold]]:
    """Every hold by which guards keep these records as they are; only records that have one."""
    found: dict[int, list[Hold]] = defaultdict(list)
    for guard in _guards.get(entity, ()) if record_ids else ():
        for record_id, standing in guard(session, record_ids).items():
            if standing:
                found[record_id] += standing
    return dict(found)


def holds_on(session: Any, entity: str, record_id: int) -> list[Hold]:
    """Every hold that stands on the record today."""
    reasons = (*_reasons.get(entity, ()), *_reasons.get(ANY, ()))
    found = [hold for reason in reasons for hold in reason(session, entity, record_id)]
    return [*found, *guarded(session, entity, [record_id]).get(record_id, ())]
