"""Evaluations of all customers as of some days past, so that tiers and states have moved between them.

None as of today: that would set the tiers of real customers. They are worked out by the same
statements as in the job that each of the runs asks for when it is added; that finds nothing to change.
"""

from __future__ import annotations

import importlib
from typing import Any

from sqlalchemy import select

from app.engine import registry
from seeds.demo.base import Demo

DAYS_AGO = (365, 270, 180, 90, 1)


def write(demo: Demo) -> None:
    """By the newest rules in use."""
    if not demo.has("EvaluationRun"):
        return
    evaluating: Any = importlib.import_module("app.domains.evaluations.evaluating")
    rules = registry.current().entity("EvaluationRule").model
    newest = select(rules.id).where(rules.active.is_(True)).order_by(rules.id.desc()).limit(1)
    ruleset = demo.changes.session.scalar(newest)
    if ruleset is None:
        return
    there = demo.held("EvaluationRun", "as_of")
    for days_ago in DAYS_AGO:
        day = demo.date(days_ago)
        if day not in there:
            (run_id,) = demo.create("EvaluationRun", [{"as_of": day, "ruleset": ruleset}])
            evaluating.begin(demo.changes, run_id)
            evaluating.evaluate(demo.changes, run_id)
