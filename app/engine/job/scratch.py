"""Room for a run's unfinished files on its machine, given back even after a run that was killed."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from app.engine.job import runner

PREFIX = "steward-run-"
_MARK = "runner"
_LONGEST_SECONDS = 24 * 3600.0
"""Longer than any job may take: for folders of which nobody can say any more whose they were."""


_MEMORY = Path("/dev/shm")  # noqa: S108  Linux has it everywhere; a folder in it is made by tempfile
_ENOUGH = 256 * 1024 * 1024


@contextlib.contextmanager
def folder(small: bool = False) -> Iterator[Path]:
    """An empty folder, taken away at the end; what killed runs have left here is taken away first.

    `small`: for thousands of links and a few megabytes; in memory where there is room, since a disk
    takes longer for each name than for what stands behind it.
    """
    sweep()
    with tempfile.TemporaryDirectory(prefix=PREFIX, dir=_memory() if small else None) as name:
        (Path(name) / _MARK).write_text(runner.mark() or "")
        inside = Path(name) / "files"
        inside.mkdir()
        yield inside


def sweep() -> int:
    """Take away the folders of runs that have died on this machine; how many."""
    places = {Path(tempfile.gettempdir()), *([_MEMORY] if _MEMORY.is_dir() else [])}
    left = [
        place for parent in places for place in parent.glob(f"{PREFIX}*") if _is_left_behind(place)
    ]
    for place in left:
        shutil.rmtree(place, ignore_errors=True)
    return len(left)


def _memory() -> Path | None:
    """Where files are kept in memory; None where that is not so, or full."""
    try:
        state = os.statvfs(_MEMORY)
    except (OSError, AttributeError):
        return None
    roomy = state.f_bavail * state.f_frsize >= _ENOUGH
    return _MEMORY if roomy and os.access(_MEMORY, os.W_OK) else None


def _is_left_behind(place: Path) -> bool:
    try:
        changed = place.stat().st_mtime
        mark = (place / _MARK).read_text()
    except FileNotFoundError:  # about to be made, or to be gone
        mark, changed = "", place.stat().st_mtime if place.exists() else time.time()
    except PermissionError:
        return False  # somebody else's
    return runner.is_dead(mark or None) or time.time() - changed > _LONGEST_SECONDS
