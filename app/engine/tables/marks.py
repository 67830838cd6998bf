"""Cells that a spreadsheet would run as a formula, made harmless by one mark, and back again.

A cell is marked with an apostrophe when what stands after its leading apostrophes could start a
formula. Marking adds exactly one apostrophe to such cells and unmarking takes exactly one from
them, so the two undo each other for every text.
"""

from __future__ import annotations

import re

# Full-width signs start a formula too in spreadsheets set to Chinese or Japanese.
RISKY = "'*[=+\\-@\t\r\n\uff1d\uff0b\uff0d\uff20]"
"""How a text begins that might be run; an expression that PostgreSQL understands too."""

MARKED = frozenset("'=+-@\t\r\n\uff1d\uff0b\uff0d\uff20")
"""What a cell that gets a mark begins with."""

# Numbers and phone numbers start with a sign and run nothing.
HARMLESS = r"[+-][0-9]+(?:\.[0-9]+)?|\+[0-9][0-9 ()-]{4,20}"
"""What runs nothing though it begins so, as a whole; the same."""

_RISKY, _HARMLESS = re.compile(RISKY), re.compile(HARMLESS)


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
