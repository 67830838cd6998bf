"""References by the words that a file has for them: code, unique value, or name."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from flask_babel import lazy_gettext as _

from app.engine import people, policy
from app.engine.errors import InvalidInput
from app.engine.fields import Field
from app.engine.parsing import shown
from app.engine.query import matching
from app.engine.registry import EntityDefinition, current
from app.engine.surfaces.imports.cells import CellProblem, ParsedRow, implied
from app.engine.surfaces.imports.making import Making


class References:
    """Finds what words refer to; remembers what it has looked up."""

    def __init__(
        self, definition: EntityDefinition, column_of: dict[str, str], making: Making
    ) -> None:
        self._fields = {field.name: field for field in definition.references}
        self._making = making
        self._column_of = column_of
        self._implied = implied(definition, column_of)
        self._known: dict[str, dict[str, Any]] = {name: {} for name in self._fields}

    def resolve(self, rows: Sequence[ParsedRow]) -> None:
        """Put ids into the rows' values, and a problem where a word refers to nothing or to many.

        What refers to nothing yet and is to be made gets the number that stands for it.
        """
        for name, field in self._fields.items():
            words = {row.references[name] for row in rows if name in row.references}
            missing = words - self._known[name].keys()
            if missing:
                self._known[name] |= dict.fromkeys(missing) | self._look_up(field, missing)
        for row in rows:
            for name, word in row.references.items():
                self._settle(row, name, word)

    def resolve_again(self, rows: Sequence[ParsedRow]) -> None:
        """Take what somebody else has made since, in place of making it; for a run, in its turn."""
        for name, field in self._making.fields.items():
            open_rows = [row for row in rows if self._making.is_open(row.values.get(name))]
            found = self._look_up(field, {row.references[name] for row in open_rows})
            self._known[name] |= found
            for row in open_rows:
                if row.references[name] in found:
                    del row.values[name]
                    self._settle(row, name, row.references[name])

    def missing(self) -> dict[str, int]:
        """Field → how many words there were so far that refer to nothing and for which nothing is made."""
        counts = {
            name: sum(1 for found in known.values() if found is None)
            for name, known in self._known.items()
        }
        return {name: count for name, count in counts.items() if count}

    def _settle(self, row: ParsedRow, name: str, word: str) -> None:
        found = self._known[name][word]
        if found is None and name in self._making.fields:
            found = self._known[name][word] = self._to_be_made(name, word, row)
        if isinstance(found, int):
            row.values[name] = self._making.known_now(found)
            return
        if name in self._implied and not isinstance(found, InvalidInput):
            return  # nothing names it but what the row holds anyway: unknown stays unknown
        if isinstance(found, InvalidInput):
            message: Any = found.problems[0].message
        elif found is None:
            message = _("“%(value)s” was not found.", value=shown(word))
        else:
            message = _("“%(value)s” fits several records.", value=shown(word))
        row.problems.append(CellProblem(self._column_of.get(name), shown(word), message))

    def _to_be_made(self, name: str, word: str, row: ParsedRow) -> int | InvalidInput:
        """The number that stands for a record to be made, or why none can be."""
        by = self._implied.get(name)
        try:
            if by is None:
                return self._making.number(self._fields[name], word)
            taken = {field: row.values.get(own) for field, own in by.takes.items()}
            return self._making.number(self._fields[name], word, {**taken, by.field: word})
        except InvalidInput as error:
            return error

    def _look_up(self, field: Field, words: set[str]) -> dict[str, Any]:
        if not words:
            return {}
        if field.target == policy.USERS:
            return {word: people.find_exact(word) for word in words}
        target = current().entity(str(field.target))
        viewer = policy.current_viewer()
        found: dict[str, Any] = {}
        by = self._implied.get(field.name)
        first = [self._making.by[field.name]] if field.name in self._making.by else []
        named = {item.name: item for item in (*first, *_found_by(target))}
        for item in named.values() if by is None else (target.fields[by.field],):
            left = words - found.keys()
            if left and viewer.access(target.name, item) in ("read", "write"):
                found |= _by(target, item, left)
        return found


def _found_by(target: EntityDefinition) -> Iterable[Field]:
    """The fields that may name a record: its code, other unique ones, its name in each language."""
    unique = [field for field in target.fields.values() if field.unique and not field.custom]
    first = [target.key_field] if target.key_field else []
    spoken = [target.fields[name] for name in target.options.titles.values()]
    ordered = [*first, *unique, target.title_field, *spoken]
    return {field.name: field for field in ordered if _is_word(field)}.values()


def _is_word(field: Field) -> bool:
    """Whether people name a record by it: not by a number, or what only rules know."""
    return not field.internal and field.column_type().python_type is str


def _by(target: EntityDefinition, field: Field, words: set[str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for record in matching(target, field, words):
        word = field.get(record)
        found[word] = record.id if word not in found else "several"
    return found
