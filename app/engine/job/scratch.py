"""Room for a run's unfinished files on its machine, given back even after a run that was killed."""

from __future__ import annotations

import contextlib
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


@contextlib.contextmanager
def folder() -> Iterator[Path]:
    """An empty folder, taken away at the end; what killed runs have left here is taken away first."""
    sweep()
    with tempfile.TemporaryDirectory(prefix=PREFIX) as name:
        (Path(name) / _MARK).write_text(runner.mark() or "")
        inside = Path(name) / "files"
        inside.mkdir()
        yield inside


def sweep() -> int:
    """Take away the folders of runs that have died on this machine; how many."""
    left = [
        place for place in Path(tempfile.gettempdir()).glob(f"{PREFIX}*") if _is_left_behind(place)
    ]
    for place in left:
        shutil.rmtree(place, ignore_errors=True)
    return len(left)


def _is_left_behind(place: Path) -> bool:
    try:
        changed = place.stat().st_mtime
        mark = (place / _MARK).read_text()
    except FileNotFoundError:  # about to be made, or to be gone
        mark, changed = "", place.stat().st_mtime if place.exists() else time.time()
    except PermissionError:
        return False  # somebody else's
    return runner.is_dead(mark or None) or time.time() - changed > _LONGEST_SECONDS
