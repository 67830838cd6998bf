"""A handful of labels, such as those of the pages of a menu, searched as the names of records are."""

from __future__ import annotations

from collections.abc import Sequence

from app.engine.search.choice_words import ChoiceWords, choice_token
from app.engine.search.query import parse
from app.engine.search.tokens import SearchField, field_tokens

_FIELD = SearchField("label", "l")


class Labels:
    """Labels by their words, Chinese characters, pinyin and initials."""

    def __init__(self, labels: Sequence[str]) -> None:
        numbered = {str(number): label for number, label in enumerate(labels)}
        self._numbers = {choice_token("l", value): int(value) for value in numbered}
        tokens = {value: field_tokens(_FIELD, label) for value, label in numbered.items()}
        self._words = ChoiceWords("l", tokens)

    def find(self, words: str) -> dict[int, bool]:
        """The numbers of those found, the exact ones first; by each, whether it only sounds so."""
        found: dict[int, bool] = {}
        for sounds in (False, True):
            condition = parse(words, [_FIELD], sounds)
            met = self._words.meeting(condition) if condition is not None else []
            for number in sorted(self._numbers[token.text] for token in met):
                found.setdefault(number, sounds)
        return found
