"""Carrying an order out: at once, or by a job in batches that each commit with where they have come to."""

from __future__ import annotations

import datetime
import time
from collections.abc import Sequence
from typing import Any

from flask_babel import lazy_gettext as _

from app.engine.adapters.database import db, dialect_name, write_transaction
from app.engine.bulk.order import Order
from app.engine.bulk.tally import Tally, frozen_words
from app.engine.changes import change_set
from app.engine.job import WARNING, Job, JobKind, Run, declare, request_job
from app.engine.messages import thaw

BULK = declare(
    JobKind("bulk", _("Several at once"), queue="bulk", limit=datetime.timedelta(hours=12))
)

DOOR = "bulk"
_PAUSE_SECONDS = 0.01
"""Between batches on SQLite, whose one writer others wait for."""


def run_now(order: Order) -> tuple[Tally, int | None]:
    """Do it in one transaction; what came of it, and the change set if anything was changed."""
    tally = Tally()
    with change_set(DOOR, _reason(order)) as changes:
        for batch in order.act.batches(order.selection):
            tally.add(order.act.take(changes, batch, order.since))
    _count_gone(tally, order)
    return tally, changes.id if tally.changed else None


def ask(order: Order, title: Any) -> Job:
    """Leave it to a job."""
    return request_job(
        BULK.name, order.as_json(), queue=BULK.queue, title=title, total=order.expected
    )


def _reason(order: Order) -> str:
    return str(order.act.title())


def _count_gone(tally: Tally, order: Order) -> None:
    """What the preview counted and is not there any more, or not as it was."""
    if order.expected is not None:
        tally.skipped += max(0, order.expected - tally.total)


class Runner:
    """One run of a job; goes on where the one before has stopped."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._order = Order.from_json(run.arguments)
        state = run.job.result or {}
        self._tally = Tally.from_json(state["tally"]) if state else Tally()
        self._position = int(state.get("position", 0))
        self._change_set: int | None = state.get("change_set")

    def run(self) -> dict[str, Any]:
        """Do the rest; what came of it all."""
        for batch in self._order.act.batches(self._order.selection, self._position):
            self._take(batch)
            if dialect_name() == "sqlite":
                time.sleep(_PAUSE_SECONDS)
        self._close()
        _count_gone(self._tally, self._order)
        self._run.log(frozen_words(self._tally))
        return self._state()

    def _take(self, batch: Sequence[Any]) -> None:
        """One batch, one transaction of the change set."""
        order = self._order
        try:
            with write_transaction() as session:
                self._run.hold(session)
                with change_set(
                    DOOR, _reason(order), change_set_id=self._change_set, last=False
                ) as changes:
                    found = order.act.take(changes, batch, order.since)
                self._tally.add(found)
                self._tell(found)
                self._position = order.act.mark(batch)
                self._change_set = changes.id
                self._run.hold(session, done=self._tally.total, result=self._state())
        finally:
            db.session().expunge_all()

    def _tell(self, found: Tally) -> None:
        for reason in found.reasons:
            self._run.log(
                _("“%(name)s”: %(why)s", name=reason["name"], why=thaw(reason["why"])), WARNING
            )

    def _close(self) -> None:
        """The change set is whole."""
        with write_transaction() as session:
            self._run.hold(session)
            if self._change_set is not None:
                with change_set(DOOR, change_set_id=self._change_set):
                    pass

    def _state(self) -> dict[str, Any]:
        return {
            "tally": self._tally.as_json(),
            "position": self._position,
            "change_set": self._change_set,
        }
