"""What is in a file: its text by pages, and how it looks, as far as it can be known without harm."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.engine.contents.kinds import PAGED, SHOWN, drawer_of, reader_of, table_name, unread
from app.engine.contents.running import LIMITS, Limits, Said, run
from app.engine.tables import Limits as TableLimits
from app.engine.tables import TableProblem
from app.engine.tables.encodings import find_encoding
from app.engine.tables.text import find_delimiter, sample_lines

VERSION = 1
"""Raised when the readers read otherwise than before: files read by another version are read again."""

SIZES: Mapping[str, int] = {"page": 1240, "thumb": 240}
"""How wide, in pixels, the pictures of pages are."""

_AT_ONCE = 10
"""Pages drawn by one process: its time and memory are meant for so many."""


@dataclass(frozen=True)
class Contents:
    """A file's text. `paged`: the pages are the file's own, `count` of them in it as far as known.

    `cut`: there is more than what is kept. `problem`: the code of why there is nothing.
    """

    pages: tuple[str, ...] = ()
    count: int | None = None
    paged: bool = False
    cut: bool = False
    problem: str | None = None


def read(path: Path, media_type: str, limits: Limits = LIMITS) -> Contents:
    """The text of a file, by pages. Never raises for what is in the file: a `problem` says it."""
    reader = reader_of(media_type)
    if reader is None:
        return Contents(problem=unread(media_type))
    said = _told("text", reader, path, media_type, limits)
    paged = reader in PAGED
    if said.problem is None and not any(said.pages):
        return Contents(count=said.count, paged=paged, cut=said.cut, problem="no_text")
    count = said.count
    if count is None and paged and said.problem is None:
        count = len(said.pages)
    return Contents(tuple(said.pages), count, paged, said.cut, said.problem)


def show(path: Path, media_type: str, limits: Limits = LIMITS) -> list[dict[str, Any]]:
    """How a file of text looks, as parts for a page: tables, HTML that was made harmless, text.

    Nothing where the reader of such files lays nothing out, or something is wrong with it.
    """
    reader = reader_of(media_type)
    if reader not in SHOWN:
        return []
    return _told("show", reader, path, media_type, limits).parts


def draw(
    path: Path,
    media_type: str,
    pages: Collection[int],
    folder: Path,
    sizes: Mapping[str, int] = SIZES,
    limits: Limits = LIMITS,
) -> Said:
    """Draw pages (from 1) of a PDF or a picture into a folder, as `<size>-<page>.webp` in each size.

    What is said names those `drawn`, and how many there are; a page that is broken is left out.
    """
    drawer = drawer_of(media_type)
    if drawer is None:
        return Said(problem=unread(media_type))
    whole = Said()
    wanted = sorted(pages)
    for start in range(0, len(wanted), _AT_ONCE):
        some = wanted[start : start + _AT_ONCE]
        said = run("draw", drawer, path, limits, wanted=some, folder=str(folder), sizes=dict(sizes))
        whole.drawn += said.drawn
        whole.count = said.count if whole.count is None else whole.count
        whole.cut |= said.cut
        if said.problem is not None:
            whole.problem = None if whole.drawn else said.problem
            break
    return whole


def _told(task: str, reader: str, path: Path, media_type: str, limits: Limits) -> Said:
    options: dict[str, Any] = {}
    if reader in ("plain", "markup") and path.stat().st_size:
        try:
            options["encoding"], _warnings = find_encoding(path)
        except TableProblem:
            return Said(problem="encoding")
        if task == "show":
            options["markdown"] = media_type == "text/markdown"
            options["delimiter"] = _delimiter(path, options["encoding"], table_name(media_type))
    return run(task, reader, path, limits, **options)


def _delimiter(path: Path, encoding: str, name: str | None) -> str | None:
    """What separates the columns of a table; None for a text, and for a table that is none."""
    if name is None:
        return None
    try:
        lines = sample_lines(path, encoding, TableLimits())
    except TableProblem:
        return None
    mark, _hinted = find_delimiter(lines, name)
    return mark if len(mark) == 1 and mark != " " else None
