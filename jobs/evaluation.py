"""Evaluates every customer as of a day; see `app.domains.evaluations.evaluating`."""

from __future__ import annotations

from typing import Any

from flask_babel import lazy_gettext as _
from sqlalchemy import select

from app.domains.evaluations import evaluating
from app.domains.evaluations.evaluation import STEPS, ask, today
from app.engine import policy
from app.engine.adapters.database import db
from app.engine.changes import change_set
from app.engine.errors import InvalidInput
from app.engine.job import Run
from app.engine.registry import current


def run(run: Run) -> dict[str, Any]:
    """Do the run of the arguments, in place of what it had before; without one, begin that of today."""
    wanted = run.arguments.get("run")
    if wanted is None:
        return _begin(run)
    run_id = int(wanted)
    policy.current_viewer().require("EvaluationRun", "create")
    with policy.entrusted("an evaluation is of every customer, whoever asks for it"):
        try:
            found = _evaluate(run, run_id)
        except Exception:
            db.session.rollback()
            with change_set("job") as changes:
                run.hold(changes.session)
                evaluating.fail(changes, run_id)
            raise
    return {**found, "page": f"/evaluation_run/{run_id}"}


def _evaluate(run: Run, run_id: int) -> dict[str, int]:
    with change_set("job") as changes:
        run.hold(changes.session)
        evaluating.begin(changes, run_id)
    run.progress(1, STEPS, _("Working it out"), every=0)
    with change_set("job") as changes:
        run.hold(changes.session, done=2)
        found = evaluating.evaluate(changes, run_id)
        of_today = evaluating.is_of_today(changes, run_id)
    run.log(
        _(
            "%(customers)s customers evaluated from %(orders)s orders; left out: %(left_out)s amounts "
            "in other currencies, %(later)s orders after the day.",
            customers=found["customers"],
            orders=found["orders"],
            left_out=found["left_out"],
            later=found["later"],
        )
    )
    if of_today:
        run.progress(3, STEPS, _("Setting tier and life cycle of the customers"), every=0)
        reason = str(_("Periodic evaluation"))
        with change_set("job", reason) as changes:
            run.hold(changes.session, done=STEPS)
            found["set"] = evaluating.carry_over(changes, run_id)
        run.log(_("Tier or life cycle set anew: %(number)s customers.", number=found["set"]))
    return found


def _begin(run: Run) -> dict[str, Any]:
    """Have today's evaluation done by the newest rules in use, once: a run that is there is run again."""
    rules: Any = current().entity("EvaluationRule").model
    model: Any = current().entity("EvaluationRun").model
    with change_set("job") as changes:
        run.hold(changes.session)
        newest = select(rules.id).where(rules.active.is_(True)).order_by(rules.id.desc()).limit(1)
        rules_id = changes.session.scalar(newest)
        if rules_id is None:
            raise InvalidInput.of("rules", _("No evaluation rules are in use."))
        same = select(model).where(model.as_of == today(), model.ruleset_id == rules_id)
        record = changes.session.scalar(same)
        if record is None:
            values = {"as_of": today(), "ruleset": rules_id}
            record = changes.create(current().entity("EvaluationRun"), values)
        else:
            ask(changes, record)
        return {"run": record.id, "page": f"/evaluation_run/{record.id}"}
