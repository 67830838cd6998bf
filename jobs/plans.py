"""Turns interaction plans into dated to-dos, and reminds owners of files that nobody has refreshed."""

from __future__ import annotations

import datetime
from typing import Any

from flask_babel import lazy_ngettext
from sqlalchemy import select

from app.domains.customers import plan, stale
from app.domains.tasks import Task
from app.engine import notices
from app.engine.adapters.appbuilder.user import StewardUser
from app.engine.adapters.database import db
from app.engine.changes import change_set
from app.engine.fields.time import reader_zone
from app.engine.job import Run

BATCH = 500
WITHOUT_MANAGER = "/customer/?f=account_manager:empty:&f=value_tier:in:{tiers}"


def today() -> datetime.date:
    """The day on which the job runs; China's outside a request."""
    return datetime.datetime.now(reader_zone()).date()


def _english_readers() -> set[int]:
    statement = select(StewardUser.id).where(StewardUser.language.startswith("en"))
    return set(db.session.scalars(statement))


def make_tasks(run: Run) -> dict[str, Any]:
    """To-dos of every plan for its present cycle; run again it makes what is missing."""
    day, english = today(), _english_readers()
    made = looked = 0
    change_set_id: int | None = None
    with change_set("job") as changes:
        rules = [rule.id for rule in plan.rules_in_use(changes)]
        tiers, unowned = plan.without_manager(changes)
    for rule_id in rules:
        after: int | None = 0
        while after is not None:
            with change_set("job", change_set_id=change_set_id, last=False) as changes:
                run.hold(changes.session, done=looked)
                count, seen, after = plan.ask_for_tasks(
                    changes, rule_id, day, english, after, BATCH
                )
                change_set_id = changes.id
            made, looked = made + count, looked + seen
    with change_set("job", change_set_id=change_set_id):
        pass
    if unowned:
        run.log(
            lazy_ngettext(
                "%(num)s customer has no account manager and gets no to-dos.",
                "%(num)s customers have no account manager and get no to-dos.",
                unowned,
            )
        )
    result: dict[str, Any] = {"made": made, "looked": looked, "without_manager": unowned}
    if unowned:
        result["page"] = WITHOUT_MANAGER.format(tiers=",".join(tiers))
    return result


def remind_of_stale(run: Run) -> dict[str, Any]:
    """A to-do and a notice for each owner of stale files, once a month, however many files."""
    day, english = today(), _english_readers()
    with change_set("job") as changes:
        run.hold(changes.session)
        counts = stale.count_by_owner(changes, day)
        made = stale.ask_to_refresh(changes, counts, day, english)
        model: Any = Task
        owners = changes.session.scalars(select(model.owner_id).where(model.id.in_(made))).all()
        for owner in owners:
            message = lazy_ngettext(
                "%(num)s customer file was not refreshed for a month.",
                "%(num)s customer files were not refreshed for a month.",
                counts[owner],
            )
            notices.notify(changes.session, owner, message, stale.list_of(owner, day))
    return {"owners": len(counts), "files": sum(counts.values()), "reminded": len(made)}
