"""Takes back a change set that is too large to wait for."""

from __future__ import annotations

from typing import Any

from app.engine import changes
from app.engine.job import Run


def run(run: Run) -> dict[str, Any]:
    """Undo the change set `change_set`; runs again from where it stopped."""
    change_set_id = int(run.arguments["change_set"])
    finished = changes.undone_with(change_set_id)
    if finished is not None:  # an earlier run of this job came to its end, and could not say so
        return finished
    return changes.undo(change_set_id, on_progress=run.progress, hold=run.hold).as_json()
