"""The queue: RQ on Redis or Valkey. The only place that knows RQ, beside the worker itself.

The queue is a way to wake workers, not a place where anything is kept: a job's row in the database
is the truth, the queue holds its id, and what the queue forgot is sent again (see `jobs.sweep`).
"""

from __future__ import annotations

import logging
import os
from typing import Any

import redis
from flask import Flask, current_app
from rq import Queue
from rq.exceptions import DuplicateJobError, InvalidJobOperation, NoSuchJobError
from rq.job import Job as Message
from rq.job import JobStatus
from rq.worker_registration import REDIS_WORKER_KEYS

QUEUES = ("interactive", "default", "bulk")
"""By urgency: a person waits for the first; the last is for what runs long."""

URGENT = QUEUES[:-1]
"""What a worker that never runs long work takes from."""

ENTRY = "jobs.run_job"
"""What a worker calls, with the job's id."""

_ANSWER_SECONDS = 5.0
_LONGEST_RUN = 24 * 3600
_OVER = (JobStatus.FINISHED, JobStatus.FAILED, JobStatus.STOPPED, JobStatus.CANCELED)

log = logging.getLogger(__name__)


class NoQueue(redis.ConnectionError):
    """No address of a queue is known: neither REDIS_URL nor a running embedded queue."""


def init(app: Flask) -> None:
    """Note the application's queue; nothing is connected yet."""
    app.extensions["steward.queue"] = {}


def connection() -> redis.Redis:
    """This process's connection. Raises NoQueue (a redis.ConnectionError) without an address."""
    known: dict[int, redis.Redis] = current_app.extensions["steward.queue"]
    process = os.getpid()
    if process not in known:
        settings: Any = current_app.config["STEWARD"]
        if not settings.redis_url:
            raise NoQueue("no queue is known: set REDIS_URL, or start run.py")
        known.clear()
        known[process] = redis.Redis.from_url(
            settings.redis_url,
            socket_connect_timeout=_ANSWER_SECONDS,
            socket_timeout=_ANSWER_SECONDS,
        )
    return known[process]


def send(job_id: str, queue: str) -> bool:
    """Put a job's id into its queue, once; whether it is there. False when the queue is silent."""
    try:
        _queue(queue).enqueue(
            ENTRY,
            args=(job_id,),
            job_id=job_id,
            unique=True,
            job_timeout=_LONGEST_RUN,
            result_ttl=0,
            failure_ttl=_LONGEST_RUN,
            description=job_id,
        )
    except DuplicateJobError:
        return True
    except (redis.RedisError, OSError) as error:
        log.warning("job %s waits for the queue to answer (%s)", job_id, type(error).__name__)
        return False
    return True


def send_again(job_id: str, queue: str, abandoned: bool = False) -> bool:
    """Send a job that should be waiting; whether it had to be put into the queue again.

    `abandoned`: what the queue takes for a run of it is known to be dead.
    """
    try:
        message = Message.fetch(job_id, connection=connection())
        status = message.get_status()
        if status == JobStatus.QUEUED:
            if connection().lpos(_queue(queue).key, job_id) is not None:
                return False
        elif status not in _OVER and not abandoned:
            return False
        _take_out(message)
    except (NoSuchJobError, InvalidJobOperation):
        log.debug("job %s is not in the queue, or another sweep has just taken it out", job_id)
    return send(job_id, queue)


def forget(job_id: str) -> None:
    """Take a job out of the queue. A worker that has it already learns from the row."""
    try:
        _take_out(Message.fetch(job_id, connection=connection()))
    except (NoSuchJobError, InvalidJobOperation):
        return
    except (redis.RedisError, OSError) as error:
        log.warning("job %s stays in the queue (%s)", job_id, type(error).__name__)


def _take_out(message: Message) -> None:
    try:
        message.delete()
    except ValueError:
        # What RQ noted of a dead worker's run is gone before the run is off the job's list of runs,
        # which RQ 3.0 does not expect.
        connection().delete(message.execution_registry.key)
        message.delete()


def live_workers() -> int:
    """How many workers have said lately that they live."""
    here = connection()
    keys = list(here.smembers(REDIS_WORKER_KEYS))
    return int(here.exists(*keys)) if keys else 0


def lengths() -> dict[str, int]:
    """How many jobs wait in each queue."""
    return {name: _queue(name).count for name in QUEUES}


def _queue(name: str) -> Queue:
    if name not in QUEUES:
        raise ValueError(f"no such queue: {name}")
    return Queue(name, connection=connection())
