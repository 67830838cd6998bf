"""What workers run: each kind of job by its name, and the one function that the queue calls."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from typing import Any

from flask import current_app
from flask_babel import force_locale
from flask_babel import lazy_gettext as _
from sqlalchemy.exc import DBAPIError

from app.engine import audit, policy, registry
from app.engine.adapters.database import db
from app.engine.adapters.disk import DiskFull, full_disk
from app.engine.errors import NotAllowed, StewardError, TryLater
from app.engine.job import DONE, FAILED, JobKind, JobLost, Run, claim, kind_of
from app.engine.job.faults import passing, said
from app.engine.job.watch import OutOfTime, alive, at_most
from app.engine.job_words import duration
from app.engine.messages import freeze_error

Work = Callable[[Run], Mapping[str, Any] | None]
"""Does the job; its answer becomes the job's result. It can be run again from any point."""

_PAUSES = (0.2, 1.0, 3.0)
"""Seconds between tries to write down how a run has ended, while the database is away."""

log = logging.getLogger(__name__)


def kinds() -> Mapping[str, Work]:
    """Every kind of job. Looking up an unknown one raises."""
    from app.engine import indexing
    from app.engine.archives import fixity
    from app.engine.audit import heads
    from jobs import (
        archiving,
        audit_log,
        bulk,
        clean_up,
        contents,
        demo,
        documents,
        evaluation,
        exports,
        files,
        handover,
        imports,
        mail,
        password_link,
        personal,
        plans,
        pool,
        search,
        survey,
        undo,
    )  # fmt: skip

    return {
        "archive.collect": archiving.collect,
        "archive.dissolve": archiving.dissolve,
        "archive.seal": archiving.seal,
        fixity.KIND: fixity.run,
        "audit.export": audit_log.export,
        "bulk": bulk.run,
        "clean_up": clean_up.run,
        "contents.again": contents.again,
        "contents.draw": contents.draw,
        "contents.read": contents.read,
        "demo.remove": demo.remove,
        "documents.due": documents.run,
        "evaluation": evaluation.run,
        "files.sweep": files.sweep,
        "handover": handover.run,
        "import.check": imports.check,
        "import.run": imports.run,
        "export": exports.run,
        "export.scheduled": exports.scheduled,
        "mail": mail.run,
        "password_link": password_link.run,
        "personal.erase": personal.erase,
        "personal.report": personal.report,
        "customers.plan": plans.make_tasks,
        "customers.stale": plans.remind_of_stale,
        "pool.return": pool.return_idle,
        "survey": survey.run,
        "undo": undo.run,
        indexing.KIND: search.rebuild,
        heads.KIND: heads.mail,
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
    app = current_app._get_current_object()  # type: ignore[attr-defined]
    with (
        force_locale(job.language),
        policy.acting_as(viewer),
        alive(app, run),
        audit.at_door("job"),
    ):
        try:
            _work(run, kind_of(job.kind))
        except JobLost:
            db.session.rollback()
            log.info("job %s was cancelled or taken over", run.id)
        finally:
            db.session.remove()


def _work(run: Run, kind: JobKind) -> None:
    try:
        with at_most(kind.limit):
            result = kinds()[kind.name](run)
    except JobLost:
        raise
    except OutOfTime:
        _fail(run, _too_long(kind))
    except TryLater as error:
        db.session.rollback()
        _end(run.postpone, error.message, kind.attempts)
    except StewardError as error:
        _fail(run, freeze_error(error))
        if isinstance(error, NotAllowed):
            audit.record("denied", details={"job": run.id, "kind": kind.name})
    except (DBAPIError, OSError) as error:
        log.exception("job %s was interrupted", run.id)
        _fault(run, kind, error)
    except Exception:
        log.exception("job %s failed", run.id)
        _fail(run, _unexpected(run))
        raise
    else:
        _end(run.finish, DONE, result)


def _fault(run: Run, kind: JobKind, error: DBAPIError | OSError) -> None:
    """What passes by itself is tried again after a while; the rest fails, and says why."""
    why = passing(error)
    if why is not None:
        db.session.rollback()
        _end(run.postpone, why, kind.attempts)
    elif full_disk(error):
        _fail(run, DiskFull().message)
    elif isinstance(error, OSError):
        _fail(run, _("A file could not be written or read: %(why)s.", why=said(error)))
    else:
        _fail(run, _unexpected(run))


def _fail(run: Run, message: Any) -> None:
    db.session.rollback()
    _end(run.finish, FAILED, message=message)


def _end(note: Callable[..., None], *arguments: Any, **named: Any) -> None:
    """Write down how the run has ended; again while the database is away for a moment.

    Where it stays away the row stays claimed, until the sweep finds that its run is dead.
    """
    for pause in (*_PAUSES, None):
        try:
            note(*arguments, **named)
        except DBAPIError as error:
            db.session.rollback()
            if passing(error) is None or pause is None:
                raise
            time.sleep(pause)
        else:
            return


def _too_long(kind: JobKind) -> Any:
    return _(
        "It took longer than %(limit)s and was stopped. What it has done so far stays. Retry it, or "
        "ask for less at a time.",
        limit=duration(kind.limit),
    )


def _unexpected(run: Run) -> Any:
    """With the number by which the log calls it."""
    return _(
        "An unexpected error. Retry it; if it fails again, tell an administrator the number of "
        "this job: %(number)s. The log says more.",
        number=run.id,
    )
