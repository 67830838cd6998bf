"""Puts records back into their pools that nobody has touched for long."""

from __future__ import annotations

from typing import Any

from app.engine import pooling
from app.engine.job import Run


def return_idle(run: Run) -> dict[str, Any]:
    """As each pool's rule says; run again it finds what is left."""
    return pooling.return_idle(run)
