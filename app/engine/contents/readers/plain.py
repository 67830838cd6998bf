"""Text, Markdown, CSV and whatever else people read as it stands."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from itertools import islice
from typing import Any

from app.engine.contents.readers.output import PAGE, Pages, clean
from app.engine.contents.readers.sanitised import CHARACTERS, from_markdown
from app.engine.contents.readers.sheets import CELL, COLUMNS, ROWS

_LINE = 1024 * 1024


def read(path: str, pages: Pages, encoding: str = "utf-8", **_options: Any) -> None:
    """Lines as they stand; a line without end is taken in pieces. Raises Full."""
    with open(path, encoding=encoding, errors="replace") as file:  # noqa: PTH123
        while line := file.readline(PAGE):
            pages.paragraph(line.rstrip("\n"))
    pages.turn()


def show(
    path: str,
    encoding: str = "utf-8",
    delimiter: str | None = None,
    markdown: bool = False,
    **_options: Any,
) -> Iterator[dict[str, Any]]:
    """A table where a separator was found, Markdown as it is meant, everything else as it stands."""
    with open(path, encoding=encoding, errors="replace", newline="") as file:  # noqa: PTH123
        if delimiter is not None:
            yield _table(file, delimiter)
            return
        text = file.read(CHARACTERS + 1)
    cut = len(text) > CHARACTERS
    text = clean(text[:CHARACTERS])
    yield {"html": from_markdown(text), "cut": cut} if markdown else {"text": text, "cut": cut}


def _table(file: Any, delimiter: str) -> dict[str, Any]:
    rows = csv.reader(iter(lambda: file.readline(_LINE), ""), delimiter=delimiter)
    first = list(islice(rows, ROWS + 1))
    table = [[clean(cell)[:CELL] for cell in row[:COLUMNS]] for row in first[:ROWS]]
    return {"table": table, "name": "", "cut": len(first) > ROWS}
