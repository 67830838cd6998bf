"""What a reader gives back: lines of JSON, bounded while they are written."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable
from typing import Any

import orjson

PAGE = 3000
"""Characters after which a text that has no pages of its own is turned over."""

_UNWANTED = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff]")
_BLANK_LINES = re.compile(r"\n[ \t\xa0\u3000]*(?:\n[ \t\xa0\u3000]*)+")


class Unreadable(Exception):
    """The file cannot be read; the code says why, see `contents/problems.py`."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class Full(Exception):
    """As much was read as is kept of a file."""


def say(line: dict[str, Any]) -> None:
    """Print one line, at once: what was said stays, whatever happens after."""
    sys.stdout.buffer.write(orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE))
    sys.stdout.buffer.flush()


def clean(text: str) -> str:
    """Without what no page can show and no database can keep; line ends alike, no rows of blank lines."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return _BLANK_LINES.sub("\n\n", _UNWANTED.sub("", text)).strip()


class Pages:
    """The pages of a text, printed as they come until there are enough."""

    def __init__(self, characters: int, pages: int) -> None:
        self._characters = characters
        self._pages = pages
        self._lines: list[str] = []
        self._length = 0

    def page(self, text: str) -> None:
        """A page as the file has it. Raises Full after the last that is kept."""
        text = clean(text)[: self._characters]
        say({"page": text})
        self._characters -= len(text)
        self._pages -= 1
        if self._characters <= 0 or self._pages <= 0:
            raise Full

    def paragraph(self, text: str) -> None:
        """A piece of running text: pages are made of it. Raises Full."""
        for start in range(0, len(text) or 1, PAGE):
            piece = text[start : start + PAGE]
            self._lines.append(piece)
            self._length += len(piece) + 1
            if self._length >= PAGE:
                self.turn()

    def paragraphs(self, texts: Iterable[str]) -> None:
        """Several, one after the other. Raises Full."""
        for text in texts:
            self.paragraph(text)

    def turn(self) -> None:
        """End the page, if anything stands on it. Raises Full."""
        text = clean("\n".join(self._lines))
        self._lines, self._length = [], 0
        if text:
            self.page(text)
