"""Jobs: what is done in the background. A row that people see first, a message to a worker second.

The row commits with the change that asks for it; the queue is told after that. A run claims the
row, and each of its transactions renews the claim, so that of two runs of one job only one has any
effect, whatever died and whatever was sent twice.
"""

from app.engine.job.asking import request_again, request_job, send_after_commit
from app.engine.job.kinds import Argument, JobKind, Plan, declare, declared, kind_of
from app.engine.job.models import (
    CANCELLED,
    DONE,
    ERROR,
    FAILED,
    INFO,
    KEPT,
    LEVELS,
    OVER,
    RUNNING,
    STATES,
    WAITING,
    WARNING,
    Job,
    JobLine,
)
from app.engine.job.moves import LEASE, cancel, free_dead_runs, retry, waiting
from app.engine.job.run import JobLost, Run, claim

MAX_ATTEMPTS = JobKind.attempts
"""How often a run is begun that gets no further, unless the kind says otherwise."""

__all__ = [
    "CANCELLED", "DONE", "ERROR", "FAILED", "INFO", "KEPT", "LEASE", "LEVELS", "MAX_ATTEMPTS",
    "OVER", "RUNNING", "STATES", "WAITING", "WARNING", "Argument", "Job", "JobKind", "JobLine",
    "JobLost", "Plan", "Run", "cancel", "claim", "declare", "declared", "free_dead_runs",
    "kind_of", "request_again", "request_job", "retry", "send_after_commit", "waiting",
]  # fmt: skip
