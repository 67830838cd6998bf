"""A condition on the tokens of an entry: what a search comes down to."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Token:
    """One token, or with `prefix` any token that begins so."""

    text: str
    prefix: bool = False


@dataclass(frozen=True)
class All:
    """Every part holds."""

    parts: tuple[Condition, ...]


@dataclass(frozen=True)
class Any:
    """At least one part holds."""

    parts: tuple[Condition, ...]


Condition = Token | All | Any

NOWHERE = Token(":")
"""A token that no text gives."""
