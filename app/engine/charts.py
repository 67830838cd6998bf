"""Charts: what is declared of one; the database does the grouping."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Chart:
    """Records counted, or a number summed, by a field's groups.

    `kind`: bar, line or pie. `measure`: `count`, or the name of a number field to sum.
    `only`: filters as (field, operator, operand) that always hold.
    """

    name: str
    label: Any
    group_by: str
    kind: str = "bar"
    measure: str = "count"
    only: tuple[tuple[str, str, Any], ...] = ()
