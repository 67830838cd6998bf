"""Rows that resemble a record or an earlier row: the same name but for its form, the same number.

Looked up for a batch of rows at once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from app.engine import policy
from app.engine.fields import Field
from app.engine.likeness import Likeness, likeness_of
from app.engine.query import holding, holding_begun
from app.engine.registry import EntityDefinition
from app.engine.surfaces.imports.cells import ParsedRow


@dataclass(frozen=True)
class Resembled:
    """What a row resembles: a record, or the row in an earlier line; and by which field."""

    field: Field
    record_id: int | None = None
    line: int | None = None


class Resembling:
    """Compares the rows of one import; remembers those that it has seen."""

    def __init__(self, definition: EntityDefinition, key: Field | None) -> None:
        plain = policy.plain(definition)
        fields = [definition.fields[name] for name in definition.options.duplicates]
        self._definition = definition
        self._kinds = [
            kind(field)
            for field in fields
            if field in plain and field is not key and (kind := likeness_of(field))
        ]
        # By field: the hash of a key, and in which line it stood first.
        self._seen: list[dict[int, int]] = [{} for _kind in self._kinds]
        # By line of this batch: the values, and their keys in the order of the kinds.
        self._keys: dict[int, tuple[Mapping[str, Any], list[str]]] = {}

    def look_up(self, rows: Sequence[ParsedRow]) -> dict[int, Resembled]:
        """By line: the record that each row resembles, if there is one."""
        found: dict[int, Resembled] = {}
        self._keys = {row.number: (row.values, self._keys_of(row.values)) for row in rows}
        for place, kind in enumerate(self._kinds):
            keys = {line: key[place] for line, (_row, key) in self._keys.items() if key[place]}
            held: dict[str, int] = {}
            for record_id, value in self._candidates(kind, set(keys.values())):
                held.setdefault(kind.key_of(value), record_id)
            for line, key in keys.items():
                if key in held and line not in found:
                    found[line] = Resembled(kind.field, record_id=held[key])
        return found

    def _candidates(self, kind: Likeness, keys: set[str]) -> list[tuple[int, Any]]:
        """The records that may have one of the keys, with their values; the oldest first."""
        stems = {stem for key in keys if (stem := kind.stem(key))}
        found = holding_begun(self._definition, kind.field, stems) if stems else None
        if found is None:
            stems, found = set(), []
        wanted = {form for key in keys if kind.stem(key) not in stems for form in kind.forms(key)}
        if wanted:
            found += holding(self._definition, kind.field, wanted, kind.by_order)
        return sorted(found)

    def earlier(self, row: ParsedRow) -> Resembled | None:
        """The earlier row that this one resembles."""
        keys = self._known_keys(row.values, row.number)
        for kind, key, seen in zip(self._kinds, keys, self._seen, strict=True):
            line = seen.get(hash(key)) if key else None
            if line is not None:
                return Resembled(kind.field, line=line)
        return None

    def note(self, values: Mapping[str, Any], line: int) -> None:
        """Remember the values of a row, or of the record that it changes, for the rows after it."""
        for key, seen in zip(self._known_keys(values, line), self._seen, strict=True):
            if key:
                seen.setdefault(hash(key), line)

    def _known_keys(self, values: Mapping[str, Any], line: int) -> list[str]:
        """The keys of values that may be those of the batch's row in this line."""
        row, keys = self._keys.get(line, (None, []))
        return keys if row is values else self._keys_of(values)

    def _keys_of(self, values: Mapping[str, Any]) -> list[str]:
        return [kind.key(values) for kind in self._kinds]
