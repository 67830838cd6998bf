"""The schedule: what runs by itself, as one list.

`SCHEDULE` is done by the scheduler itself, each so many seconds. `PLANNED` are jobs at certain times,
rows beside the ones that administrators make: `reconcile` brings the rows in step with the list.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from flask_babel import lazy_gettext as _
from sqlalchemy import select

from app.engine import audit, policy
from app.engine.adapters.database import now, write_transaction
from app.engine.archives import fixity
from app.engine.audit import heads
from app.engine.messages import freeze
from app.engine.schedule import DAILY, MONTHLY, Rule, Schedule, run_due, settle
from jobs import deadlines
from jobs.sweep import sweep


@dataclass(frozen=True)
class Recurring:
    """Something done each so many seconds, and once when the scheduler starts."""

    name: str
    seconds: int
    run: Callable[[], Any]


@dataclass(frozen=True)
class Planned:
    """A job of the system's own, at certain times."""

    name: str
    label: Any
    kind: str
    rule: Rule


SCHEDULE: tuple[Recurring, ...] = (
    Recurring("sweep", 10, sweep),
    Recurring("schedules", 10, run_due),
    Recurring("deadlines", 60, deadlines.remind),
    Recurring("audit_seal", 5, audit.seal),
    Recurring("audit_head", 300, heads.write),
)

PLANNED: tuple[Planned, ...] = (
    Planned("clean_up", _("Clean-up"), "clean_up", Rule(DAILY, at="03:30")),
    Planned("files_sweep", _("Clean-up of files"), "files.sweep", Rule(DAILY, at="03:00")),
    Planned("pool_return", _("Return to the pool"), "pool.return", Rule(DAILY, at="02:30")),
    Planned(
        "contents",
        _("Reading of files by newer readers"),
        "contents.again",
        Rule(DAILY, at="01:30"),
    ),
    Planned("plans", _("To-dos of interaction plans"), "customers.plan", Rule(DAILY, at="05:00")),
    Planned(
        "stale", _("Reminder of files not refreshed"), "customers.stale", Rule(DAILY, at="05:30")
    ),
    Planned(
        "documents", _("Periods and papers of documents"), "documents.due", Rule(DAILY, at="04:00")
    ),
    Planned("evaluation", _("Periodic evaluation"), "evaluation", Rule(MONTHLY, at="04:30", day=1)),
    Planned("fixity", _("Fixity check"), fixity.KIND, Rule(DAILY, at="01:30")),
    Planned("audit_head", _("Head of the audit log, by mail"), heads.KIND, Rule(DAILY, at="06:00")),
)


def reconcile(planned: Iterable[Planned] = PLANNED) -> None:
    """Make the system's schedules those of the list; whether one is paused stays as people left it."""
    wanted = {entry.name: entry for entry in planned}
    with write_transaction() as session:
        rows = session.scalars(select(Schedule).where(Schedule.system_name.is_not(None)))
        there = {str(row.system_name): row for row in rows}
        for name in there.keys() - wanted.keys():
            session.delete(there[name])
        for name, entry in wanted.items():
            row = there.get(name)
            if row is None:
                row = _new(entry)
                session.add(row)
            elif (row.kind, row.rule) == (entry.kind, entry.rule.as_json()):
                continue
            row.kind, row.rule = entry.kind, entry.rule.as_json()
            row.name = freeze(entry.label)
            settle(row)


def _new(entry: Planned) -> Schedule:
    system = policy.SYSTEM_VIEWER.name
    return Schedule(
        system_name=entry.name,
        answers={},
        arguments={},
        active=True,
        owner_name=system,
        language="zh",
        changed_at=now(),
        changed_by=system,
    )
