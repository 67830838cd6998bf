"""Rows out of a text file, streamed at constant memory, and the separator found from its start."""

from __future__ import annotations

import contextlib
import csv
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TextIO

from flask_babel import lazy_gettext as _

from app.engine.tables.problems import Limits, TableProblem

BLANKS = " "
_CANDIDATES = (",", "\t", ";", "|", "\uff0c")
_SAMPLE_LINES = 200
_SAMPLE_CHARACTERS = 256 * 1024
_HINT = re.compile(r"sep=(.)\s*$", re.IGNORECASE)
_RUN = re.compile(r"\S[ \t\u3000]{2,}\S")
_SAME_SHARE = 0.8
_BLANKS_SHARE = 0.9

RawRow = tuple[int, int, list[str]]
"""First line, last line, cells."""


def sample_lines(path: Path, encoding: str, limits: Limits) -> list[str]:
    """The first lines of a file, enough to tell its separator from."""
    lines: list[str] = []
    total = 0
    with _told(encoding), path.open("r", encoding=encoding, newline="") as stream:
        for line in bounded_lines(stream, limits):
            lines.append(line)
            total += len(line)
            if len(lines) >= _SAMPLE_LINES or total >= _SAMPLE_CHARACTERS:
                break
    return lines


@contextlib.contextmanager
def _told(encoding: str) -> Iterator[None]:
    """A fault of the encoding as a message; only one that was chosen can have one here."""
    try:
        yield
    except UnicodeError as error:
        raise TableProblem(
            _("The file cannot be read as %(name)s. Choose another encoding.", name=encoding)
        ) from error


def bounded_lines(stream: TextIO, limits: Limits) -> Iterator[str]:
    """Lines with their ends; raises TableProblem before an endless one fills the memory."""
    most = limits.line_characters
    number = 0
    while line := stream.readline(most + 1):
        number += 1
        if len(line) > most:
            raise TableProblem(
                _("Line %(line)s is too long. The file is not a table.", line=number)
            )
        yield line


def find_delimiter(lines: list[str], name: str) -> tuple[str, bool]:
    """The separator, and whether a first line `sep=;` names it and is no row."""
    hint = _HINT.fullmatch(lines[0].strip("\ufeff\r\n")) if lines else None
    if hint:
        return hint.group(1), True
    order = sorted(_CANDIDATES, key=lambda mark: mark != "\t") if _is_tsv(name) else _CANDIDATES
    scored = [(_score(lines, mark), mark) for mark in order]
    (share, columns), best = max(scored, key=lambda item: item[0])
    if columns > 1 and share >= _SAME_SHARE:
        return best, False
    if _set_in_blanks(lines):
        return BLANKS, False
    return (best if columns > 1 else ","), False


def _is_tsv(name: str) -> bool:
    return name.lower().endswith((".tsv", ".tab"))


def _score(lines: list[str], delimiter: str) -> tuple[float, int]:
    """How many rows agree on one number of columns, above one, and on which."""
    counts: Counter[int] = Counter()
    try:
        for row in csv.reader(lines, delimiter=delimiter):
            if any(cell.strip() for cell in row):
                counts[len(row)] += 1
    except csv.Error:
        return 0.0, 1
    # The last row of the sample may be a quoted one cut short, and titles above a table have one
    # cell, so one column never wins against an agreeing number of several.
    total = sum(counts.values())
    several = [(rows, columns) for columns, rows in counts.items() if columns > 1]
    if not several:
        return 0.0, 1
    rows, columns = max(several)
    share = rows / total
    return (round(share, 1) if share >= _SAME_SHARE else share / 2), columns


def _set_in_blanks(lines: list[str]) -> bool:
    """Columns set apart by runs of blanks, as in listings of old programs."""
    filled = [line for line in lines if line.strip()]
    if not filled:
        return False
    runs = sum(1 for line in filled if _RUN.search(line))
    (columns, same), *_rest = Counter(len(line.split()) for line in filled).most_common(1)
    return columns > 1 and min(runs, same) >= _BLANKS_SHARE * len(filled)


def text_rows(
    path: Path, encoding: str, delimiter: str, skip: int, limits: Limits
) -> Iterator[RawRow]:
    """Every row of the file from the line after `skip` lines on."""
    with _told(encoding), path.open("r", encoding=encoding, newline="") as stream:
        lines = bounded_lines(stream, limits)
        for _line in range(skip):
            next(lines, "")
        if delimiter == BLANKS:
            yield from _blank_rows(lines, skip)
        else:
            yield from _csv_rows(lines, delimiter, skip, limits)


def _blank_rows(lines: Iterable[str], skip: int) -> Iterator[RawRow]:
    for number, line in enumerate(lines, start=skip + 1):
        yield number, number, line.split()


def _csv_rows(lines: Iterable[str], delimiter: str, skip: int, limits: Limits) -> Iterator[RawRow]:
    reader = csv.reader(lines, delimiter=delimiter)
    most = limits.columns * 4
    first = skip + 1
    while True:
        try:
            row = next(reader, None)
        except csv.Error as error:
            raise TableProblem(
                _(
                    "Line %(line)s holds a cell that is too long. A quotation mark may be missing.",
                    line=first,
                )
            ) from error
        if row is None:
            return
        if len(row) > most:
            raise TableProblem(_("Line %(line)s has too many columns.", line=first))
        last = reader.line_num + skip
        yield first, last, row
        first = last + 1
