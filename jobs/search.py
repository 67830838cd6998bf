"""Writes the search entries of an entity anew."""

from __future__ import annotations

from typing import Any

from app.engine import indexing
from app.engine.job import Run
from app.engine.registry import current


def rebuild(run: Run) -> dict[str, Any]:
    """Of all records of `entity`, if one holds anything in one of `fields`."""
    definition = current().entity(run.arguments["entity"])
    if not indexing.concerns_records(definition, run.arguments["fields"]):
        return {"records": 0}
    return {"records": indexing.rebuild(definition.name, run.hold, run.progress)}
