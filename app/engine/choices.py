"""Choices: a fixed set in code, or the options of a list kept as data."""

from __future__ import annotations

import enum
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from app.engine.labels import both_languages
from app.engine.parsing import header_key


@dataclass(frozen=True)
class Option:
    """One choice: its stored value, its label, other words for it, its parent's value."""

    value: str
    label: Any
    parent: str | None = None
    synonyms: tuple[str, ...] = ()
    colour: str = ""
    active: bool = True


_english: dict[tuple[str, str], str] = {}


def usual_english(list_name: str, words: Mapping[str, str]) -> None:
    """Declares the English for Chinese labels that choices of a list may come to have."""
    _english.update({(list_name, header_key(zh)): en for zh, en in words.items()})


def english_for(list_name: str, label_zh: str) -> str | None:
    """The usual English for the Chinese label of a choice, where one was declared."""
    return _english.get((list_name, header_key(label_zh)))


@dataclass(frozen=True)
class OptionList:
    """The options of one list, in their order; found by value, label or synonym."""

    options: Sequence[Option] = field(default=())

    @cached_property
    def by_value(self) -> dict[str, Option]:
        return {option.value: option for option in self.options}

    @cached_property
    def _by_word(self) -> dict[str, str]:
        words: dict[str, str] = {}
        for option in self.options:
            for word in (option.value, *both_languages(option.label), *option.synonyms):
                words.setdefault(header_key(word), option.value)
        return words

    def __contains__(self, value: object) -> bool:
        return value in self.by_value

    def __iter__(self) -> Iterator[Option]:
        return iter(self.options)

    def __len__(self) -> int:
        return len(self.options)

    def values(self) -> Sequence[str]:
        return tuple(self.by_value)

    def find(self, word: str) -> str | None:
        """The value that a word means, whatever its case, blanks and language."""
        return self._by_word.get(header_key(word))

    def label(self, value: str) -> str:
        """The label in the reader's language; a value that is no longer listed stands for itself."""
        option = self.by_value.get(value)
        return str(option.label) if option else str(value)

    def colour(self, value: str) -> str:
        option = self.by_value.get(value)
        return option.colour if option else ""

    def all_words(self) -> dict[str, str]:
        """All wordings of each value: what a search finds it by."""
        return {
            option.value: " ".join((*both_languages(option.label), *option.synonyms))
            for option in self.options
        }

    def active(self) -> list[Option]:
        """Those that may still be chosen."""
        return [option for option in self.options if option.active]


class Choices(enum.StrEnum):
    """A fixed list: `ACTIVE = "active", _("Active"), "green", ("On",)`: value, label, colour of its dot,
    other words by which files may call it.
    """

    label: Any
    colour: str
    synonyms: tuple[str, ...]

    def __new__(
        cls, value: str, label: Any = "", colour: str = "", synonyms: tuple[str, ...] = ()
    ) -> Choices:
        member = str.__new__(cls, value)
        member._value_ = value
        member.label = label
        member.colour = colour
        member.synonyms = synonyms
        return member

    @classmethod
    def option_list(cls) -> OptionList:
        return OptionList(
            tuple(
                Option(item.value, item.label, synonyms=item.synonyms, colour=item.colour)
                for item in cls
            )
        )
