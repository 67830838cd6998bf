"""Text and pictures of PDF pages, by PDFium without its script engine: nothing in the file runs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pypdfium2 as pdfium
from pypdfium2 import raw

from app.engine.contents.readers.output import Pages, Unreadable, say

_FULL_SIZE = 300
"""Dots an inch beyond which a small page is not blown up."""
_MOST_PIXELS = 20_000_000


def read(path: str, pages: Pages, **_options: Any) -> None:
    """The words of each page; a page that is broken counts as empty. Raises Unreadable, Full."""
    document = _opened(path)
    count = len(document)
    say({"count": count})
    broken = 0
    for number in range(count):
        try:
            text = document[number].get_textpage().get_text_bounded()
        except pdfium.PdfiumError:
            text = ""
            broken += 1
        # PDFium marks a word that is divided at the end of a line.
        pages.page(text.replace("\ufffe\r\n", "").replace("\x02\r\n", ""))
        if broken > _MOST_BROKEN:
            raise Unreadable("damaged")


_MOST_BROKEN = 50


def draw(path: str, wanted: list[int], **_options: Any) -> Iterator[tuple[int, Any]]:
    """The pages of these numbers (from 1) as pictures, as wide as the widest asked for. Raises Unreadable."""
    document = _opened(path)
    say({"count": len(document)})
    for number in wanted:
        if not 1 <= number <= len(document):
            continue
        try:
            page = document[number - 1]
            width, height = page.get_size()
            scale = _scale(width, height, int(_options["width"]))
            bitmap = page.render(scale=scale, may_draw_forms=False)
        except pdfium.PdfiumError as error:
            if len(wanted) == 1:
                raise Unreadable("damaged") from error
            continue
        yield number, bitmap.to_pil()
        page.close()


def _scale(width: float, height: float, wanted: int) -> float:
    """How much a page of so many points is enlarged: never past what memory and sense allow."""
    if width <= 0 or height <= 0:
        raise Unreadable("damaged")
    scale = min(wanted / width, _FULL_SIZE / 72)
    return float(min(scale, (_MOST_PIXELS / (width * height)) ** 0.5))


def _opened(path: str) -> pdfium.PdfDocument:
    try:
        document = pdfium.PdfDocument(path)
        pages = len(document)
    except pdfium.PdfiumError as error:
        locked = getattr(error, "err_code", None) in (raw.FPDF_ERR_PASSWORD, raw.FPDF_ERR_SECURITY)
        raise Unreadable("encrypted" if locked else "damaged") from error
    if not pages:
        raise Unreadable("no_pages")
    return document
