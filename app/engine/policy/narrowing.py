"""Less than a person may do: what a key of theirs lets a program do on their behalf."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from app.engine.policy.rights import ACCESS, Grant, Rights

if TYPE_CHECKING:
    from app.engine.policy.viewer import Viewer


@dataclass(frozen=True)
class Narrowing:
    """Only to read, or only some entities (by name; None: all). It never gives a right."""

    writes: bool
    entities: frozenset[str] | None = None

    @classmethod
    def of(cls, writes: bool, entities: Collection[str] | None) -> Narrowing:
        return cls(writes, None if entities is None else frozenset(entities))

    def covers(self, entity: str, action: str) -> bool:
        """Whether this much is left of the right."""
        if self.entities is not None and entity not in self.entities:
            return False
        return self.writes or action == "read"


@dataclass(frozen=True)
class NarrowedRights(Rights):
    """A person's rights, as far as the narrowing covers them."""

    narrowing: Narrowing = Narrowing(False, frozenset())

    def grants(self, entity: str, action: str) -> tuple[Grant, ...]:
        return super().grants(entity, action) if self.narrowing.covers(entity, action) else ()

    def access(self, entity: str, name: str, personal: bool) -> str:
        if not self.narrowing.covers(entity, "read"):
            return "hidden"
        whole = super().access(entity, name, personal)
        return whole if self.narrowing.writes else min(whole, "read", key=ACCESS.index)


def narrowed(viewer: Viewer, narrowing: Narrowing) -> Viewer:
    """The viewer with what is left of their rights."""
    return replace(viewer, rights=NarrowedRights(viewer.rights.roles, narrowing=narrowing))
