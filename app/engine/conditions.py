"""Filters as people and programs write them, and what they mean."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from flask_babel import lazy_gettext as _

from app.engine.errors import ValueProblem
from app.engine.fields import OPERATOR_LABELS, PERIODS, Field


@dataclass(frozen=True)
class Condition:
    """A field, an operator and its operand, as written: `status:in:active,new`."""

    field: str
    operator: str
    operand: Any = ""

    @classmethod
    def parse(cls, text: str) -> Condition:
        """Out of an address. Raises ValueProblem."""
        name, colon, rest = text.partition(":")
        operator, _colon, operand = rest.partition(":")
        if not name or not colon or not operator:
            raise ValueProblem(_("“%(filter)s” is not a filter.", filter=text[:80]))
        return cls(name, operator, operand)

    def __str__(self) -> str:
        operand = self.operand
        if isinstance(operand, (list, tuple)):
            operand = ",".join(str(item) for item in operand)
        return f"{self.field}:{self.operator}:{operand}"


MOST_KEYS = 4
"""Fields that a list is sorted by at once: more tell nobody anything."""


@dataclass(frozen=True)
class Sort:
    """A field and a direction: `-yearly_amount` is the highest first.

    `then` sorts those of equal value, as in `-yearly_amount,name`.
    """

    field: str
    descending: bool = False
    then: tuple[Sort, ...] = ()

    @classmethod
    def parse(cls, text: str) -> Sort:
        """Out of an address. What follows a repeated field or the id would decide nothing."""
        keys: dict[str, Sort] = {}
        for part in text.split(","):
            one = cls(part.strip().removeprefix("-"), part.strip().startswith("-"))
            if one.field and "id" not in keys:
                keys.setdefault(one.field, one)
        return cls.of(list(keys.values())) or cls("")

    @classmethod
    def of(cls, keys: Sequence[Sort]) -> Sort | None:
        """By these, each for itself, in their order; None for none."""
        first, *others = keys[:MOST_KEYS] or (None,)
        return first and cls(first.field, first.descending, tuple(others))

    @property
    def keys(self) -> tuple[Sort, ...]:
        """Each field for itself."""
        return (Sort(self.field, self.descending), *self.then)

    def __str__(self) -> str:
        return ",".join(f"{'-' if key.descending else ''}{key.field}" for key in self.keys)


def described(field: Field, condition: Condition, labels: dict[Any, str] | None = None) -> str:
    """A condition in the reader's words: “State is one of Active, New”."""
    operator = OPERATOR_LABELS.get(condition.operator)
    if condition.operator in PERIODS:
        operator = _("in")
    if condition.operator in ("empty", "nempty"):
        return f"{field.label} {operator}"
    return f"{field.label} {operator} {_operand_text(field, condition, labels or {})}"


def _operand_text(field: Field, condition: Condition, labels: dict[Any, str]) -> str:
    if condition.operator in ("ct", "nct", "sw", "nsw", "ew", "new", *PERIODS):
        return str(condition.operand)
    operand = condition.operand
    items: Iterable[Any] = (
        operand.split(",")
        if isinstance(operand, str)
        else (operand if isinstance(operand, (list, tuple)) else [operand])
    )
    words = []
    for item in items:
        value = field.operand(item)
        words.append(labels.get(value) or field.text(value))
    return ", ".join(words)
