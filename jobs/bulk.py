"""Carries out what was asked for many records."""

from __future__ import annotations

from typing import Any

from app.engine.bulk import Runner
from app.engine.job import Run


def run(run: Run) -> dict[str, Any]:
    """Do what the order says; run again it goes on where it stopped."""
    return Runner(run).run()
