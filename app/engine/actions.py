"""Actions: what can be done to a record beside being edited."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Told:
    """What an action has to say beside that it was done: words, and a text to be copied."""

    words: Any
    text: str


@dataclass(frozen=True)
class Action:
    """A button on the record page and a bulk action in the list.

    `run(changes, record, values)` does it inside a change set, and may give what is to be told; `right` is the right that it needs;
    `offered(record)` says whether it makes sense for a record now. `asks` names fields of the record
    that are filled in first, where the record's page does it; `values` are theirs.
    `tells` names fields that `offered` reads: it is offered to those alone who see them plainly.
    """

    name: str
    label: Any
    right: str
    run: Callable[[Any, Any, Mapping[str, Any]], Told | None]
    icon: str = "player-play"
    offered: Callable[[Any], bool] = lambda _record: True
    asks: tuple[str, ...] = ()
    tells: tuple[str, ...] = ()
