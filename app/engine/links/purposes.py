"""Purposes: what links are for; each declared once by the area that makes such links."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask_babel import lazy_gettext as _

from app.engine.links.items import Item

_BUTTON, _THANKS = _("Send answer"), _("Thank you. Your answer has arrived.")


@dataclass(frozen=True)
class Purpose:
    """What a link is for, what its page asks, and what an answer does.

    `entity`: the name of what links of this purpose are about. `items(record)`: what is asked.
    `act(changes, record, values)`: does it, inside a change set, with every right and in the name of
    “by link”; it may raise InvalidInput naming items: then nothing has happened and the page says so.
    `heading(record)` and `lines(record)`: what stands above the questions; only what whoever holds the
    link may know. `is_open(record)`: whether it can still be answered. All are called in the page's
    language. `lasts`: how long a link is good unless the maker says otherwise.
    """

    name: str
    label: Any
    entity: str
    items: Callable[[Any], Sequence[Item]]
    act: Callable[[Any, Any, Mapping[str, Any]], None]
    heading: Callable[[Any], Any] | None = None
    lines: Callable[[Any], Sequence[Any]] = lambda _record: ()
    is_open: Callable[[Any], bool] = lambda _record: True
    lasts: datetime.timedelta = datetime.timedelta(days=30)
    button: Any = _BUTTON
    thanks: Any = _THANKS


_declared: dict[str, Purpose] = {}


def declare(purpose: Purpose) -> Purpose:
    """Make a purpose known. Raises ValueError for a name taken by another, or too long."""
    known = _declared.get(purpose.name)
    if len(purpose.name) > 40 or (known is not None and known.entity != purpose.entity):
        raise ValueError(f"not a name for a purpose: {purpose.name}")
    _declared[purpose.name] = purpose
    return purpose


def purpose_of(name: str) -> Purpose | None:
    """The purpose of that name; None when this version knows none."""
    return _declared.get(name)


def declared() -> Sequence[Purpose]:
    """Every purpose, in the order of declaration."""
    return tuple(_declared.values())
