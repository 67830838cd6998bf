"""What makes a whole file unreadable, and the bounds within which files are read."""

from __future__ import annotations

from dataclasses import dataclass

from app.engine.errors import StewardError


class TableProblem(StewardError):
    """The file as a whole cannot be read or written; the message names the place where it can."""

    status = 422


@dataclass(frozen=True)
class Limits:
    """Bounds of a file: sizes in bytes, cells in characters."""

    file_bytes: int = 200 * 1024 * 1024
    unpacked_bytes: int = 1024 * 1024 * 1024
    columns: int = 500
    cell_characters: int = 131_072
    line_characters: int = 4 * 1024 * 1024
    workbook_memory: int = 3 * 1024 * 1024 * 1024
    workbook_seconds: int = 600


DEFAULT_LIMITS = Limits()
