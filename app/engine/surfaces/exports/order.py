"""An export about to be written."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import tzinfo
from typing import Any

from app.engine.query import Snapshot
from app.engine.surfaces.exports.cells import Cells
from app.engine.surfaces.exports.parts import Part


@dataclass(frozen=True)
class Order:
    """One export to be written: its tables, where they are read, and for whom."""

    parts: Sequence[Part]
    snapshot: Snapshot
    zone: tzinfo
    on_rows: Callable[[int], None]

    def batches(self, part: Part) -> Iterator[list[Sequence[Any]]]:
        """The part's columns; tells of the rows that are done."""
        for batch in part.batches(self.snapshot):
            yield batch
            self.on_rows(len(batch[0]))

    def lines(self, part: Part, cells: Sequence[Cells]) -> Iterator[list[bytes]] | None:
        """The part's lines of CSV where the database makes them; tells of those that are done."""
        lines = part.lines(self.snapshot, cells)
        return None if lines is None else self._told(lines)

    def _told(self, lines: Iterator[list[bytes]]) -> Iterator[list[bytes]]:
        for batch in lines:
            yield batch
            self.on_rows(len(batch))
