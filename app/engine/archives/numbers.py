"""Numbers of series without gaps, in the change set that writes them down."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from app.engine.changes import series

_OURS = "archives"


def take(changes: Any, name: str, count: int) -> list[int]:
    """The next numbers of the series; others wait for the end of this transaction."""
    return series.take(changes.session, f"{_OURS}.{name}", count)


def give_back(changes: Any, name: str, numbers: Sequence[int]) -> None:
    """Numbers that nobody has any more."""
    series.give_back(changes.session, f"{_OURS}.{name}", numbers)


def given(session: Any, name: str) -> set[int]:
    """Every number that somebody must have."""
    return series.given(session, f"{_OURS}.{name}")
