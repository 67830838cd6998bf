"""The result: a line for each thing measured, beside its bar."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Line:
    """One measurement: ours, stock's (or what else it is compared with), and the bar."""

    name: str
    steward: float
    stock: float | None
    unit: str
    value: float
    bar: float
    at_least: bool = False

    @property
    def ok(self) -> bool:
        return self.value >= self.bar if self.at_least else self.value <= self.bar


def as_table(lines: Sequence[Line], rows: int, postgresql: bool) -> str:
    """The lines, for people."""
    where = "PostgreSQL" if postgresql else "SQLite"
    head = f"{rows:,} customers on {where}"
    table = [head, "", f"{'':38}{'Steward':>12}{'stock':>12}{'':>6}{'ratio':>9}{'bar':>9}"]
    for line in lines:
        other = "" if line.stock is None else f"{line.stock:,.1f}"
        bar = f"{'≥' if line.at_least else '≤'} {line.bar:g}"
        verdict = "ok" if line.ok else "SHORT"
        table.append(
            f"{line.name:38}{line.steward:>12,.1f}{other:>12} {line.unit:<5}"
            f"{line.value:>9.3f}{bar:>9}   {verdict}"
        )
    return "\n".join(table)
