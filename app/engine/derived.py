"""Derived fields: what a record keeps of the records that point at it, such as the latest of their days.

    last_met = DateTime(_("Last met"), derived=Latest("Meeting", "person", "at"))

Nobody writes such a field. At the end of each change set's transaction it is worked out anew for the
records whose own were made, changed, moved, trashed, restored or taken away in it, by whatever door:
by a few statements, however many. It is no change of the record: its version and history stay.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any


@dataclass(frozen=True)
class Latest:
    """The greatest value of a field among the records of an entity that point here.

    `entity`: by name. `reference`: its field that points here; `of`: the field whose value is taken.
    `only`: conditions as (field, operator, operand) on those that count; trashed ones never do.
    """

    entity: str
    reference: str
    of: str
    only: tuple[tuple[str, str, Any], ...] = ()


@dataclass(frozen=True)
class Keeping:
    """A derived field: which entity keeps it, under which name."""

    entity: str
    field: str
    derived: Latest


@lru_cache(maxsize=4)
def _by_source(_entities: int) -> Mapping[str, tuple[Keeping, ...]]:
    from app.engine.entity import DECLARED

    found: dict[str, list[Keeping]] = {}
    for name, model in DECLARED.items():
        for field in model.declared.values():
            if field.derived is not None:
                found.setdefault(field.derived.entity, []).append(
                    Keeping(name, field.name, field.derived)
                )
    return {name: tuple(kept) for name, kept in found.items()}


def kept_of(entity: str) -> tuple[Keeping, ...]:
    """The derived fields that are worked out from records of this entity."""
    from app.engine.entity import DECLARED

    return _by_source(len(DECLARED)).get(entity, ())


class Touched:
    """Which records' derived fields are to be worked out anew at the end of the transaction."""

    def __init__(self) -> None:
        self.sources: dict[str, set[int]] = {}
        """Records that were written and are there: where they point now is looked up."""
        self.parents: dict[tuple[str, str], set[int]] = {}
        """By source and reference: where records pointed before, or pointed that are gone."""

    def note(self, entity: str, record_id: int, *values: Mapping[str, Any] | None) -> None:
        """A record of the entity was written. `values`: as they were and are, or columns of its row."""
        for keeping in kept_of(entity):
            self.sources.setdefault(entity, set()).add(record_id)
            name = keeping.derived.reference
            for held in values:
                pointed = (held or {}).get(name, (held or {}).get(f"{name}_id"))
                if isinstance(pointed, int):
                    self.parents.setdefault((entity, name), set()).add(pointed)

    def note_all(self, entity: str, ids: Collection[int]) -> None:
        """Records of the entity were made."""
        if kept_of(entity):
            self.sources.setdefault(entity, set()).update(ids)

    def take(self) -> tuple[dict[str, set[int]], dict[tuple[str, str], set[int]]]:
        """What there is, which is then forgotten."""
        found = self.sources, self.parents
        self.sources, self.parents = {}, {}
        return found
