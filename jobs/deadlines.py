"""Warns of deadlines that come near and tells of those that have passed, each minute."""

from __future__ import annotations

from app.engine import reminding


def remind() -> int:
    """Of how many deadlines people were told; run again at once it finds none left."""
    return reminding.remind()
