"""Reads files and draws their pages."""

from __future__ import annotations

from typing import Any

from app.engine.contents import asking, work
from app.engine.job import Run

AT_ONCE = 1000
"""Files that are read again in one night; the others follow."""


def read(run: Run) -> dict[str, Any]:
    """Read a file that was filed; run again it is read again."""
    return work.read_file(int(run.arguments["file"]), run.hold)


def draw(run: Run) -> dict[str, Any]:
    """Draw some of a file's pages."""
    return work.draw_batch(int(run.arguments["file"]), int(run.arguments["batch"]), run.hold)


def again(run: Run) -> dict[str, Any]:
    """Ask for what nobody has read with these readers: filed before them, or lost by the way."""
    missed = work.outdated(AT_ONCE)
    asking.ask_to_read(missed)
    run.progress(len(missed))
    return {"files": len(missed)}
