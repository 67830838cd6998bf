"""Text of web pages (HTML): what a reader would see, without scripts, styles and the page's head."""

from __future__ import annotations

from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any

from app.engine.contents.readers.output import Pages, clean
from app.engine.contents.readers.sanitised import CHARACTERS, sanitised

_UNSEEN = {"script", "style", "template", "noscript", "object", "svg"}
_INLINE = {
    "a", "abbr", "b", "bdi", "bdo", "cite", "code", "data", "del", "dfn", "em", "font", "i", "img", "ins",
    "kbd", "label", "mark", "q", "ruby", "s", "samp", "small", "span", "strong", "sub", "sup", "time", "tt",
    "u", "var", "wbr",
}  # fmt: skip
_CHUNK = 64 * 1024


class _Seen(HTMLParser):
    """Gathers the words; an element that stands by itself begins a line."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.words: list[str] = []
        self._unseen = 0

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self._unseen += tag in _UNSEEN
        if tag in ("td", "th"):
            self.words.append("\t")
        elif tag not in _INLINE:
            self.words.append("\n")

    def handle_endtag(self, tag: str) -> None:
        if tag in _UNSEEN:
            self._unseen = max(self._unseen - 1, 0)
        elif tag not in _INLINE and tag not in ("td", "th"):
            self.words.append("\n")

    def handle_data(self, data: str) -> None:
        if not self._unseen:
            self.words.append(" ".join(data.split()) if data.strip() else " ")

    def lines(self) -> Iterator[str]:
        """What was gathered since the last call, as lines; the last may go on."""
        text, self.words = "".join(self.words), []
        for line in text.split("\n"):
            if line.strip():
                yield line.strip()


def text_of(html: str) -> str:
    """The words of a piece of HTML."""
    seen = _Seen()
    seen.feed(html)
    seen.close()
    return "\n".join(seen.lines())


def read(path: str, pages: Pages, encoding: str = "utf-8", **_options: Any) -> None:
    """Raises Full."""
    seen = _Seen()
    with open(path, encoding=encoding, errors="replace") as file:  # noqa: PTH123
        while chunk := file.read(_CHUNK):
            seen.feed(chunk)
            if len(seen.words) > _CHUNK:
                pages.paragraphs(seen.lines())
    seen.close()
    pages.paragraphs(seen.lines())
    pages.turn()


def show(path: str, encoding: str = "utf-8", **_options: Any) -> Iterator[dict[str, Any]]:
    """The page without anything that acts or loads."""
    with open(path, encoding=encoding, errors="replace") as file:  # noqa: PTH123
        html = file.read(CHARACTERS + 1)
    yield {"html": sanitised(clean(html)), "cut": len(html) > CHARACTERS}
