"""From a row's cells to field values, with every problem at its column."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from flask_babel import lazy_gettext as _

from app.engine.choices import Option, OptionList
from app.engine.errors import ValueProblem
from app.engine.fields import Choice, Field, FoundBy, Money, Reference
from app.engine.labels import Bilingual
from app.engine.parsing import cell_text, clean, is_empty, parse_money, shown
from app.engine.registry import EntityDefinition
from app.engine.surfaces.imports.models import LEAVE_EMPTY, MAKE, Options
from app.engine.tables import Row

NATIVE = frozenset(("integer", "decimal", "money", "date", "datetime", "boolean"))
"""Types that read a workbook's own values; others read what the cell shows."""

MADE_LENGTH = 60


@dataclass(frozen=True)
class CellProblem:
    """Why a row is refused: the column (None: the row as a whole), what it holds, the reason."""

    column: str | None
    value: str
    message: Any


@dataclass
class ParsedRow:
    """A row as values of fields; references are still words."""

    number: int
    values: dict[str, Any] = field(default_factory=dict)
    references: dict[str, str] = field(default_factory=dict)
    problems: list[CellProblem] = field(default_factory=list)
    unknown: list[tuple[str, str]] = field(default_factory=list)
    """Field and word of choices that are not in the list."""


Found = tuple[dict[str, Any], str | None, tuple[str, str] | None, Any]
"""What a cell gives: values, the word for a reference, an unknown choice, why it is refused."""

_NOTHING: Found = ({}, None, None, None)
_REMEMBERED = 500
"""So many different cells of a column are remembered: dates, amounts and choices come again."""


class RowParser:
    """Reads rows as one import's options say."""

    def __init__(
        self, definition: EntityDefinition, columns: Sequence[str], options: Options
    ) -> None:
        self.definition = definition
        self.column_of = {name: column for column, name in options.mapping.items()}
        self._columns = [
            _ColumnReader(self, index, column, definition.fields[options.mapping[column]])
            for index, column in enumerate(columns)
            if column in options.mapping
        ]
        self._implied = implied(definition, self.column_of)
        self.chosen = options.choices
        self.refining = _refining(definition)

    def parse(self, row: Row) -> ParsedRow:
        """The row's values; a problem in one cell does not hide those of the others."""
        parsed = ParsedRow(row.number)
        if row.problem is not None:
            parsed.problems.append(CellProblem(None, "", row.problem))
            return parsed
        cells, values = row.cells, parsed.values
        for reader in self._columns:
            cell = cells[reader.index]
            if cell is None or cell == "":
                continue
            given, word, unknown, problem = reader.read(cell)
            if problem is not None:
                parsed.problems.append(CellProblem(reader.column, shown(cell), problem))
                if unknown is not None:
                    parsed.unknown.append(unknown)
            elif word is not None:
                parsed.references[reader.item.name] = word
            else:
                for name, value in given.items():
                    values[name] = list(value) if type(value) is list else value
        for name, by in self._implied.items():
            if values.get(by.own) is not None:
                parsed.references[name] = str(values[by.own])
        return parsed


def implied(definition: EntityDefinition, mapped: Collection[str]) -> dict[str, FoundBy]:
    """References that no column names, and that a field of the row finds all the same."""
    return {
        item.name: item.found_by
        for item in definition.references
        if isinstance(item, Reference)
        and item.found_by is not None
        and item.name not in mapped
        and item.found_by.own in mapped
    }


