"""The sweep: what the queue forgot is sent again, what a dead run held is freed.

Run each ten seconds, at the scheduler's start and at each worker's, by any number of them: every
step is one conditional statement, so that two sweeps at once do what one does.
"""

from __future__ import annotations

import datetime
import logging

import redis

from app.engine.adapters import queue
from app.engine.adapters.database import db, now
from app.engine.job import LEASE, free_dead_runs, waiting

SENT_WITHIN = datetime.timedelta(seconds=5)
"""A job younger than this was most likely sent a moment ago."""

log = logging.getLogger(__name__)


def sweep() -> dict[str, int]:
    """Set right what is amiss; how many jobs were freed and how many sent again."""
    freed = free_dead_runs()
    return {"freed": freed, "sent": _send_forgotten()}


def _send_forgotten() -> int:
    sent = 0
    moment = now()
    for job in waiting():
        since = job.heartbeat_at or job.created_at
        if moment - since < SENT_WITHIN and job.attempts == 0:
            continue
        abandoned = job.attempts > 0 or moment - since > LEASE
        try:
            sent += queue.send_again(job.id, job.queue, abandoned=abandoned)
        except (redis.RedisError, OSError) as error:
            log.warning("the queue does not answer (%s); jobs wait", type(error).__name__)
            break
    db.session.rollback()
    return sent
