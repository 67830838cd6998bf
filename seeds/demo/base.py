"""What the areas' demonstration data share: the day, the people, the dice, and how records are made.

Every draw comes from dice of a fixed seed, and every date is counted from the day on which the data
are put in: on one day they are the same on every machine, and on any day they look lived in.
"""

from __future__ import annotations

import datetime
import random
import zlib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import select

from app.engine import registry
from app.engine.changes import Changes, create_prepared
from app.engine.policy import WITH_TRASH

SEED = 20261122
CHINA = datetime.timezone(datetime.timedelta(hours=8))

Values = dict[str, Any]


@dataclass
class Demo:
    """The demonstration data being written, as of `day`, `times` as much as usual."""

    changes: Changes
    day: datetime.date
    accounts: Mapping[str, Sequence[int]]
    """By role, the ids of the demo people."""
    times: float = 1
    made: dict[str, list[tuple[int, Values]]] = field(default_factory=lambda: defaultdict(list))
    """By entity, what was made so far: the id and the values."""

    def dice(self, name: str) -> random.Random:
        """Dice of their own for each part, so that one part's draws don't shift another's."""
        return random.Random(SEED + zlib.crc32(name.encode()))

    def count(self, usual: int) -> int:
        """How many there are to be, where `usual` is the number of the usual size."""
        return max(round(usual * self.times), 1)

    def people(self, *roles: str) -> list[int]:
        """The demo people of these roles."""
        return [user_id for role in roles for user_id in self.accounts.get(role, ())]

    def has(self, entity: str) -> bool:
        """Whether this installation has such records at all."""
        return entity in registry.current().entities

    def held(self, entity: str, name: str) -> set[Any]:
        """What records hold in a field already, those in the trash included."""
        definition = registry.current().entity(entity)
        expression = definition.field(name).expression(definition.model)
        statement = select(expression).where(expression.is_not(None))
        return set(self.changes.session.scalars(statement.execution_options(**{WITH_TRASH: True})))

    def create(self, entity: str, rows: Sequence[Values], approved: bool = True) -> list[int]:
        """Make the records and remember them; values of read-only fields are put in as they are."""
        definition = registry.current().entity(entity)
        prepared = []
        for row in rows:
            own = {name for name in row if definition.field(name).read_only}
            one = self.changes.checker.new(
                definition, {name: value for name, value in row.items() if name not in own}
            )
            one.values.update({n: definition.fields[n].clean(row[n]) for n in own})
            prepared.append(one)
        ids = create_prepared(self.changes, definition, prepared, approved=approved)
        self.keep(entity, ids, rows)
        return ids

    def keep(self, entity: str, ids: Iterable[int], rows: Iterable[Values]) -> None:
        """Remember what was made, for the areas that follow."""
        self.made[entity] += zip(ids, rows, strict=True)

    def moment(self, days_ago: float, hour: int = 9, minute: int = 0) -> datetime.datetime:
        """A moment of an earlier day by China's clock; of today, one that has passed."""
        day = self.day - datetime.timedelta(days=int(days_ago))
        local = datetime.datetime.combine(day, datetime.time(hour, minute), CHINA)
        latest = datetime.datetime.now(datetime.UTC).replace(microsecond=0)
        return min(local.astimezone(datetime.UTC), latest - datetime.timedelta(minutes=5))

    def date(self, days_ago: int) -> datetime.date:
        """A day before this one, or after it for less than 0."""
        return self.day - datetime.timedelta(days=days_ago)


def in_turn(values: Sequence[Any], place: int) -> Any:
    """Each value in its turn, so that every one comes up however few records there are."""
    return values[place % len(values)]
