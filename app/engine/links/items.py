"""What a page reached by link asks for, and what of an answer is taken."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask_babel import lazy_gettext as _
from werkzeug.datastructures import MultiDict

from app.engine.errors import Problem, ValueProblem

SCALE, ONE, SEVERAL, TEXT = "scale", "one", "several", "text"

_MOST_POINTS = 21


@dataclass(frozen=True)
class Item:
    """One thing asked: a point of a scale from `low` to `high`, one or several `options`, or a text.

    `options` are (value, label); `low_label` and `high_label` say what the ends of a scale mean.
    `longest`: signs that a text may have. Labels are lazy or bilingual: shown in the page's language.
    """

    name: str
    label: Any
    kind: str
    required: bool = True
    hint: Any = ""
    low: int = 1
    high: int = 5
    low_label: Any = ""
    high_label: Any = ""
    options: Sequence[tuple[str, Any]] = ()
    longest: int = 2000

    def __post_init__(self) -> None:
        if self.kind not in _READERS:
            raise ValueError(f"no such kind of item: {self.kind}")
        if self.kind == SCALE and not 0 < self.high - self.low < _MOST_POINTS:
            raise ValueError(f"not a scale: {self.low} to {self.high}")

    @property
    def points(self) -> range:
        """The points of a scale."""
        return range(self.low, self.high + 1)

    def read(self, raw: Sequence[str]) -> Any:
        """A number, a value, a list of values or a text; None for no answer. Raises ValueProblem."""
        value = _READERS[self.kind](self, [text.strip() for text in raw if text.strip()])
        if value is None and self.required:
            raise ValueProblem(_("Please answer this question."))
        return value


def given_values(
    items: Sequence[Item], form: MultiDict[str, str]
) -> tuple[dict[str, Any], tuple[Problem, ...]]:
    """The answers by item, and what is wrong with them, each beside its item."""
    values: dict[str, Any] = {}
    problems = []
    for item in items:
        try:
            values[item.name] = item.read(form.getlist(item.name))
        except ValueProblem as problem:
            problems.append(Problem(item.name, problem.message))
    return values, tuple(problems)


def _point(item: Item, given: Sequence[str]) -> int | None:
    if not given:
        return None
    if given[0] not in {str(point) for point in item.points}:
        raise ValueProblem(
            _("Choose a number from %(low)s to %(high)s.", low=item.low, high=item.high)
        )
    return int(given[0])


def _one(item: Item, given: Sequence[str]) -> str | None:
    return _known(item, given)[0] if given else None


def _several(item: Item, given: Sequence[str]) -> list[str] | None:
    """In the order of the options, each once."""
    chosen = set(_known(item, given))
    return [value for value, _label in item.options if value in chosen] or None


def _known(item: Item, given: Sequence[str]) -> Sequence[str]:
    if not set(given) <= {value for value, _label in item.options}:
        raise ValueProblem(_("Choose among the answers offered."))
    return given


def _text(item: Item, given: Sequence[str]) -> str | None:
    if not given:
        return None
    if len(given[0]) > item.longest:
        raise ValueProblem(_("At most %(most)s characters.", most=item.longest))
    return given[0].replace("\r\n", "\n")


_READERS: Mapping[str, Callable[[Item, Sequence[str]], Any]] = {
    SCALE: _point,
    ONE: _one,
    SEVERAL: _several,
    TEXT: _text,
}
