"""What keeps an eye on a run while it works: a sign of life, and an end to its time."""

from __future__ import annotations

import contextlib
import datetime
import logging
import signal
import threading
from collections.abc import Iterator
from typing import Any

from flask import Flask
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from app.engine.adapters.beside import BEAT
from app.engine.adapters.database import db, write_transaction
from app.engine.job.run import JobLost, Run

BEAT_SECONDS = 20.0
"""A good deal shorter than the lease."""

log = logging.getLogger(__name__)


class OutOfTime(BaseException):
    """The run has taken longer than its kind may. No `except Exception` of a job's own stops it."""


@contextlib.contextmanager
def alive(app: Flask, run: Run, every: float = BEAT_SECONDS) -> Iterator[None]:
    """Renew the claim from a thread of its own, however long one step of the job takes.

    When the claim is gone the run learns it at its next progress.
    """
    over = threading.Event()
    thread = threading.Thread(target=_beat, args=(app, run, every, over), name=BEAT, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def _beat(app: Flask, run: Run, every: float, over: threading.Event) -> None:
    while not over.wait(every):
        try:
            with app.app_context(), Session(db.engine) as session, write_transaction(session):
                run.renew(session)
        except JobLost:
            return
        except SQLAlchemyError:
            log.warning("job %s: its sign of life could not be written", run.id, exc_info=True)


@contextlib.contextmanager
def at_most(limit: datetime.timedelta) -> Iterator[None]:
    """End the block by OutOfTime after so long. In the main thread only: there alone it can be done."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def end(_number: int, _frame: Any) -> None:
        raise OutOfTime

    before = signal.signal(signal.SIGALRM, end)
    signal.setitimer(signal.ITIMER_REAL, limit.total_seconds())
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
