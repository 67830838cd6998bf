"""Texts of many pages in the index: taken apart once, when they are read, and not with each record.

A tsvector of PostgreSQL holds at most a megabyte, and an entity has one such field at most; so the
text is bounded, and so is the room that its different words take.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

from app.engine.search.normal import UNSPACED
from app.engine.search.tokens import SearchField, field_words

CHARACTERS = 300_000
"""Of a file's text so much is searched: some hundred and fifty full pages of Chinese."""

BYTES = 700_000
"""Of a file's different words, as they are kept."""

_CODE = 4
"""Letters of the field's code, which stand before each word in the index."""

_PLAIN = SearchField("text", "x", "page")
_BREAK = re.compile(f"(?<=[{UNSPACED}])[ \t]*\n[ \t]*(?=[{UNSPACED}])")


class LongText(NamedTuple):
    """Words of a text without any field's code, between blanks; `whole`: of all of it."""

    words: str
    whole: bool


def joined(page: str) -> str:
    """A page without the ends of lines inside Chinese: a word that is broken there is one."""
    return _BREAK.sub("", page)


def taken_apart(pages: Iterable[str]) -> LongText:
    """The different words of a text, in the order in which they first come."""
    found: dict[str, None] = {}
    characters, room = CHARACTERS, BYTES
    for page in pages:
        if characters <= 0:
            return LongText(" ".join(found), False)
        text = joined(page[:characters])
        for token in field_words(_PLAIN, text).split():
            word = token[len(_PLAIN.code) :]
            if word in found:
                continue
            room -= len(word.encode()) + _CODE
            if room < 0:
                return LongText(" ".join(found), False)
            found[word] = None
        if len(page) > characters:
            return LongText(" ".join(found), False)
        characters -= len(page)
    return LongText(" ".join(found), True)
