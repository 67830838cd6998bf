"""Jobs: what is done in the background. A row that people see first, a message to a worker second.

The row commits with the change that asks for it; the queue is told after that. A run claims the
row, and each of its transactions renews the claim, so that of two runs of one job only one has any
effect, whatever died and whatever was sent twice.
"""

from __future__ import annotations

import datetime
import uuid
from collections.abc import Mapping
from typing import Any

from sqlalchemy import BigInteger, Index, Integer, String, event, or_, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from app.engine import policy
from app.engine.adapters import queue
from app.engine.adapters.database import Json, Model, UtcDateTime, db, now, write_transaction
from app.engine.labels import language
from app.engine.messages import freeze

WAITING, RUNNING, DONE, FAILED, CANCELLED = "waiting", "running", "done", "failed", "cancelled"
STATES = (WAITING, RUNNING, DONE, FAILED, CANCELLED)
OVER = (DONE, FAILED, CANCELLED)

LEASE = datetime.timedelta(seconds=120)
"""A run that has not been heard of for so long is taken to be dead."""

MAX_ATTEMPTS = 5
KEPT = datetime.timedelta(days=30)
"""How long rows of finished jobs, and what they made, are kept."""

_TO_SEND = "jobs_to_send"


class JobLost(Exception):
    """This run has no claim on the job any more: cancelled, or another run has taken over."""


