"""Where in a text the words are that somebody searched for, with what stands around them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

from app.engine.search.long_texts import CHARACTERS, joined
from app.engine.search.normal import UNSPACED, folded, normalise, runs

BEFORE = 40
LONG = 160
"""Characters of a passage, and of what stands in it before the first word found."""

_BEGINS = rf"(?<![^\W_{UNSPACED}])"
"""A word begins after anything but letters and digits of its own writing."""

_MOST_FOUND = 200
_MOST_WORDS = 8
_QUERY = 200


@dataclass(frozen=True)
class Passage:
    """A piece of a text: `parts` with whether each is a word that was searched for. `page`: from 1."""

    page: int
    parts: tuple[tuple[str, bool], ...]

    @property
    def text(self) -> str:
        return "".join(text for text, _marked in self.parts)


def find_passage(query: str, pages: Sequence[str]) -> Passage | None:
    """The piece in which most of the words stand close to one another; None where none of them is."""
    sought = _sought(query)
    if not sought:
        return None
    number = _best_page(sought, pages)
    if number is None:
        return None
    page = joined(pages[number])
    compared, places = _compared(page)
    found = _found(sought, compared)
    if not found:
        return None
    start = max(found, key=lambda one: (_near(found, one[0]), -one[0]))[0]
    near = [(a, b) for a, b, _word in found if start <= a and b <= start + LONG]
    marks = [(places[a], places[b - 1] + 1) for a, b in near]
    return Passage(number + 1, _cut(page, places[start], marks))


def _sought(query: str) -> list[re.Pattern[str]]:
    """What to look for: each stretch of one writing; a word that is typed begins one in the text."""
    text = normalise(query, _QUERY)
    found = [run for word in text.split()[:_MOST_WORDS] for run in runs(word)]
    return [
        re.compile(re.escape(run.text) if run.unspaced else _BEGINS + re.escape(run.text))
        for run in dict.fromkeys(found)
    ]


def _best_page(sought: Sequence[re.Pattern[str]], pages: Sequence[str]) -> int | None:
    """The first page with the most of the words, among what is searched."""
    best, most, left = None, 0, CHARACTERS
    for number, page in enumerate(pages):
        if left <= 0:
            break
        left -= len(page)
        text = folded(joined(page))
        count = sum(1 for pattern in sought if pattern.search(text))
        if count > most:
            best, most = number, count
        if most == len(sought):
            break
    return best


@lru_cache(maxsize=5_000)
def _fold(sign: str) -> str:
    return normalise(sign)


def _compared(page: str) -> tuple[str, list[int]]:
    """The page as it is compared, and of each of its signs the place in the page as it is."""
    signs: list[str] = []
    places: list[int] = []
    for place, sign in enumerate(page):
        same = _fold(sign)
        signs.append(same)
        places += [place] * len(same)
    return "".join(signs), places


def _found(sought: Sequence[re.Pattern[str]], text: str) -> list[tuple[int, int, int]]:
    """Where the words stand: beginning, end, which word."""
    found = []
    for number, pattern in enumerate(sought):
        for count, match in enumerate(pattern.finditer(text)):
            if count >= _MOST_FOUND:
                break
            found.append((match.start(), match.end(), number))
    return sorted(found)


def _near(found: Sequence[tuple[int, int, int]], start: int) -> int:
    """How many different words stand in the passage that begins with this one."""
    return len({word for begin, end, word in found if start <= begin and end <= start + LONG})


def _cut(page: str, first: int, marks: list[tuple[int, int]]) -> tuple[tuple[str, bool], ...]:
    """The page around the marks, taken apart at them; dots where it goes on."""
    begin = max(first - BEFORE, 0)
    end = min(max(begin + LONG, *(stop for _start, stop in marks)), len(page))
    edges = sorted({begin, end, *(edge for mark in marks for edge in mark if begin <= edge <= end)})
    parts = [("…", False)] if begin else []
    for left, right in pairwise(edges):
        marked = any(start <= left and right <= stop for start, stop in marks)
        parts.append((re.sub(r"\s+", " ", page[left:right]), marked))
    if end < len(page):
        parts.append(("…", False))
    return tuple(parts)
