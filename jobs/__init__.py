"""What workers run: each kind of job by its name, and the one function that the queue calls."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Any

from flask_babel import force_locale
from flask_babel import lazy_gettext as _
from sqlalchemy.exc import OperationalError

from app.engine import policy, registry
from app.engine.adapters.database import db
from app.engine.errors import StewardError
from app.engine.job import DONE, FAILED, JobLost, Run, claim
from app.engine.messages import freeze_error

Work = Callable[[Run], Mapping[str, Any] | None]
"""Does the job; its answer becomes the job's result. It can be run again from any point."""

log = logging.getLogger(__name__)


def kinds() -> Mapping[str, Work]:
    """Every kind of job. Looking up an unknown one raises."""
    from jobs import exports, imports, undo

    return {
        "import.check": imports.check,
        "import.run": imports.run,
        "export": exports.run,
        "export.scheduled": exports.scheduled,
        "undo": undo.run,
    }


def run_job(job_id: str) -> None:
    """Run the job whose row has this id, if it still waits, with the rights its asker has now."""
    run = claim(job_id)
    if run is None:
        return
    job = run.job
    numbers = registry.versions()
    registry.refresh(numbers)
    policy.refresh_rights(numbers)
    viewer = policy.SYSTEM_VIEWER if job.asked_by is None else policy.viewer_by_id(job.asked_by)
    with force_locale(job.language), policy.acting_as(viewer):
        try:
            _work(run, job.kind)
        except JobLost:
            db.session.rollback()
            log.info("job %s was cancelled or taken over", run.id)
        finally:
            db.session.remove()


def _work(run: Run, kind: str) -> None:
    try:
        result = kinds()[kind](run)
    except JobLost:
        raise
    except StewardError as error:
        db.session.rollback()
        run.finish(FAILED, message=freeze_error(error))
    except OperationalError:
        # The database will be back: the row stays claimed, its lease runs out, it runs again.
        db.session.rollback()
        log.exception("job %s was interrupted and will be tried again", run.id)
    except OSError as error:
        db.session.rollback()
        log.exception("job %s failed", run.id)
        run.finish(FAILED, message=_("A file could not be written or read: %(why)s.",
                                     why=error.strerror or str(error)))  # fmt: skip
    except Exception:
        db.session.rollback()
        log.exception("job %s failed", run.id)
        run.finish(FAILED, message=_("An unexpected error; it was written to the log."))
        raise
    else:
        run.finish(DONE, result)
