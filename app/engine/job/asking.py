"""Asking for jobs: the row commits with the change that asks, the queue is told after that."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from sqlalchemy import event
from sqlalchemy.orm import Session

from app.engine import policy
from app.engine.adapters import queue as queues
from app.engine.adapters.database import now, write_transaction
from app.engine.job.models import WAITING, Job
from app.engine.labels import language
from app.engine.messages import freeze

_TO_SEND = "jobs_to_send"


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
        furthest=0,
        resumed_from=0,
        attempts=0,
        created_at=now(),
    )
    with write_transaction() as session:
        session.add(job)
        session.flush()
        send_after_commit(session, job)
    return job


def request_again(job: Job) -> Job:
    """Ask for the same once more, for the viewer: a job of its own."""
    return request_job(job.kind, job.arguments, job.queue, job.title, job.total)


def send_after_commit(session: Session, job: Job) -> None:
    """Tell the queue of the job once the session's transaction has committed."""
    session.info.setdefault(_TO_SEND, []).append((job.id, job.queue))


@event.listens_for(Session, "after_commit")
def _send(session: Session) -> None:
    if session.in_nested_transaction():
        return
    for job_id, name in session.info.pop(_TO_SEND, ()):
        queues.send(job_id, name)


@event.listens_for(Session, "after_rollback")
def _forget(session: Session) -> None:
    session.info.pop(_TO_SEND, None)