class Job(Model):
    """Something to be done in the background, on behalf of the person who asked."""

    __tablename__ = "job"
    __table_args__ = (
        Index("ix_job_state", "state", "heartbeat_at"),
        Index("ix_job_asked_by", "asked_by", "created_at"),
    )

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    kind: Mapped[str] = mapped_column(String(40))
    queue: Mapped[str] = mapped_column(String(20))
    state: Mapped[str] = mapped_column(String(12))
    asked_by: Mapped[int | None] = mapped_column(Integer)
    asked_by_name: Mapped[str] = mapped_column(String(130))
    language: Mapped[str] = mapped_column(String(5))
    title: Mapped[Any] = mapped_column(Json, nullable=True)
    arguments: Mapped[dict[str, Any]] = mapped_column(Json)
    done: Mapped[int] = mapped_column(BigInteger, default=0)
    total: Mapped[int | None] = mapped_column(BigInteger)
    message: Mapped[Any] = mapped_column(Json, nullable=True)
    result: Mapped[dict[str, Any] | None] = mapped_column(Json)
    claim: Mapped[str | None] = mapped_column(String(36))
    attempts: Mapped[int] = mapped_column(Integer, default=0)
    created_at: Mapped[datetime.datetime] = mapped_column(UtcDateTime, index=True)
    started_at: Mapped[datetime.datetime | None] = mapped_column(UtcDateTime)
    heartbeat_at: Mapped[datetime.datetime | None] = mapped_column(UtcDateTime)
    finished_at: Mapped[datetime.datetime | None] = mapped_column(UtcDateTime)
    keep_until: Mapped[datetime.datetime | None] = mapped_column(UtcDateTime, index=True)

    @property
    def over(self) -> bool:
        """Whether nothing more will happen."""
        return self.state in OVER

    @property
    def percent(self) -> int | None:
        """How far it has come; None while that is not known."""
        if self.state == DONE:
            return 100
        return min(99, self.done * 100 // self.total) if self.total else None


def request_job(
    kind: str,
    arguments: Mapping[str, Any],
    queue: str = "default",
    title: Any = None,
    total: int | None = None,
) -> Job:
    """Ask for a job, in the transaction that is under way; the queue is told when it commits.

    `arguments` are JSON; `title` is what people see it called.
    """
    viewer = policy.current_viewer()
    job = Job(
        id=str(uuid.uuid4()),
        kind=kind,
        queue=queue,
        state=WAITING,
        asked_by=viewer.user_id,
        asked_by_name=viewer.name,
        language=language(),
        title=freeze(title),
        arguments=dict(arguments),
        done=0,
        total=total,
        attempts=0,
        created_at=now(),
    )
    with write_transaction() as session:
        session.add(job)
        session.flush()
        send_after_commit(session, job)
    return job


def send_after_commit(session: Session, job: Job) -> None:
    """Tell the queue of the job once the session's transaction has committed."""
    session.info.setdefault(_TO_SEND, []).append((job.id, job.queue))


@event.listens_for(Session, "after_commit")
def _send(session: Session) -> None:
    if session.in_nested_transaction():
        return
    for job_id, name in session.info.pop(_TO_SEND, ()):
        queue.send(job_id, name)


@event.listens_for(Session, "after_rollback")
def _forget(session: Session) -> None:
    session.info.pop(_TO_SEND, None)


class Run:
    """One run of a job, by the process that has claimed it."""

    def __init__(self, job: Job, claim: str) -> None:
        self.job = job
        self.id = job.id
        self.arguments = job.arguments
        self._claim = claim
        self._noted = now()

    def hold(self, session: Session, **values: Any) -> None:
        """Renew the claim inside a transaction; raises JobLost, so that it is rolled back.

        `values`: further columns, such as `done`.
        """
        renewed = session.execute(
            update(Job)
            .where(Job.id == self.id, Job.claim == self._claim, Job.state == RUNNING)
            .values(heartbeat_at=now(), **values),
            execution_options={"synchronize_session": False},
        )
        if getattr(renewed, "rowcount", 0) != 1:
            raise JobLost(self.id)

    def progress(
        self, done: int, total: int | None = None, message: Any = None, every: float = 0.7
    ) -> None:
        """Show how far it has come, at most each `every` seconds. Raises JobLost."""
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

    def finish(
        self, state: str, result: Mapping[str, Any] | None = None, message: Any = None
    ) -> None:
        """End the run. Raises JobLost when somebody else has ended it."""
        values: dict[str, Any] = {"state": state, "finished_at": now(), "claim": None}
        values |= {"keep_until": now() + KEPT, "result": dict(result) if result else None}
        if message is not None:
            values["message"] = freeze(message)
        with write_transaction() as session:
            self.hold(session, **values)


def claim(job_id: str) -> Run | None:
    """Take a waiting job for this process; None when it waits no more."""
    token = str(uuid.uuid4())
    with write_transaction() as session:
        taken = session.execute(
            update(Job)
            .where(Job.id == job_id, Job.state == WAITING)
            .values(
                state=RUNNING,
                claim=token,
                attempts=Job.attempts + 1,
                started_at=now(),
                heartbeat_at=now(),
            ),
            execution_options={"synchronize_session": False},
        )
        if getattr(taken, "rowcount", 0) != 1:
            return None
        job = session.get_one(Job, job_id, populate_existing=True)
    return Run(job, token)


def cancel(job_id: str) -> bool:
    """End a job that is not over; a run of it stops at its next step. Whether there was anything."""
    with write_transaction() as session:
        ended = session.execute(
            update(Job)
            .where(Job.id == job_id, Job.state.in_((WAITING, RUNNING)))
            .values(state=CANCELLED, finished_at=now(), claim=None, keep_until=now() + KEPT),
            execution_options={"synchronize_session": False},
        )
    if not getattr(ended, "rowcount", 0):
        return False
    queue.forget(job_id)
    return True


def retry(job_id: str) -> bool:
    """Let a failed or cancelled job run again, from where it stopped. Whether it will."""
    with write_transaction() as session:
        again = session.execute(
            update(Job)
            .where(Job.id == job_id, Job.state.in_((FAILED, CANCELLED)))
            .values(
                state=WAITING, claim=None, attempts=0, message=None, finished_at=None,
                keep_until=None, heartbeat_at=now(),
            ),
            execution_options={"synchronize_session": False},
        )  # fmt: skip
        if not getattr(again, "rowcount", 0):
            return False
        job = session.get_one(Job, job_id, populate_existing=True)
    queue.send_again(job.id, job.queue, abandoned=True)
    return True


def free_dead_runs() -> int:
    """Let jobs whose run is dead wait again, or fail after too many; how many there were."""
    overdue = (Job.state == RUNNING) & or_(
        Job.heartbeat_at.is_(None), Job.heartbeat_at < now() - LEASE
    )
    with write_transaction() as session:
        failed = session.execute(
            update(Job)
            .where(overdue, Job.attempts >= MAX_ATTEMPTS)
            .values(
                state=FAILED, claim=None, finished_at=now(), keep_until=now() + KEPT,
                message=freeze(_died()),
            ),
            execution_options={"synchronize_session": False},
        )  # fmt: skip
        freed = session.execute(
            update(Job).where(overdue).values(state=WAITING, claim=None, heartbeat_at=now()),
            execution_options={"synchronize_session": False},
        )
    return int(getattr(failed, "rowcount", 0)) + int(getattr(freed, "rowcount", 0))


def _died() -> Any:
    from flask_babel import lazy_gettext as _

    return _("The worker died each time it was tried.")


def waiting(limit: int = 1000) -> list[Job]:
    """Jobs that wait, oldest first."""
    return list(
        db.session.scalars(
            select(Job).where(Job.state == WAITING).order_by(Job.created_at).limit(limit)
        )
    )
