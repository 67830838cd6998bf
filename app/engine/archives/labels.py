"""Labels for boxes and folders: sheets of A4 with a number in letters and as a QR code on each label."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import segno

ACROSS, DOWN = 3, 8
"""Labels of 70 by 37 mm, as they are sold on A4."""

_WIDE, _HIGH = 70.0, 37.125
_INSIDE = 4.0
_CODE = 24.0
_QUIET = 4
"""Light modules around a code, as its standard asks for."""

_TITLE_LINES = 2


@dataclass(frozen=True)
class Label:
    """What stands on one: whose it is, what it is, and the number, which the code holds too."""

    above: str
    number: str
    title: str
    below: str = ""


def write_labels(path: Path, title: str, labels: Iterable[Label]) -> None:
    """Write a sheet, or as many as are needed."""
    from app.engine.tables import pdf  # it brings a font along: only for those who print

    sheet = pdf.Sheet(title)
    for place, label in enumerate(labels):
        at = place % (ACROSS * DOWN)
        if not at:
            sheet.add_page()
        down, across = divmod(at, ACROSS)
        _put(sheet, across * _WIDE + _INSIDE, down * _HIGH + _INSIDE, label)
    sheet.output(str(path))


def _put(sheet: Any, x: float, y: float, label: Label) -> None:
    for left, top, width, height in bars(label.number, _CODE):
        sheet.rect(x + left, y + top, width, height, style="F")
    beside, room = x + _CODE + 2, _WIDE - _CODE - 2 - 2 * _INSIDE
    lines = sheet.wrapped(label.above, room, 1)
    number = sheet.wrapped(label.number, room, 3)
    rest = [*sheet.wrapped(label.title, room, _TITLE_LINES), *sheet.wrapped(label.below, room, 1)]
    sheet.put(beside, y, room, [*lines, *number, *rest], False)


def bars(text: str, side: float) -> Iterator[tuple[float, float, float, float]]:
    """The dark parts of a QR code of that side: left, top, width, height of each, in the same measure."""
    matrix: Sequence[Sequence[int]] = segno.make_qr(text, error="m").matrix
    module = side / (len(matrix) + 2 * _QUIET)
    for row, dark in enumerate(matrix):
        start: int | None = None
        for column, is_dark in enumerate([*dark, 0]):
            if is_dark and start is None:
                start = column
            elif not is_dark and start is not None:
                yield (
                    (start + _QUIET) * module, (row + _QUIET) * module,
                    (column - start) * module, module,
                )  # fmt: skip
                start = None
