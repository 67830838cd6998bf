"""Text of PowerPoint presentations (PPTX): one page a slide, in the order they are shown, with its notes."""

from __future__ import annotations

import posixpath
import re
from typing import Any
from xml.etree.ElementTree import Element, ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import fromstring

from app.engine.contents.readers.output import Pages, Unreadable
from app.engine.contents.readers.packed import Package, attribute, local
from app.engine.contents.readers.word import paragraphs

_SLIDE = re.compile(r"ppt/slides/slide(\d+)\.xml")


def read(path: str, pages: Pages, **_options: Any) -> None:
    """Raises Unreadable."""
    package = Package(path)
    if "ppt/presentation.xml" not in package.names:
        raise Unreadable("damaged")
    for name in _in_order(package):
        parts = [name, *_notes(package, name)]
        texts = [text for part in parts for text in paragraphs(package, part) if text.strip()]
        pages.page("\n".join(texts))


def _in_order(package: Package) -> list[str]:
    """The slides' parts as the presentation names them; by number where it names none."""
    related = _related(package, "ppt/presentation.xml")
    shown = [
        related[number]
        for element in _elements(package.small("ppt/presentation.xml"))
        if local(element) == "sldId" and (number := attribute_of_relation(element)) in related
    ]
    there = [name for name in shown if name in package.names]
    if there:
        return there
    found = [match for name in package.names if (match := _SLIDE.fullmatch(name))]
    return [match[0] for match in sorted(found, key=lambda match: int(match[1]))]


def attribute_of_relation(element: Element) -> str:
    """The relation that a slide's entry points at: its `r:id`, not its own `id`."""
    return next((v for k, v in element.attrib.items() if k.endswith("relationships}id")), "")


def _notes(package: Package, slide: str) -> list[str]:
    return [
        name
        for name in _related(package, slide).values()
        if name.startswith("ppt/notesSlides/") and name in package.names
    ]


def _related(package: Package, part: str) -> dict[str, str]:
    """The parts that a part points at, by the relation's id."""
    folder, name = posixpath.split(part)
    relations = _elements(package.small(f"{folder}/_rels/{name}.rels"))
    return {
        attribute(element, "Id") or "": posixpath.normpath(
            posixpath.join("/" + folder, attribute(element, "Target") or "")
        ).lstrip("/")
        for element in relations
        if local(element) == "Relationship"
    }


def _elements(xml: bytes) -> list[Element]:
    if not xml:
        return []
    try:
        return list(fromstring(xml, forbid_dtd=True).iter())
    except (ParseError, DefusedXmlException) as error:
        raise Unreadable("damaged") from error
