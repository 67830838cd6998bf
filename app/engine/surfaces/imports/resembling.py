"""Rows that resemble a record or an earlier row: the same name but for its form, the same number.

Names are compared by their pinyin keys, in which width, case, blanks and brackets do not count, and
without the words that only say what form of company it is. Looked up for a batch of rows at once.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from app.engine import policy
from app.engine.fields import Field
from app.engine.fields.text import SORT_LENGTH, Text
from app.engine.query import holding
from app.engine.registry import EntityDefinition
from app.engine.search import pinyin_key
from app.engine.surfaces.imports.cells import ParsedRow

_ENDINGS = tuple(
    pinyin_key(words)
    for words in (
        "集团股份有限公司", "集团有限责任公司", "集团有限公司", "股份有限公司", "有限责任公司",
        "有限公司", "集团公司", "集团", "公司", "Co Ltd", "Company Limited", "Limited", "Ltd",
        "Inc", "LLC", "Corporation", "Corp", "GmbH",
    )
)  # fmt: skip
_SHORTEST = 2
"""Characters of a name without its ending; fewer say nothing."""

_FEWEST_DIGITS = 7
_CHINA = "86"


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
            if field in plain and field is not key and (kind := _kind(field))
        ]
        self._seen: dict[tuple[str, int], int] = {}

    def look_up(self, rows: Sequence[ParsedRow]) -> dict[int, Resembled]:
        """By line: the record that each row resembles, if there is one."""
        found: dict[int, Resembled] = {}
        for kind in self._kinds:
            keys = {row.number: key for row in rows if (key := kind.key(row.values))}
            wanted = {form for key in keys.values() for form in kind.forms(key)}
            held: dict[str, int] = {}
            for record_id, value in holding(self._definition, kind.field, wanted, kind.by_order):
                held.setdefault(kind.key_of(value), record_id)
            for line, key in keys.items():
                if key in held and line not in found:
                    found[line] = Resembled(kind.field, record_id=held[key])
        return found

    def earlier(self, row: ParsedRow) -> Resembled | None:
        """The earlier row that this one resembles."""
        for kind in self._kinds:
            key = kind.key(row.values)
            line = self._seen.get((kind.field.name, hash(key))) if key else None
            if line is not None:
                return Resembled(kind.field, line=line)
        return None

    def note(self, values: Mapping[str, Any], line: int) -> None:
        """Remember the values of a row, or of the record that it changes, for the rows after it."""
        for kind in self._kinds:
            key = kind.key(values)
            if key:
                self._seen.setdefault((kind.field.name, hash(key)), line)


class _Kind:
    """How the values of one field are compared."""

    by_order = False

    def __init__(self, field: Field) -> None:
        self.field = field

    def key(self, values: Mapping[str, Any]) -> str:
        """What two values share that resemble one another; empty for what says nothing."""
        value = values.get(self.field.name)
        return self.key_of(value) if isinstance(value, str) else ""

    def key_of(self, value: str) -> str:
        return value

    def forms(self, key: str) -> Sequence[str]:
        """The ways in which such values are stored."""
        return (key,)


class _Name(_Kind):
    by_order = True

    def key_of(self, value: str) -> str:
        key = pinyin_key(value, 200)
        if len(value) <= _SHORTEST:
            return key
        while ending := next((e for e in _ENDINGS if key.endswith(f" {e}")), None):
            key = key[: -len(ending) - 1]
        return key

    def forms(self, key: str) -> Sequence[str]:
        return [key[:SORT_LENGTH], *(f"{key} {ending}"[:SORT_LENGTH] for ending in _ENDINGS)]


class _Number(_Kind):
    def key_of(self, value: str) -> str:
        digits = re.sub(r"\D", "", value)
        if digits.startswith(_CHINA) and len(digits) > 11:
            digits = digits.removeprefix(_CHINA)
        digits = digits.lstrip("0")  # an area code is written without it after the country's
        return digits if len(digits) >= _FEWEST_DIGITS else ""

    def forms(self, key: str) -> Sequence[str]:
        area = [_grouped(f"0{key}", (place,), mark) for place in (3, 4) for mark in "- "]
        mobile = [_grouped(key, (3, 7), mark) for mark in "- "]
        abroad = [f"+{_CHINA}{key}", f"+{_CHINA} {key}", f"+{_CHINA}-{key}", f"{_CHINA}{key}"]
        return [key, f"0{key}", *area, *mobile, *abroad]


def _grouped(digits: str, places: Sequence[int], mark: str) -> str:
    ends = [0, *places, len(digits)]
    return mark.join(digits[a:b] for a, b in pairwise(ends))


def _kind(field: Field) -> Callable[[Field], _Kind] | None:
    """How a field is compared; None for one that is not, such as a choice."""
    if not isinstance(field, Text) or field.custom:
        return None
    if field.type_name == "phone":
        return _Number
    return _Name if field.sort_column is not None else _Kind
