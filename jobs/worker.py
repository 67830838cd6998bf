"""The worker's entry: one process that runs jobs, each in a fork of its own.

A fork keeps a job's memory, connections and crashes to itself, can be stopped while it runs, and costs some 20 ms.
"""

from __future__ import annotations

import gc
import logging
import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

from flask import Flask
from redis import Redis
from redis.exceptions import RedisError
from rq import Queue, Worker, worker_registration
from rq.job import Job
from sqlalchemy.exc import SQLAlchemyError

from app.engine import policy
from app.engine.adapters import leash, logs
from app.engine.adapters.database import db
from app.engine.adapters.queue import QUEUES, URGENT
from app.engine.search import load_dictionary
from config import Settings
from jobs.sweep import sweep

if TYPE_CHECKING:
    from redis.client import Pipeline

log = logging.getLogger(__name__)

HEARTBEAT_SECONDS = 15
TAKEN_FOR_DEAD_AFTER = 3 * HEARTBEAT_SECONDS
CONNECT_SECONDS = 5

STEPS_BACK = 10
"""How much long work stands back for everything else where processors are few; see nice(2)."""


class StewardWorker(Worker):
    """An RQ worker that works in the application's context and registers again when the queue forgot it."""

    app: Flask
    # A queue that was restarted is back within a second; waiting longer and longer for it serves nobody.
    exponential_backoff_factor = 1.5
    max_connection_wait_time = 5

    def main_work_horse(self, job: Job, queue: Queue) -> None:
        """In the fork: end with the worker, share no connection with it, run the job."""
        leash.bind(self.pid or os.getppid())
        if queue.name not in URGENT:
            os.nice(STEPS_BACK)
        with self.app.app_context():
            db.engine.dispose(close=False)
            super().main_work_horse(job, queue)

    def heartbeat(self, timeout: int | None = None, pipeline: Pipeline | None = None) -> None:
        """Say that we live; with the whole registration if the queue was emptied since.

        RQ would let a dead worker count for more than a minute.
        """
        super().heartbeat(TAKEN_FOR_DEAD_AFTER, pipeline)
        if pipeline is None and not self.connection.hexists(self.key, "birth"):
            self.connection.hset(self.key, mapping=self.serialize())
        worker_registration.register(self, pipeline)


def run_urgent(app: Flask) -> int:
    """Work off what people wait for, and never what runs long, so that there is always a place for it."""
    return run(app, URGENT)


def run(app: Flask, queues: Sequence[str] = QUEUES) -> int:
    """Work until told to stop, the first queue's jobs first; returns the exit code."""
    logs.begin(app.config["STEWARD"])
    load_dictionary()  # of pinyin: once, before the forks, which share it
    _take_up(app)
    gc.collect()
    gc.freeze()  # what is here now stays shared: the forks' collectors do not touch it
    settings: Settings = app.config["STEWARD"]
    connection = Redis.from_url(settings.redis_url or "", socket_connect_timeout=CONNECT_SECONDS)
    worker = StewardWorker(
        list(queues),
        connection=connection,
        worker_ttl=2 * HEARTBEAT_SECONDS,  # RQ waits for jobs, and beats, in steps of this less 15
        job_monitoring_interval=HEARTBEAT_SECONDS,
    )
    worker.app = app
    worker.log_job_description = False  # arguments may be personal
    worker.work(logging_level="WARNING")
    return 0


def _take_up(app: Flask) -> None:
    """Free what a worker before us left when it died, without waiting for the next sweep."""
    try:
        with app.app_context(), policy.acting_as(policy.SYSTEM_VIEWER):
            sweep()
            db.session.remove()
            db.engine.dispose()  # the forks open connections of their own
    except (SQLAlchemyError, RedisError):
        log.warning("the sweep at the worker's start failed", exc_info=True)
