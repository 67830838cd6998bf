"""Reference data of evaluations: the rules that every installation starts with.

Tiers and life cycle by the figures that Chinese handbooks give for them, see the requirement S2.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from sqlalchemy import select

from app.engine import registry
from app.engine.changes import Changes
from app.engine.policy import WITH_TRASH

RULES: dict[str, Any] = {
    "code": "2026-1",
    "name_zh": "通用标准",
    "name_en": "Usual figures",
    "active": True,
    "high_from": Decimal(500_000),
    "high_from_currency": "CNY",
    "middle_from": Decimal(100_000),
    "new_months": 1,
    "active_months": 3,
    "dormant_months": 6,
    "high_score": 4,
}


def write(changes: Changes) -> None:
    """Put the rules in unless there are any, in the trash too."""
    definition = registry.current().entity("EvaluationRule")
    model: Any = definition.model
    there = select(model.id).limit(1).execution_options(**{WITH_TRASH: True})
    if changes.session.scalar(there) is None:
        changes.create(definition, RULES)
