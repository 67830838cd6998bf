"""What is put into the index for a text.

Every token begins with its field's code, then a mark that says what follows:

    n:润科    two neighbouring characters, or one          n:stew   the beginning of a word
    n=word   a whole word longer than the beginnings kept
    n~run~ke two neighbouring syllables, or one            n^rk     two neighbouring initials
    p#1381   four neighbouring characters of a code; the last three as well

Pairs instead of all endings of a text: ten times fewer different tokens, so the index stays small
and every common query is a handful of exact look-ups that can be walked from the newest record.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise, repeat
from typing import Literal

from app.engine.search.normal import Run, normalise, runs
from app.engine.search.pinyin import readings, spellings

Kind = Literal["text", "code", "long_text"]
MARKS = ":=~^#"
BEGINNING = 8  # longest word beginning kept as a token of its own
LONGEST_WORD = 40
GRAM = 4
_LIMITS: dict[Kind, int] = {"text": 2000, "code": 100, "long_text": 2000}
_PINYIN_LIMIT = 200  # characters of one run of a text of which pinyin is kept
_ABBREVIATION = 4  # Latin runs up to this length take part in initials: 万科A is wka


@dataclass(frozen=True)
class SearchField:
    """A searched field: its name, the short lower-case code that marks its tokens, and its kind.

    `text` (names, titles) is found by words, Chinese characters, pinyin and initials; `code`
    (phones, numbers) by any three or more neighbouring characters; `long_text` (notes) by words
    and Chinese characters. The code must stay the same as long as the index lives.
    """

    name: str
    code: str
    kind: Kind = "text"

    def __post_init__(self) -> None:
        plain = self.code.isascii() and self.code.isalnum() and self.code == self.code.lower()
        if not plain or len(self.code) > 16:
            raise ValueError(f"search code of {self.name!r}: {self.code!r} is not [a-z0-9]{{1,16}}")
        if self.kind not in _LIMITS:
            raise ValueError(f"search kind of {self.name!r}: unknown kind {self.kind!r}")


def field_tokens(field: SearchField, text: str | None) -> set[str]:
    """Return the tokens of one field's text: bounded in number, whatever the text."""
    if not text:
        return set()
    return set(field_words(field, text).split())


def field_words(field: SearchField, text: str) -> str:
    """The tokens of one field's text between blanks; some may stand twice."""
    divided = list(runs(normalise(text, _LIMITS[field.kind])))
    found: list[str] = []
    words = []
    for run, unspaced in divided:
        if unspaced:
            _add_characters(found, field.code, run)
        else:
            words.append(run[:LONGEST_WORD])
    if field.kind == "code":
        _add_code(found, field.code, words)
    elif field.kind == "long_text":
        found += [f"{field.code}={word}" for word in words]
    else:
        _add_words(found, field.code, words)
        _add_pinyin(found, field.code, divided)
    return " ".join(filter(None, found))  # a character of no known reading gives nothing


def _add_characters(found: list[str], code: str, text: str) -> None:
    """Every character and every pair of neighbours."""
    found += map(_characters, repeat(code), text, text[1:])
    found.append(f"{code}:{text[-1]}")


@lru_cache(maxsize=50_000)
def _characters(code: str, left: str, right: str) -> str:
    return f"{code}:{left} {code}:{left}{right}"


def _add_words(found: list[str], code: str, words: list[str]) -> None:
    for word in words:
        size = len(word)
        found += [f"{code}:{word[:n]}" for n in range(1, min(size, BEGINNING) + 1)]
        if size > BEGINNING:
            found.append(f"{code}={word}")


def _add_code(found: list[str], code: str, words: list[str]) -> None:
    """Pieces of the code without its separators, and the first one or two characters of a part."""
    found += [f"{code}:{word[:1]} {code}:{word[:2]}" for word in words]
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


@lru_cache(maxsize=50_000)
def _syllables(code: str, left: tuple[str, ...], right: tuple[str, ...]) -> str:
    """A syllable, its pair with the next one and their initials, in every likely reading."""
    alone = [f"{code}~{syllable}" for syllable in _typed(left)]
    pairs = [f"{code}~{a}~{b}" for a in _typed(left) for b in _typed(right)]
    initials = sorted(_initial_tokens(code, _initials(left), _initials(right)))
    return " ".join([*alone, *pairs, *initials])


def _typed(options: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(typed for syllable in options for typed in spellings(syllable))
