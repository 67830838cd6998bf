"""The schedule: what runs by itself, as one list."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from jobs.sweep import sweep


@dataclass(frozen=True)
class Recurring:
    """Something done each so many seconds, and once when the scheduler starts."""

    name: str
    seconds: int
    run: Callable[[], Any]


SCHEDULE: tuple[Recurring, ...] = (Recurring("sweep", 10, sweep),)
