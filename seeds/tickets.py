"""What is promised for tickets to begin with: the matrix of priorities and the service levels.

An answer within 10 minutes and a solution within 2 hours, or 24 where it is complex; feedback is
answered within 24 hours. All in working time.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlalchemy import select

from app.engine import registry
from app.engine.changes import Changes
from app.engine.policy import WITH_TRASH

HOUR = 60

MATRIX = {
    "high": {"high": "urgent", "medium": "high", "low": "medium"},
    "medium": {"high": "high", "medium": "medium", "low": "low"},
    "low": {"high": "medium", "medium": "low", "low": "low"},
}
"""Impact → urgency → priority."""

LEVELS: tuple[dict[str, Any], ...] = (
    {
        "name_zh": "通常",
        "name_en": "Usual",
        "response_minutes": 10,
        "solution_minutes": 2 * HOUR,
    },
    {
        "name_zh": "复杂问题",
        "name_en": "Complex problems",
        "complex": True,
        "response_minutes": 10,
        "solution_minutes": 24 * HOUR,
    },
    {
        "name_zh": "反馈",
        "name_en": "Feedback",
        "kind": "feedback",
        "response_minutes": 24 * HOUR,
        "solution_minutes": 24 * HOUR,
    },
)


def write(changes: Changes) -> None:
    """Put in the rules of each kind where there never were any; what was changed or deleted stays so."""
    for entity, rows in (("PriorityRule", _matrix()), ("ServiceLevel", iter(LEVELS))):
        definition = registry.current().entity(entity)
        model: Any = definition.model
        there = select(model.id).limit(1).execution_options(**{WITH_TRASH: True})
        if changes.session.scalar(there) is None:
            for values in rows:
                changes.create(definition, values)


def _matrix() -> Iterator[dict[str, str]]:
    for impact, cells in MATRIX.items():
        for urgency, priority in cells.items():
            yield {"impact": impact, "urgency": urgency, "priority": priority}
