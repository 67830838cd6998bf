"""Remarks: what pages of an entity say above its records, where there is something to say."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Remark:
    """Said on pages of these kinds: `record`, `list`, `charts`.

    `text(row)` gives what is said, or None; `row` holds the values of the record that the page shows,
    as far as its reader may see them, and is None where it shows several.
    """

    text: Callable[[Mapping[str, Any] | None], Any]
    on: tuple[str, ...] = ("record",)
    kind: str = "warning"


@dataclass(frozen=True)
class Counted:
    """How many records there are of some kind, said as `text(count)`; of none nothing is said.

    `only`: filters as (field, operator, operand). Those who may not see their fields are not told.
    """

    only: tuple[tuple[str, str, Any], ...]
    text: Callable[[int], Any]
    on: tuple[str, ...] = ("charts",)
    kind: str = "info"


__all__ = ["Counted", "Remark"]
