"""Invites everybody whom a survey is for."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from app.domains.evaluations import results
from app.engine import policy
from app.engine.adapters.database import db
from app.engine.changes import change_set
from app.engine.errors import NotFound
from app.engine.job import Run
from app.engine.query import Condition, Records
from app.engine.registry import current

PART = 100


def run(run: Run) -> dict[str, Any]:
    """Invite the contacts that its asker may see and that are not invited yet; run again it goes on."""
    survey_id = int(run.arguments["survey"])
    policy.current_viewer().require("SurveyInvitation", "create")
    survey = Records(current().entity("Survey")).get(survey_id)
    if survey["state"] != "open":
        raise NotFound
    ids = _contacts(survey)
    for start in range(0, len(ids), PART):
        _invite(run, survey_id, ids[start : start + PART])
        run.progress(min(start + PART, len(ids)), len(ids))
    with policy.entrusted("the survey's own figures"), change_set("job") as changes:
        run.hold(changes.session)
        results.hold(changes, survey_id)
        results.work_out(changes, survey_id)
    return {"contacts": len(ids), "page": f"/survey/{survey_id}"}


def _contacts(survey: dict[str, Any]) -> list[int]:
    known = current()
    customers = Records(known.entity("Customer")).without_archived()
    for field, value in (("value_tier", survey["tier"]), ("status", survey["life_cycle"])):
        if value:
            customers.where(Condition(field, "eq", value))
    contact = known.entity("Contact")
    people = Records(contact).pointing_at(contact.field("customer"), customers)
    if survey["only_primary"]:
        people.where(Condition("is_primary", "eq", "1"))
    return people.ids()


def _invite(run: Run, survey_id: int, ids: list[int]) -> None:
    definition = current().entity("SurveyInvitation")
    model: Any = definition.model
    why = "they may be invited: they were found under the asker's rights"
    with policy.entrusted(why), change_set("job") as changes:
        run.hold(changes.session)
        there = select(model.contact_id).where(
            model.survey_id == survey_id, model.contact_id.in_(ids)
        )
        invited = set(db.session.scalars(there))
        for contact_id in ids:
            if contact_id not in invited:
                changes.create(definition, {"survey": survey_id, "contact": contact_id})
