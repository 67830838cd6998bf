"""What needs a person's attention beside their records: surfaces say what, the first page shows it.

A surface registers a source: a function from the viewer to items. What needs those who run the
system asks for the right itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from app.engine.policy import SYSTEM, Viewer


@dataclass(frozen=True)
class Item:
    """One thing to look at. `tone`: bad, warn or good, as states have it."""

    text: str
    href: str
    icon: str
    tone: str = "warn"
    detail: str = ""


Source = Callable[[Viewer], Iterable[Item]]
_mine: dict[str, Source] = {}
_system: dict[str, Source] = {}


def of_mine(name: str, source: Source) -> None:
    """Register what needs whoever looks. By its name it replaces the one before."""
    _mine[name] = source


def of_the_system(name: str, source: Source) -> None:
    """Register what needs those who may look after the system; only they are told."""
    _system[name] = source


def mine(viewer: Viewer) -> list[Item]:
    """What needs the viewer."""
    if viewer.user_id is None:
        return []
    return [item for source in _mine.values() for item in source(viewer)]


def system(viewer: Viewer) -> list[Item] | None:
    """What needs those who run the system; None for everybody else."""
    if not viewer.can(SYSTEM, "read"):
        return None
    return [item for source in _system.values() for item in source(viewer)]