class _ColumnReader:
    """Reads the cells of one column; remembers what those before it gave."""

    def __init__(self, parser: RowParser, index: int, column: str, item: Field) -> None:
        self.index = index
        self.column = column
        self.item = item
        self._parser = parser
        self._native = item.type_name in NATIVE
        self._known: dict[Any, Found] = {}

    def read(self, cell: Any) -> Found:
        """What the cell gives; never raises for what stands in it."""
        if not isinstance(cell, str):
            return self._read(cell)
        found = self._known.get(cell)
        if found is None:
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            found = self._known[cell] = self._read(cell)
        return found

    def _read(self, cell: Any) -> Found:
        if is_empty(cell):
            return _NOTHING
        if not self._native and not isinstance(cell, str):
            cell = cell_text(cell)
        try:
            if isinstance(self.item, Choice):
                return self._choice(self.item, clean(cell))
            if self.item.target:
                return {}, clean(cell), None, None
            return self._value(cell), None, None, None
        except ValueProblem as problem:
            return {}, None, None, problem.message

    def _value(self, cell: Any) -> dict[str, Any]:
        item, values = self.item, {}
        value = item.parse(cell)
        if value is not None:
            # as it will be stored: codes are compared in that form
            values[item.name] = item.clean(value)
        if isinstance(item, Money):
            values |= self._currency(item, cell)
        return values

    def _currency(self, item: Money, cell: Any) -> dict[str, Any]:
        """A currency written beside the amount fills the companion field."""
        _amount, currency = parse_money(cell)
        fields, taken = self._parser.definition.fields, self._parser.column_of
        return {
            companion: fields[companion].clean(currency)
            for companion in item.needs
            if currency is not None and companion not in taken
        }

    def _choice(self, item: Choice, word: str) -> Found:
        meant = self._meaning(item, word)
        if meant is None:
            problem = _("“%(value)s” is not one of the choices.", value=shown(word))
            return {}, None, (item.name, word), problem
        fields, taken = self._parser.definition.fields, self._parser.column_of
        # what stands in a column of its own counts more
        mine = {n: fields[n].clean(v) for n, v in meant.items() if n == item.name or n not in taken}
        return mine, None, None, None

    def _meaning(self, item: Choice, word: str) -> dict[str, str] | None:
        """The values that a word stands for; None for a word that is no choice."""
        decided = self._parser.chosen.get(item.name, {}).get(word)
        if decided == LEAVE_EMPTY:
            return {}
        value = decided if decided not in (None, MAKE) else item.options.find(word)
        if value is not None:
            return {item.name: value}
        for finer in self._parser.refining.get(item.name, ()):
            # 深圳 in a column of provinces names the city and, with it, the province
            value = finer.options.find(word)
            option = finer.options.by_value.get(value or "")
            if value is not None and option is not None and option.parent:
                return {item.name: option.parent, finer.name: value}
        return None


def _refining(definition: EntityDefinition) -> dict[str, list[Choice]]:
    found: dict[str, list[Choice]] = {}
    for item in definition.fields.values():
        if isinstance(item, Choice) and item.parent:
            found.setdefault(item.parent, []).append(item)
    return found


def made_value(word: str) -> str:
    """The code of a choice that an import makes of a word."""
    return word[:MADE_LENGTH]


def with_made_choices(definition: EntityDefinition, options: Options) -> EntityDefinition:
    """The entity as it will be once the choices that the user wants made are there."""
    fields = dict(definition.fields)
    for name, words in options.choices.items():
        item = fields.get(name)
        if not isinstance(item, Choice):
            continue
        made = [word for word, decided in words.items() if decided == MAKE]
        extra = [Option(made_value(w), Bilingual(w, "")) for w in made if not item.options.find(w)]
        if extra:
            fields[name] = item.copy(options=OptionList((*item.options, *extra)))
    return EntityDefinition(definition.model, fields)


def words_to_make(
    definition: EntityDefinition, choices: Mapping[str, Mapping[str, str]]
) -> list[tuple[Choice, str]]:
    """The choices that are wanted and not there yet."""
    wanted = []
    for name, words in choices.items():
        item = definition.fields.get(name)
        if isinstance(item, Choice) and item.open:
            wanted += [
                (item, word)
                for word, decided in words.items()
                if decided == MAKE and item.options.find(word) is None
            ]
    return wanted
