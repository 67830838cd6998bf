"""What an area says of its packages, so that pages and checks know them without knowing the area."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from app.engine.archives.catalogue import Catalogue
from app.engine.archives.labels import Label


@dataclass(frozen=True)
class Sealed:
    """A package that is in the store, as its row says."""

    id: int
    number: str
    path: str
    seal: str
    size: int


@dataclass(frozen=True)
class Archive:
    """`entity`: that of the packages, by name.

    `catalogue(record)` and `labels(record)`: of a package, as far as the viewer may see its items.
    `sealed(session, after, limit)`: sealed packages by id; `check(session)`: what of their rows does
    not agree, in words; `compare(session, sealed, said)`: the same against what a package itself says.
    The session sees everything. `holds`: the entities whose records a package may hold.
    """

    entity: str
    catalogue: Callable[[Any], Catalogue]
    labels: Callable[[Any], Iterable[Label]]
    sealed: Callable[[Any, int, int], Sequence[Sealed]]
    check: Callable[[Any], Iterator[str]]
    compare: Callable[[Any, Sealed, Mapping[str, Any]], Iterator[str]]
    holds: tuple[str, ...]


_declared: dict[str, Archive] = {}


def declare(archive: Archive) -> Archive:
    """Make it known. Declared again it is replaced."""
    _declared[archive.entity] = archive
    return archive


def archive_of(entity: str) -> Archive | None:
    """What is declared of the entity's packages."""
    return _declared.get(entity)


def declared() -> Sequence[Archive]:
    """All of them."""
    return tuple(_declared.values())
