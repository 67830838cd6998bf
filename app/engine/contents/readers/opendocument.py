"""Text of OpenDocument texts and presentations (ODT, ODP); of a presentation each slide is a page."""

from __future__ import annotations

from typing import Any
from xml.etree.ElementTree import Element

from app.engine.contents.readers.output import Pages, Unreadable
from app.engine.contents.readers.packed import Package, attribute, local

_MOST_BLANKS = 100


def read(path: str, pages: Pages, **_options: Any) -> None:
    """Raises Unreadable."""
    package = Package(path)
    if b"encryption-data" in package.small("META-INF/manifest.xml"):
        raise Unreadable("encrypted")
    if "content.xml" not in package.names:
        raise Unreadable("damaged")
    inside = 0
    for event, element in package.events("content.xml"):
        tag = local(element)
        paragraph = tag in ("p", "h")
        if event == "start":
            inside += paragraph
            continue
        inside -= paragraph
        if paragraph and not inside:  # a paragraph in a note inside another is read with that one
            pages.paragraph(_text(element))
        if not inside:
            element.clear()
        if tag == "page":
            pages.turn()
    pages.turn()


def _text(element: Element) -> str:
    """The words of an element, with the blanks and breaks that stand for themselves as elements."""
    parts = [element.text or ""]
    for child in element:
        tag = local(child)
        if tag == "s":
            count = attribute(child, "c") or "1"
            parts.append(" " * min(int(count) if count.isdecimal() else 1, _MOST_BLANKS))
        elif tag == "tab":
            parts.append("\t")
        elif tag == "line-break":
            parts.append("\n")
        else:
            parts.append(_text(child))
        parts.append(child.tail or "")
    return "".join(parts)
