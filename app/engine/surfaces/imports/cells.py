"""From a row's cells to field values, with every problem at its column."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from flask_babel import lazy_gettext as _

from app.engine.choices import Option, OptionList
from app.engine.errors import ValueProblem
from app.engine.fields import Choice, Field, Money
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


class RowParser:
    """Reads rows as one import's options say."""

    def __init__(
        self, definition: EntityDefinition, columns: Sequence[str], options: Options
    ) -> None:
        self.definition = definition
        self.column_of = {name: column for column, name in options.mapping.items()}
        self._mapped = [
            (index, column, definition.fields[options.mapping[column]])
            for index, column in enumerate(columns)
            if column in options.mapping
        ]
        self._chosen = options.choices
        self._refining = _refining(definition)
        self._meant: dict[tuple[str, str], dict[str, str] | None] = {}

    def parse(self, row: Row) -> ParsedRow:
        """The row's values; a problem in one cell does not hide those of the others."""
        parsed = ParsedRow(row.number)
        if row.problem is not None:
            parsed.problems.append(CellProblem(None, "", row.problem))
            return parsed
        for index, column, item in self._mapped:
            cell = row.cells[index]
            if is_empty(cell):
                continue
            if item.type_name not in NATIVE and not isinstance(cell, str):
                cell = cell_text(cell)
            try:
                self._take(parsed, item, cell)
            except ValueProblem as problem:
                parsed.problems.append(CellProblem(column, shown(cell), problem.message))
        return parsed

    def _take(self, parsed: ParsedRow, item: Field, cell: Any) -> None:
        if isinstance(item, Choice):
            self._take_choice(parsed, item, clean(cell))
        elif item.target:
            parsed.references[item.name] = clean(cell)
        else:
            value = item.parse(cell)
            if value is not None:
                # as it will be stored: codes are compared in that form
                parsed.values[item.name] = item.clean(value)
            if isinstance(item, Money):
                self._take_currency(parsed, item, cell)

    def _take_choice(self, parsed: ParsedRow, item: Choice, word: str) -> None:
        key = (item.name, word)
        if key not in self._meant:
            self._meant[key] = self._meaning(item, word)
        meant = self._meant[key]
        if meant is None:
            parsed.unknown.append(key)
            raise ValueProblem(_("“%(value)s” is not one of the choices.", value=shown(word)))
        for name, value in meant.items():
            # what stands in a column of its own counts more
            if name == item.name or name not in self.column_of:
                parsed.values[name] = value

    def _meaning(self, item: Choice, word: str) -> dict[str, str] | None:
        """The values that a word stands for; None for a word that is no choice."""
        decided = self._chosen.get(item.name, {}).get(word)
        if decided == LEAVE_EMPTY:
            return {}
        value = decided if decided not in (None, MAKE) else item.options.find(word)
        if value is not None:
            return {item.name: value}
        for finer in self._refining.get(item.name, ()):
            # 深圳 in a column of provinces names the city and, with it, the province
            value = finer.options.find(word)
            option = finer.options.by_value.get(value or "")
            if value is not None and option is not None and option.parent:
                return {item.name: option.parent, finer.name: value}
        return None

    def _take_currency(self, parsed: ParsedRow, item: Money, cell: Any) -> None:
        """A currency written beside the amount fills the companion field."""
        for companion in item.needs:
            _amount, currency = parse_money(cell)
            if currency is not None and companion not in self.column_of:
                parsed.values[companion] = currency


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
