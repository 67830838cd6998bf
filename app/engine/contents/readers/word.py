"""Text of Word documents (DOCX): the body by paragraphs, then headers, footers, notes and comments."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from app.engine.contents.readers.output import Pages, Unreadable
from app.engine.contents.readers.packed import Package, attribute, local

_BESIDE = re.compile(r"word/(?:header|footer|footnotes|endnotes|comments)\d*\.xml")
TURN = "\f"
"""Between paragraphs: here the author began a new page."""


def read(path: str, pages: Pages, **_options: Any) -> None:
    """Raises Unreadable."""
    package = Package(path)
    body = "word/document.xml"
    if body not in package.names:
        raise Unreadable("damaged")
    beside = sorted(name for name in package.names if _BESIDE.fullmatch(name))
    for name in (body, *beside):
        for text in paragraphs(package, name):
            if text == TURN:
                pages.turn()
            else:
                pages.paragraph(text)
    pages.turn()


def paragraphs(package: Package, name: str) -> Iterator[str]:
    """Each paragraph of a part, in Word's and PowerPoint's markup alike.

    What stands in both a new and an old form (`Fallback`) is read once.
    """
    words: list[str] = []
    twice = 0
    for event, element in package.events(name):
        tag = local(element)
        if tag == "Fallback":
            twice += 1 if event == "start" else -1
        if event == "start" or twice:
            continue
        if tag == "t":
            words.append(element.text or "")
        elif tag == "tab":
            words.append("\t")
        elif tag in ("br", "cr"):
            if attribute(element, "type") == "page":
                yield "".join(words)
                yield TURN
                words = []
            else:
                words.append("\n")
        elif tag == "p":
            yield "".join(words)
            words = []
        element.clear()
    yield "".join(words)
