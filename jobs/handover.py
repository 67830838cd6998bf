"""Hands a person's records over to another."""

from __future__ import annotations

from typing import Any

from app.engine import handover
from app.engine.job import Run


def run(run: Run) -> dict[str, Any]:
    """Batch by batch; run again it goes on where it stopped."""
    return handover.run(run)
