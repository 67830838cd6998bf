"""One spelling for everything that is searched, and its division into runs."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from typing import NamedTuple

# Scripts written without spaces between words: searched by pairs of characters. Thai to Khmer,
# radicals and CJK signs, kana, ideographs, hangul, compatibility forms, supplementary ideographs.
UNSPACED = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u2e80-\u2fdf\u3005-\u3007\u3040-\u30ff\u3100-\u318f"
    "\u31a0-\u31bf\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\ua960-\ua97f\uac00-\ud7ff\uf900-\ufaff"
    "\U00020000-\U0003ffff"
)
_RUN = re.compile(f"([{UNSPACED}]+)|[^\\W_{UNSPACED}]+")
# Anything that needs more than lower-casing: all that is not printable ASCII or a common ideograph.
_UNUSUAL = re.compile("[^ -~\u4e00-\u9fff]")
_ACCENTS = re.compile("[\u0300-\u036f]")


class Run(NamedTuple):
    """A stretch of one kind of writing inside a text."""

    text: str
    unspaced: bool


def normalise(text: str, limit: int = 2000) -> str:
    """Return `text` as it is compared in searches; at most `limit` characters of it.

    Full-width forms become half-width, letters lose case and accents, control characters become
    spaces, and what cannot be seen (direction marks, joiners, unpaired surrogates) goes.
    Traditional characters stay as they are.
    """
    text = text[:limit]
    if (text.isascii() and text.isprintable()) or not _UNUSUAL.search(text):
        return text.lower()
    return folded("".join(_visible(character) for character in text))[:limit]


def folded(text: str) -> str:
    """The same of a long text, many times as fast: only what cannot be seen stays where it is."""
    wide = unicodedata.normalize("NFKC", text).casefold()
    plain = _ACCENTS.sub("", unicodedata.normalize("NFKD", wide))
    return unicodedata.normalize("NFC", plain)


def _visible(character: str) -> str:
    category = unicodedata.category(character)
    if category == "Cc":
        return " "
    return "" if category in ("Cf", "Cs") else character


def runs(normalised: str) -> Iterator[Run]:
    """Yield the searchable runs of an already normalised text, in their order."""
    for match in _RUN.finditer(normalised):
        yield Run(match[0], match.lastindex is not None)
