"""References by the words that a file has for them: code, unique value, or name."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from flask_babel import lazy_gettext as _

from app.engine import people, policy
from app.engine.fields import Field
from app.engine.parsing import shown
from app.engine.query import matching
from app.engine.registry import EntityDefinition, current
from app.engine.surfaces.imports.cells import CellProblem, ParsedRow


class References:
    """Finds what words refer to; remembers what it has looked up."""

    def __init__(self, definition: EntityDefinition, column_of: dict[str, str]) -> None:
        self._fields = {field.name: field for field in definition.references}
        self._column_of = column_of
        self._known: dict[str, dict[str, Any]] = {name: {} for name in self._fields}

    def resolve(self, rows: Sequence[ParsedRow]) -> None:
        """Put ids into the rows' values, and a problem where a word refers to nothing or to many."""
        for name, field in self._fields.items():
            words = {row.references[name] for row in rows if name in row.references}
            missing = words - self._known[name].keys()
            if missing:
                self._known[name] |= dict.fromkeys(missing) | self._look_up(field, missing)
        for row in rows:
            for name, word in row.references.items():
                self._settle(row, name, word)

    def _settle(self, row: ParsedRow, name: str, word: str) -> None:
        found = self._known[name][word]
        if isinstance(found, int):
            row.values[name] = found
            return
        message = (
            _("“%(value)s” was not found.", value=shown(word))
            if found is None
            else _("“%(value)s” fits several records.", value=shown(word))
        )
        row.problems.append(CellProblem(self._column_of.get(name), shown(word), message))

    def _look_up(self, field: Field, words: set[str]) -> dict[str, Any]:
        if field.target == policy.USERS:
            return {word: people.find_exact(word) for word in words}
        target = current().entity(str(field.target))
        viewer = policy.current_viewer()
        found: dict[str, Any] = {}
        for item in _found_by(target):
            left = words - found.keys()
            if left and viewer.access(target.name, item) in ("read", "write"):
                found |= _by(target, item, left)
        return found


def _found_by(target: EntityDefinition) -> Iterable[Field]:
    """The fields that may name a record: its code, other unique ones, its name."""
    unique = [field for field in target.fields.values() if field.unique and not field.custom]
    first = [target.key_field] if target.key_field else []
    ordered = [*first, *unique, target.title_field]
    return {field.name: field for field in ordered}.values()


def _by(target: EntityDefinition, field: Field, words: set[str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for record in matching(target, field, words):
        word = field.get(record)
        found[word] = record.id if word not in found else "several"
    return found
