"""Takes away uploads that were left alone, contents that no record has or ever had, and leftovers."""

from __future__ import annotations

from typing import Any

from flask_babel import lazy_gettext as _

from app.engine.files import sweeping
from app.engine.job import Run


def sweep(run: Run) -> dict[str, Any]:
    """All of it; run again it finds what is left."""
    counts = {"uploads": 0, "leftovers": 0, "contents": 0}
    while removed := sweeping.sweep_uploads():
        counts["uploads"] += removed
        run.progress(counts["uploads"])
    counts["leftovers"] = sweeping.sweep_leftovers()
    counts["contents"] = sweeping.sweep_contents(run.progress)
    run.log(
        _(
            "Removed: %(uploads)s uploads that nobody finished or used, %(contents)s files that no "
            "record has, %(leftovers)s half-written ones.",
            **counts,
        )
    )
    return counts
