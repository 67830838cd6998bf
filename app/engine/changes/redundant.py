"""Links that a merge makes meaningless: of a record with itself, or what another link says already.

They go to the trash with the merge instead of standing in its way, and come back when it is undone.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import and_, or_, select

from app.engine import policy
from app.engine.changes.bulk import table_of
from app.engine.changes.writer import Changes
from app.engine.graphs import Graph
from app.engine.registry import EntityDefinition

_INTERNAL = {policy.INTERNAL: "whether a link is there already does not hang on who may see it"}

Said = tuple[int, int, str]
"""One, other, kind: what a link says."""


class Redundant:
    """Finds the links among records that are about to be moved; those moved before count as there."""

    def __init__(self, changes: Changes, definition: EntityDefinition) -> None:
        self._changes, self._definition = changes, definition
        self._graph: Graph | None = definition.options.graph
        self._moved: set[Said] = set()

    def __call__(self, record: Any, values: Mapping[str, Any]) -> bool:
        """Whether the record, given these values, would say nothing new; never of what is no link."""
        if self._graph is None:
            return False
        fields = self._definition.fields
        names = (self._graph.one, self._graph.other, self._graph.kind)
        one, other, kind = (
            values[name] if name in values else fields[name].get(record) for name in names
        )
        if one == other:
            return True
        either: set[Said] = {(one, other, kind)}
        if kind in self._graph.inverse:
            either.add((other, one, self._graph.inverse[kind]))
        if either & self._moved or self._there(either, record.id):
            return True
        self._moved |= either
        return False

    def _there(self, either: set[Said], without: int) -> bool:
        graph: Any = self._graph
        table = table_of(self._definition)
        columns = [
            table.c[self._definition.fields[name].column_name]
            for name in (graph.one, graph.other, graph.kind)
        ]
        same = [
            and_(*(column == value for column, value in zip(columns, said, strict=True)))
            for said in either
        ]
        statement = select(table.c.id).where(
            or_(*same), table.c.deleted_at.is_(None), table.c.id != without
        )
        found = self._changes.session.scalars(statement.limit(1), execution_options=_INTERNAL)
        return found.first() is not None
