"""States with allowed moves: from which state a record may go to which, and what each step asks for.

Declared on a Choice field (`moves=`); held by the write path, so below every door. Undoing a change
may go back, whatever the moves say.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from flask_babel import lazy_gettext as _

from app.engine.errors import Problem

Values = Mapping[str, Any]

FROM_ELSEWHERE = ("import", "seed", "demo")
"""Doors by which records come that have a history elsewhere: new ones may stand in any state."""


@dataclass(frozen=True)
class Move:
    """A step that a record may take: a button on its page, an act in lists, a choice in its form.

    `right`: the right over the record that it needs, beside that to change it. `asks`: fields that
    must be filled in when it is taken. `when(values)`: says why not, or gives None; it gets the
    record's values as they will be.
    """

    name: str
    label: Any
    sources: tuple[str, ...]
    target: str
    right: str = "update"
    asks: tuple[str, ...] = ()
    when: Callable[[Values], Any] | None = None
    icon: str = "arrow-right"


def check_declared(moves: Iterable[Move], states: Collection[str], field_name: str) -> None:
    """Raises ValueError for a move that names a state that the field has not, or a name twice."""
    names: set[str] = set()
    for move in moves:
        unknown = {*move.sources, move.target} - set(states)
        if unknown or move.name in names:
            raise ValueError(f"{field_name}: the move “{move.name}” names {unknown or 'another'}")
        names.add(move.name)


def problems_of(
    field: Any, values: Values, before: Values | None, door: str, may: Callable[[str], bool]
) -> list[Problem]:
    """Why a record can't go to the state that its new values have; nothing where it may.

    `before`: the values as stored; None for a new record. From an unknown state it may go to any.
    """
    wanted = values.get(field.name)
    if before is None:
        begins = None if door in FROM_ELSEWHERE else field.begins
        if wanted is None or begins is None or wanted in begins:
            return []
        message = _("A new record can't begin as “%(state)s”.", state=field.text(wanted))
        return [Problem(field.name, message)]
    was = before.get(field.name)
    if was is None or wanted == was:
        return []
    if wanted is None:
        return [Problem(field.name, _("What has a state can't go back to having none."))]
    ways = [move for move in field.moves if was in move.sources and move.target == wanted]
    if not ways:
        return [Problem(field.name, _no_way(field, was, wanted))]
    found: list[Problem] = []
    for move in ways:
        found = _hindrances(field, move, values, may)
        if not found:
            return []
    return found


def _no_way(field: Any, was: str, wanted: str) -> Any:
    ways = [field.text(move.target) for move in field.moves if was in move.sources]
    if not ways:
        return _(
            "From “%(before)s” it can't go to “%(after)s”: that is the end.",
            before=field.text(was),
            after=field.text(wanted),
        )
    return _(
        "From “%(before)s” it can't go to “%(after)s”; it can go to: %(ways)s.",
        before=field.text(was),
        after=field.text(wanted),
        ways=", ".join(dict.fromkeys(ways)),
    )


def _hindrances(
    field: Any, move: Move, values: Values, may: Callable[[str], bool]
) -> list[Problem]:
    if not may(move.right):
        return [Problem(field.name, _("Your roles do not allow “%(step)s”.", step=move.label))]
    why = move.when(values) if move.when is not None else None
    if why is not None:
        return [Problem(field.name, why)]
    asked = _("“%(step)s” asks for this field.", step=move.label)
    return [Problem(name, asked) for name in move.asks if values.get(name) in (None, "", [])]


def open_moves(field: Any, values: Values, may: Callable[[str], bool]) -> list[Move]:
    """The moves that a record can take now; what they ask for may still be missing."""
    return [
        move
        for move in field.moves
        if values.get(field.name) in move.sources
        and may(move.right)
        and (move.when is None or move.when(values) is None)
    ]


def offered_values(
    field: Any, values: Values | None, may: Callable[[str], bool]
) -> Collection[str] | None:
    """The states that a form offers; None for all. `values`: as stored, None for a new record."""
    if not field.moves:
        return None
    if values is None:
        return field.begins  # type: ignore[no-any-return]
    was = values.get(field.name)
    if was is None:
        return None
    return {was, *(move.target for move in open_moves(field, values, may))}


__all__ = [
    "FROM_ELSEWHERE",
    "Move",
    "check_declared",
    "offered_values",
    "open_moves",
    "problems_of",
]
