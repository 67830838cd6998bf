"""What is known of a file's contents, one row for each that was read."""

from __future__ import annotations

import datetime

from sqlalchemy import Boolean, ForeignKey, Integer, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from app.engine.adapters.database import Identifier, Json, Model, UtcDateTime
from app.engine.adapters.vault import SealedJson

FOLDER = "previews"
"""Of the store: pictures of pages and laid-out texts, in a folder for each content."""


class FileContents(Model):
    """The text of a stored file, and which pictures of it there are.

    A file that could not be read has a row as well, with the `problem`: nobody tries again and again.
    """

    __tablename__ = "file_contents"

    file_id: Mapped[int] = mapped_column(
        Identifier, ForeignKey("stored_file.id", ondelete="CASCADE"), primary_key=True
    )
    version: Mapped[int] = mapped_column(Integer, index=True)
    """Of the readers, see `reading.VERSION`."""
    read_at: Mapped[datetime.datetime] = mapped_column(UtcDateTime)
    problem: Mapped[str | None] = mapped_column(String(20))
    """Why there is no text: a code of `problems.PROBLEMS`."""
    paged: Mapped[bool] = mapped_column(Boolean)
    """Whether the pages are the file's own and not made of running text."""
    cut: Mapped[bool] = mapped_column(Boolean)
    """Whether the file holds more text than is kept."""
    searched_whole: Mapped[bool] = mapped_column(Boolean)
    """Whether the search knows all of it."""
    text: Mapped[str | None] = mapped_column(SealedJson, nullable=True, deferred=True)
    """The pages, packed."""
    words: Mapped[bytes | None] = mapped_column(LargeBinary, deferred=True)
    """What the search index keeps of it, packed."""
    shown: Mapped[bool] = mapped_column(Boolean)
    """Whether it was laid out for the preview."""
    pictures: Mapped[int | None] = mapped_column(Integer)
    """How many pages can be drawn: 0 of files that are no pages, None while an office program is to
    make them when somebody first wants to look."""
    drawn: Mapped[list[int]] = mapped_column(Json)
    """Which batches of pages have been drawn, from 0."""
    draw_problem: Mapped[str | None] = mapped_column(String(20))
    by_office: Mapped[bool] = mapped_column(Boolean)
    """Whether an office program made its pages, which are kept as a PDF beside the pictures."""


def path_of(sha256: str, name: str) -> str:
    """Where in the store a part of a preview is."""
    return f"{FOLDER}/{sha256[:2]}/{sha256}/{name}"
