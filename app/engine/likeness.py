"""When two values are as good as the same: a name but for its form, a number but for its marks.

Names are compared by their pinyin keys, in which width, case, blanks and brackets do not count, and
without the words that only say what form of company it is.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from app.engine.fields import Field
from app.engine.fields.text import SORT_LENGTH, Text
from app.engine.search import pinyin_key

_CHINESE = tuple(
    pinyin_key(words)
    for words in (
        "集团股份有限公司", "集团有限责任公司", "集团有限公司", "股份有限公司", "有限责任公司",
        "有限公司", "集团公司", "集团", "公司",
    )
)  # fmt: skip
_ENGLISH = tuple(
    pinyin_key(words)
    for words in (
        "Co Ltd", "Company Limited", "Limited", "Ltd", "Inc", "LLC", "Corporation", "Corp", "GmbH",
    )
)  # fmt: skip
_ENDINGS = (*_CHINESE, *_ENGLISH)
_LAST_WORDS = tuple(f" {ending}" for ending in _ENDINGS)
_SHORTEST = 2
"""Characters of a name without its ending; fewer say nothing."""

_TELLING = 7
"""Blanks in the key of a name that says more than a place or a group: four characters."""

_FEWEST_DIGITS = 7
_CHINA = "86"


class Likeness:
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

    def stem(self, key: str) -> str:
        """What every form begins with, where few other values do; else empty."""
        return ""


class _Name(Likeness):
    by_order = True

    def key_of(self, value: str) -> str:
        return _without_form(value)

    def forms(self, key: str) -> Sequence[str]:
        # Each is looked for in the index: an English ending after a Chinese name is too rare for it.
        endings = _ENDINGS if key[-1:].isascii() else _CHINESE
        return [key[:SORT_LENGTH], *(f"{key} {ending}"[:SORT_LENGTH] for ending in endings)]

    def stem(self, key: str) -> str:
        return key[:SORT_LENGTH] if key.count(" ") >= _TELLING else ""


@lru_cache(maxsize=5_000)  # an import asks for the same name several times in a row
def _without_form(name: str) -> str:
    """A name's key without the words that only say what form of company it is."""
    key = pinyin_key(name)
    if len(name) <= _SHORTEST:
        return key
    while key.endswith(_LAST_WORDS):
        key = key[: -len(next(words for words in _LAST_WORDS if key.endswith(words)))]
    return key


class _Number(Likeness):
    def key_of(self, value: str) -> str:
        digits = re.sub(r"\D", "", value)
        if digits.startswith(_CHINA) and len(digits) > 11:
            digits = digits.removeprefix(_CHINA)
        digits = digits.lstrip("0")  # an area code is written without it after the country's
        return digits if len(digits) >= _FEWEST_DIGITS else ""

    def forms(self, key: str) -> Sequence[str]:
        abroad = (f"+{_CHINA}{key}", f"+{_CHINA} {key}", f"+{_CHINA}-{key}", f"{_CHINA}{key}")
        return (
            key, f"0{key}", *abroad,
            f"0{key[:2]}-{key[2:]}", f"0{key[:2]} {key[2:]}",
            f"0{key[:3]}-{key[3:]}", f"0{key[:3]} {key[3:]}",
            f"{key[:3]}-{key[3:7]}-{key[7:]}", f"{key[:3]} {key[3:7]} {key[7:]}",
        )  # fmt: skip


def likeness_of(field: Field) -> Callable[[Field], Likeness] | None:
    """How a field is compared; None for one that is not, such as a choice."""
    if not isinstance(field, Text) or field.custom:
        return None
    if field.type_name == "phone":
        return _Number
    return _Name if field.sort_column is not None else Likeness
