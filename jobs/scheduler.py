"""The scheduler's entry: one process that does what the schedule lists, when it is due.

Any number of them may run: everything on the schedule can be done twice at once, and what is due at
a certain time is done by the first that finds it.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable

from flask import Flask
from sqlalchemy.exc import SQLAlchemyError

from app.engine import policy, registry
from app.engine.adapters import logs
from app.engine.adapters.database import db
from jobs.schedule import SCHEDULE, Recurring, reconcile

log = logging.getLogger(__name__)


def run(app: Flask) -> int:
    """Work off the schedule until told to stop."""
    logs.begin(app.config["STEWARD"])
    with app.app_context(), policy.acting_as(policy.SYSTEM_VIEWER):
        try:
            reconcile()
        except SQLAlchemyError:
            log.warning("the system's schedules were left as they are", exc_info=True)
        db.session.remove()
    due = {entry.name: time.monotonic() for entry in SCHEDULE}
    while True:
        with app.app_context():
            do_what_is_due(SCHEDULE, due)
        time.sleep(max(0.0, min(due.values()) - time.monotonic()))


def do_what_is_due(schedule: Iterable[Recurring], due: dict[str, float]) -> None:
    """Run every entry whose time has come, and note when it comes again.

    One that fails is logged and tried again at its next time; it keeps no other from running.
    """
    for entry in schedule:
        if due[entry.name] > time.monotonic():
            continue
        try:
            with policy.acting_as(policy.SYSTEM_VIEWER):
                numbers = registry.versions()
                registry.refresh(numbers)
                policy.refresh_rights(numbers)
                entry.run()
        except Exception:
            log.exception("%s failed; it runs again in %d s", entry.name, entry.seconds)
            db.session.rollback()
        finally:
            db.session.remove()
            due[entry.name] = time.monotonic() + entry.seconds
