"""What is put into the index for a text.

Every token begins with its field's code, then a mark that says what follows:

    n:润科      two neighbouring characters; the last one alone
    n~run      a syllable
    n^rk~un~e  two neighbouring syllables, run and ke, their initials first; n^ka initials alone
    n=word     a whole word
    p#1381     four neighbouring characters of a code; the last three as well
    p:13       the first two characters of a part of a code
    c=1f…      a choice out of a list, whatever it is called; the mark of a sensitive value

Pairs instead of all endings of a text: ten times fewer different tokens, so the index stays small
and every common query is a handful of exact look-ups that can be walked from the newest record.
What is a beginning of one of these (a single character, initials, the first letters of a word) is
found as such and not kept beside it: tokens are what writing an entry costs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from itertools import pairwise, repeat
from typing import Literal

from app.engine.search.choice_words import ChoiceWords, choice_token
from app.engine.search.normal import Run, normalise, runs
from app.engine.search.pinyin import readings, spellings

Kind = Literal["text", "code", "long_text", "choice", "sealed", "contents", "page"]
MARKS = ":=~^#"
LONGEST_WORD = 40
GRAM = 4
_LIMITS: dict[Kind, int] = {
    "text": 2000,
    "code": 100,
    "long_text": 2000,
    "choice": 60,
    "sealed": 300,
    "contents": 0,  # taken apart already
    "page": 1_000_000,
}
_PINYIN_LIMIT = 200  # characters of one run of a text of which pinyin is kept
_ABBREVIATION = 4  # Latin runs up to this length take part in initials: 万科A is wka


@dataclass(frozen=True)
class SearchField:
    """A searched field: its name, the short lower-case code that marks its tokens, and its kind.

    `text` (names, titles) is found by words, Chinese characters, pinyin and initials; `code`
    (phones, numbers) by any three or more neighbouring characters; `long_text` (notes) by words
    and Chinese characters, as is a `page` of a file; `contents` (whole files) are words taken apart
    beforehand, see `long_texts.py`; `sealed` (sensitive ones) by the whole value alone; `choice` by the words of each of its `choices`, as they are called when
    somebody searches. The code must stay the same as long as the index lives.
    """

    name: str
    code: str
    kind: Kind = "text"
    choices: Callable[[], Mapping[str, str]] = field(default=dict, compare=False)
    """The words that each value is found by, asked for when they are first needed."""
    kept: Callable[[str], Sequence[str]] = field(default=lambda _text: (), compare=False)
    """Of a sealed field: the marks that are kept of a value's letters and digits."""
    sought: Callable[[str], Sequence[str]] = field(default=lambda _text: (), compare=False)
    """The marks, any of which fits what was typed."""

    def __post_init__(self) -> None:
        plain = self.code.isascii() and self.code.isalnum() and self.code == self.code.lower()
        if not plain or len(self.code) > 16:
            raise ValueError(f"search code of {self.name!r}: {self.code!r} is not [a-z0-9]{{1,16}}")
        if self.kind not in _LIMITS:
            raise ValueError(f"search kind of {self.name!r}: unknown kind {self.kind!r}")

    @cached_property
    def choice_words(self) -> ChoiceWords:
        """The choices by the tokens of their words."""
        text = SearchField(self.name, self.code)
        tokens = {value: field_tokens(text, words) for value, words in self.choices().items()}
        return ChoiceWords(self.code, tokens)


def field_tokens(field: SearchField, text: str | None) -> set[str]:
    """Return the tokens of one field's text: bounded in number, whatever the text."""
    if not text:
        return set()
    return set(field_words(field, text).split())


def field_words(field: SearchField, text: str) -> str:
    """The tokens of one field's text between blanks; some may stand twice."""
    if field.kind == "choice":
        return choice_token(field.code, text)
    if field.kind == "contents":
        return " ".join(map(field.code.__add__, text.split(" ")))
    divided = list(runs(normalise(text, _LIMITS[field.kind])))
    if field.kind == "sealed":
        compact = "".join(run for run, _unspaced in divided)
        return " ".join(f"{field.code}={mark}" for mark in field.kept(compact) if compact)
    found: list[str] = []
    words = []
    for run, unspaced in divided:
        if unspaced:
            _add_characters(found, field.code, run)
        else:
            words.append(run[:LONGEST_WORD])
    if field.kind == "code":
        _add_code(found, field.code, words)
        return " ".join(found)
    found += [f"{field.code}={word}" for word in words]
    if field.kind == "text":
        _add_pinyin(found, field.code, divided)
    return " ".join(filter(None, found))  # a character of no known reading gives nothing


def _add_characters(found: list[str], code: str, text: str) -> None:
    """Every pair of neighbours, and the last character."""
    mark = f"{code}:"
    found += [mark + left + right for left, right in pairwise(text)]
    found.append(mark + text[-1])


def _add_code(found: list[str], code: str, words: list[str]) -> None:
    """Pieces of the code without its separators, and the first two characters of a part."""
    found += [f"{code}:{word[:2]}" for word in words]
    compact = "".join(words)
    mark = f"{code}#"
    found += [mark + gram for gram in grams(compact)]
    if len(compact) >= GRAM:
        found.append(mark + compact[1 - GRAM :])


def grams(compact: str) -> list[str]:
    """Return the pieces of four neighbouring characters; of a shorter text, itself."""
    if len(compact) <= GRAM:
        return [compact] if compact else []
    return [compact[start : start + GRAM] for start in range(len(compact) - GRAM + 1)]


def _add_pinyin(found: list[str], code: str, divided: list[Run]) -> None:
    last = ""  # the possible initials of the character before
    for text, unspaced in divided:
        if unspaced:
            spelled = readings(text[:_PINYIN_LIMIT])
            found += map(_syllables, repeat(code), spelled, [*spelled[1:], ()])
            if last:
                found += _initial_tokens(code, last, _initials(spelled[0]))
            last = _initials(spelled[-1])
        elif len(text) <= _ABBREVIATION:
            chain = [last, *text]
            for left, right in pairwise(chain):
                found += _initial_tokens(code, left, right)
            last = text[-1]
        else:
            last = ""


@lru_cache(maxsize=5_000)
def _initials(spelled: tuple[str, ...]) -> str:
    return "".join({syllable[0] for syllable in spelled})


def _initial_tokens(code: str, left: str, right: str) -> set[str]:
    return {f"{code}^{a}{b}" for a in left for b in right}


@lru_cache(maxsize=20_000)
def _syllables(code: str, left: tuple[str, ...], right: tuple[str, ...]) -> str:
    """A syllable and its pair with the next one, in every likely reading."""
    alone = [f"{code}~{a}" for a in _typed(left)]
    pairs = [syllables_token(code, a, b) for a in _typed(left) for b in _typed(right)]
    return " ".join([*alone, *pairs])


def syllables_token(code: str, left: str, right: str) -> str:
    """The token of two neighbouring syllables, or its beginning where the right one is only begun."""
    return f"{code}^{left[0]}{right[0]}~{left[1:]}~{right[1:]}"


def _typed(options: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(typed for syllable in options for typed in spellings(syllable))
