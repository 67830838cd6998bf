"""How the pools start: their rules, which administrators change in the browser."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from app.engine import registry
from app.engine.changes import Changes
from app.engine.pool import PoolRule

RULES = (
    {"entity": "Customer", "most_held": 500, "most_a_day": 20, "cooling_days": 7},
)  # fmt: skip
"""Nothing goes back by itself until somebody says after how many days."""


def write(changes: Changes) -> None:
    """Make the rules that there never were; one that was changed or deleted stays so."""
    definition = registry.current().entity(PoolRule.__name__)
    model: Any = PoolRule
    with_trash = select(model.entity).execution_options(with_trash=True)
    there = set(changes.session.scalars(with_trash))
    for values in RULES:
        if values["entity"] not in there:
            changes.create(definition, values)
