"""A run: one process doing one job. It holds the claim, and every transaction of it renews that."""

from __future__ import annotations

import datetime
import uuid
from collections.abc import Callable, Mapping
from typing import Any

from flask_babel import lazy_gettext as _
from sqlalchemy import case, or_, select, update
from sqlalchemy.orm import Session

from app.engine.adapters.database import now, write_transaction
from app.engine.job import runner
from app.engine.job.models import (
    DONE,
    ERROR,
    FAILED,
    INFO,
    KEPT,
    RUNNING,
    WAITING,
    WARNING,
    Job,
    JobLine,
)
from app.engine.job.telling import tell
from app.engine.messages import freeze

MOST_LINES = 500
"""A run writes no more lines into its job's log than these."""

FIRST_PAUSE = datetime.timedelta(seconds=5)
LONGEST_PAUSE = datetime.timedelta(minutes=10)
_PAUSE_GROWS_BY = 4


class JobLost(Exception):
    """This run has no claim on the job any more: cancelled, or another run has taken over."""


class Run:
    """One run of a job, by the process that has claimed it."""

    def __init__(self, job: Job, claim: str) -> None:
        self.job = job
        self.id = job.id
        self.arguments = job.arguments
        self.lost = False
        self._claim = claim
        self._noted = now()
        self._lines: list[JobLine] = []
        self._written = 0
        self._following: list[Callable[[Session, Job], None]] = []

    def hold(self, session: Session, **values: Any) -> None:
        """Renew the claim inside a transaction; raises JobLost, so that it is rolled back.

        First thing in a transaction it keeps every other run of the job out until the end of it.
        `values`: further columns, such as `done`.
        """
        if "done" in values:
            further = Job.furthest < values["done"]
            values["furthest"] = case((further, values["done"]), else_=Job.furthest)
            values["attempts"] = case((further, 1), else_=Job.attempts)
        self.renew(session, **values)
        session.add_all(self._lines)
        self._lines = []

    def renew(self, session: Session, **values: Any) -> None:
        """The claim alone; may be called from another thread. Raises JobLost."""
        renewed = session.execute(
            update(Job)
            .where(Job.id == self.id, Job.claim == self._claim, Job.state == RUNNING)
            .values(heartbeat_at=now(), **values),
            execution_options={"synchronize_session": False},
        )
        if getattr(renewed, "rowcount", 0) != 1:
            self.lost = True
            raise JobLost(self.id)

    def progress(
        self, done: int, total: int | None = None, message: Any = None, every: float = 0.7
    ) -> None:
        """Show how far it has come, at most each `every` seconds. Raises JobLost."""
        if self.lost:
            raise JobLost(self.id)
        moment = now()
        if (moment - self._noted).total_seconds() < every:
            return
        self._noted = moment
        values: dict[str, Any] = {"done": done}
        if total is not None:
            values["total"] = total
        if message is not None:
            values["message"] = freeze(message)
        with write_transaction() as session:
            self.hold(session, **values)

    def log(self, message: Any, level: str = INFO) -> None:
        """Put a line into the job's log, where people read it in their language.

        It is written with the next progress or at the end; undone with the transaction that holds it.
        """
        if self._written >= MOST_LINES:
            return
        self._written += 1
        if self._written == MOST_LINES:
            message, level = _("Further lines are left out."), WARNING
        self._lines.append(line(self.id, message, level))

    def then(self, following: Callable[[Session, Job], None]) -> None:
        """Have this done in the transaction that ends the run, if it ends well: once or not at all."""
        self._following.append(following)

    def finish(
        self, state: str, result: Mapping[str, Any] | None = None, message: Any = None
    ) -> None:
        """End the run. Raises JobLost when somebody else has ended it."""
        values: dict[str, Any] = {"state": state, "finished_at": now(), "claim": None}
        values |= {"keep_until": now() + KEPT, "runner": None, "due_at": None}
        if result or state == DONE:  # else what the run has noted there stays, for a retry
            values["result"] = dict(result) if result else None
        if state == DONE:
            self.log(_("Done."))
            values["message"] = None
        if message is not None:
            values["message"] = freeze(message)
            self.log(message, ERROR if state == FAILED else INFO)
        with write_transaction() as session:
            self.hold(session, **values)
            job = session.get_one(Job, self.id, populate_existing=True)
            if state == DONE:
                for following in self._following:
                    following(session, job)
            tell(session, job, state, message)

    def postpone(self, why: Any, attempts: int) -> None:
        """Let it be tried again after a while, longer each time; fail after so many attempts.

        Raises JobLost.
        """
        begun = self._attempts()
        if begun >= attempts:
            self.finish(FAILED, message=why)
            return
        pause = min(FIRST_PAUSE * _PAUSE_GROWS_BY ** (begun - 1), LONGEST_PAUSE)
        self.log(why, WARNING)
        with write_transaction() as session:
            self.hold(
                session,
                state=WAITING,
                claim=None,
                runner=None,
                due_at=now() + pause,
                message=freeze(why),
            )

    def _attempts(self) -> int:
        """As the row counts them: a run that got further has begun to count anew."""
        with write_transaction() as session:
            self.hold(session)
            return int(session.scalar(select(Job.attempts).where(Job.id == self.id)) or 1)


def line(job_id: str, message: Any, level: str = INFO) -> JobLine:
    """A line for a job's log, not stored yet."""
    return JobLine(job_id=job_id, at=now(), level=level, message=freeze(message))


def claim(job_id: str) -> Run | None:
    """Take a waiting job for this process; None when it waits no more, or not yet."""
    token = str(uuid.uuid4())
    moment = now()
    with write_transaction() as session:
        taken = session.execute(
            update(Job)
            .where(
                Job.id == job_id,
                Job.state == WAITING,
                or_(Job.due_at.is_(None), Job.due_at <= moment),
            )
            .values(
                state=RUNNING,
                claim=token,
                runner=runner.mark(),
                attempts=Job.attempts + 1,
                resumed_from=Job.done,
                started_at=moment,
                heartbeat_at=moment,
                due_at=None,
                message=None,
            ),
            execution_options={"synchronize_session": False},
        )
        if getattr(taken, "rowcount", 0) != 1:
            return None
        job = session.get_one(Job, job_id, populate_existing=True)
        begun = _("Started.") if job.attempts == 1 and not job.done else _("Started again.")
        session.add(line(job_id, begun))
    return Run(job, token)
