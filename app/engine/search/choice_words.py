"""Choices in the search index: one token for the choice itself, whatever it is called.

A list's labels are few and its records many, so the labels are looked through when somebody
searches: an entry stays small, and a choice that is called otherwise is found by its new name at
once, without a word written anew.
"""

from __future__ import annotations

import hashlib
from bisect import bisect_left
from collections.abc import Mapping
from itertools import takewhile

from app.engine.search.conditions import All, Condition, Token

_BYTES = 6
"""Of a value's digest: among ten thousand choices, two alike in one case of five million."""


def choice_token(code: str, value: str) -> str:
    """The token of a choice: its field's code, and letters and digits that stand for the value."""
    return f"{code}={hashlib.blake2b(value.encode(), digest_size=_BYTES).hexdigest()}"


class ChoiceWords:
    """Which choices of a field meet a condition on the tokens of their labels."""

    def __init__(self, code: str, tokens: Mapping[str, set[str]]) -> None:
        """`tokens`: of each value, what its labels would put into the index."""
        found: dict[str, set[str]] = {}
        for value, words in tokens.items():
            for word in words:
                found.setdefault(word, set()).add(choice_token(code, value))
        self._found = found
        self._sorted = sorted(found)

    def meeting(self, condition: Condition) -> list[Token]:
        """The tokens of the choices that meet it, in a fixed order."""
        return [Token(token) for token in sorted(self._meeting(condition))]

    def _meeting(self, condition: Condition) -> set[str]:
        if isinstance(condition, Token):
            return self._beginning(condition.text) if condition.prefix else self._of(condition.text)
        parts = [self._meeting(part) for part in condition.parts]
        return set.intersection(*parts) if isinstance(condition, All) else set.union(*parts)

    def _of(self, word: str) -> set[str]:
        return self._found.get(word, set())

    def _beginning(self, beginning: str) -> set[str]:
        start = bisect_left(self._sorted, beginning)
        words = takewhile(lambda word: word.startswith(beginning), self._sorted[start:])
        return set().union(*(self._found[word] for word in words))
