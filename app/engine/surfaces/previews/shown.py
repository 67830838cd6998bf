"""What a preview shows of a file: which of its pages, and whether they are there yet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self

from app.engine import contents
from app.engine.contents import keeping
from app.engine.contents.models import FileContents
from app.engine.contents.work import BATCH
from app.engine.surfaces.previews.held import Held

_MOST_DIGITS = 6


@dataclass(frozen=True)
class Page:
    """A page of a file: its picture where there is one, and the words on it."""

    number: int
    picture: str | None
    text: str


@dataclass(frozen=True)
class Shown:
    """A batch of a file's pages. `known`: what has been read of it; None while nobody has."""

    file: Held
    known: FileContents | None
    asked: int
    as_text: bool

    @classmethod
    def of(cls, file: Held, arguments: Mapping[str, str]) -> Self:
        """As an address asks for it; of a page that there is not, the nearest."""
        page = arguments.get("page", "1")
        number = int(page) if page.isdecimal() and len(page) <= _MOST_DIGITS else 1
        return cls(file, keeping.about(file.info.id), number, arguments.get("as") == "text")

    @property
    def waiting(self) -> bool:
        """Whether it is still to be read or drawn."""
        if self.known is None:
            return True
        return self.pictures is None or (self.pictures > 0 and self.batch not in self.known.drawn)

    @property
    def pictures(self) -> int | None:
        """How many pages have pictures; none where the text alone is wanted."""
        return 0 if self.as_text or self.known is None else self.known.pictures

    @property
    def laid_out(self) -> bool:
        """Whether the text laid out is all that there is to look at."""
        return self.known is not None and self.known.shown and not self.pictures

    @property
    def has_both(self) -> bool:
        """Whether its text can be read apart from the pictures, which have other pages."""
        return bool(self.known and self.known.pictures and not self.known.paged) and (
            self.known is not None and (self.known.shown or bool(self._kept))
        )

    @property
    def problem(self) -> Any:
        """Why nothing of the file can be shown."""
        code = self.known and (self.known.draw_problem or self.known.problem)
        return contents.told(code) if code else ""

    @property
    def total(self) -> int:
        """How many pages there are to look at."""
        return self.pictures or (0 if self.laid_out else len(self._texts))

    @property
    def batch(self) -> int:
        return (max(1, min(self.asked, self.total or 1)) - 1) // BATCH

    @property
    def first(self) -> int:
        return self.batch * BATCH + 1

    @property
    def earlier(self) -> int | None:
        return self.first - BATCH if self.batch else None

    @property
    def further(self) -> int | None:
        return self.first + BATCH if self.first + BATCH <= self.total else None

    @cached_property
    def pages(self) -> Sequence[Page]:
        """Those of the batch, once they are there to be seen."""
        if self.waiting or self.laid_out:
            return ()
        texts = self._texts
        return [
            Page(
                number,
                f"{self.file.here}/page/{number}" if self.pictures else None,
                texts[number - 1] if number <= len(texts) else "",
            )
            for number in range(self.first, min(self.first + BATCH, self.total + 1))
        ]

    @property
    def _texts(self) -> list[str]:
        """The words by pages; beside pictures only where the pages are the same."""
        if self.pictures and self.known is not None and not self.known.paged:
            return []
        return self._kept

    @cached_property
    def _kept(self) -> list[str]:
        file_id = self.file.info.id
        return keeping.pages_of([file_id]).get(file_id, [])
