"""Actions: what can be done to a record beside being edited."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Action:
    """A button on the record page and a bulk action in the list.

    `run(changes, record)` does it inside a change set; `right` is the right that it needs;
    `offered(record)` says whether it makes sense for a record now.
    """

    name: str
    label: Any
    right: str
    run: Callable[[Any, Any], None]
    icon: str = "player-play"
    offered: Callable[[Any], bool] = lambda _record: True
