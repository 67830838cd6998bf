"""Cells that a spreadsheet would run as a formula, made harmless by one mark, and back again.

A cell is marked with an apostrophe when what stands after its leading apostrophes could start a
formula. Marking adds exactly one apostrophe to such cells and unmarking takes exactly one from
them, so the two undo each other for every text.
"""

from __future__ import annotations

import re

# Full-width signs start a formula too in spreadsheets set to Chinese or Japanese.
_RISKY = re.compile("'*[=+\\-@\t\r\n\uff1d\uff0b\uff0d\uff20]")
MARKED = frozenset("'=+-@\t\r\n\uff1d\uff0b\uff0d\uff20")
"""What a cell that gets a mark begins with."""

# Numbers and phone numbers start with a sign and run nothing.
_HARMLESS = re.compile(r"[+-]\d+(?:\.\d+)?|\+\d[\d ()-]{4,20}", re.ASCII)


def _is_risky(text: str) -> bool:
    return _RISKY.match(text) is not None and _HARMLESS.fullmatch(text.lstrip("'")) is None


def mark(text: str) -> str:
    """Text as it goes into a file."""
    if text[:1] in MARKED and _is_risky(text):
        return "'" + text
    return text


def unmark(text: str) -> str:
    """Text as it was before `mark`; other text unchanged."""
    if text[:1] == "'" and _is_risky(text):
        return text[1:]
    return text
