"""The job centre: who asked for what, how far it has come, what was said on the way, what came of it."""

from __future__ import annotations

import datetime
from typing import Any

from flask import Flask, abort, redirect, render_template, request, send_file
from flask_babel import gettext, ngettext
from flask_babel import lazy_gettext as _
from sqlalchemy import Select, func, or_, select, tuple_
from werkzeug.wrappers import Response

from app.engine import attention, audit, notices, policy
from app.engine.adapters.appbuilder.views import Pages, expose, page
from app.engine.adapters.database import db, now
from app.engine.adapters.storage import store
from app.engine.adapters.web import safe_next, toast
from app.engine.addresses import with_query
from app.engine.errors import NotFound
from app.engine.job import (
    CANCELLED,
    DONE,
    FAILED,
    RUNNING,
    WAITING,
    Job,
    JobLine,
    cancel,
    kind_of,
    request_again,
    retry,
)
from app.engine.job_files import may_have, recipients
from app.engine.job_words import STATES, described, described_line, duration, taken

_PAGE = 50
_LINES = 500
TABLE = "job-table"
"""The id of the part of the list that is fetched again while something runs."""

UNFINISHED = "unfinished"
_WANTED = {
    UNFINISHED: (WAITING, RUNNING),
    DONE: (DONE,),
    FAILED: (FAILED,),
    CANCELLED: (CANCELLED,),
}
"""What the list can be narrowed to, by the word in its address."""


class JobPages(Pages):
    """/jobs/ and each job."""

    @expose("/jobs/")
    @page()
    def jobs(self) -> str:
        """One's own jobs, newest first; everybody's for those who run the system."""
        mine = not _sees_all() or request.args.get("whose") == "mine"
        state = request.args.get("state", "")
        state = state if state in _WANTED else ""
        found, following = _page_of(_narrowed(mine, state))
        context = {
            "jobs": [described(job) for job in found],
            "here": _address(mine, state, before=request.args.get("before", "")),
            "next": _address(mine, state, before=found[-1].id) if following else None,
            "previous": _address(mine, state) if request.args.get("before") else None,
            "moving": any(not job.over for job in found),
            "everybody": not mine,
            "narrowed": bool(state),
        }
        if request.headers.get("HX-Target") == TABLE:
            return render_template("jobs/_table.html", **context)
        return render_template(
            "jobs/jobs.html",
            **context,
            tabs=_tabs(mine, state) if _sees_all() else [],
            states=_choices(),
            state=state,
            whose=request.args.get("whose", ""),
        )

    @expose("/jobs/<job_id>")
    @page()
    def job(self, job_id: str) -> str:
        """One job."""
        job = _found(job_id)
        kind = kind_of(job.kind)
        mine = _is_mine(job)
        if job.over and mine:
            notices.seen(request.path)
        return render_template(
            "jobs/job.html",
            job=described(job),
            url=f"/jobs/{job.id}/status",
            result=job.result or {},
            target=job.arguments.get("page"),
            mine=mine,
            may_change=mine or policy.current_viewer().can(policy.SYSTEM, "update"),
            may_repeat=mine and kind.repeatable,
            lines=_lines(job),
            taken=taken(job),
            limit=duration(kind.limit),
        )

    @expose("/jobs/<job_id>/status")
    @page()
    def status(self, job_id: str) -> Any:
        """The moving bar and the log; once the job is over, the whole page again."""
        job = _found(job_id)
        if job.over:
            return Response(headers={"HX-Refresh": "true"})
        return render_template(
            "jobs/_status.html",
            job=described(job),
            url=f"/jobs/{job.id}/status",
            lines=_lines(job),
            swapped=True,
        )

    @expose("/jobs/<job_id>/cancel", methods=["POST"])
    @page()
    def cancel(self, job_id: str) -> Any:
        """End it; what it has committed stays and can be undone."""
        job = _found(job_id, "update")
        if cancel(job.id):
            toast(gettext("The job was cancelled."), "info")
        return redirect(safe_next(f"/jobs/{job.id}"), 303)

    @expose("/jobs/<job_id>/retry", methods=["POST"])
    @page()
    def retry(self, job_id: str) -> Any:
        """Let it run again from where it stopped."""
        job = _found(job_id, "update")
        if job.state not in (FAILED, CANCELLED) or not retry(job.id):
            abort(409)
        return redirect(safe_next(f"/jobs/{job.id}"), 303)

    @expose("/jobs/<job_id>/again", methods=["POST"])
    @page()
    def again(self, job_id: str) -> Any:
        """Ask for the same once more, with the rights that one has now."""
        job = _found(job_id)
        if not (job.over and _is_mine(job) and kind_of(job.kind).repeatable):
            abort(409)
        return redirect(f"/jobs/{request_again(job).id}", 303)

    @expose("/jobs/<job_id>/download")
    @page()
    def download(self, job_id: str) -> Any:
        """The file that the job made: for its asker, and whom they sent it, with the rights of now."""
        job = _sent_to_me(job_id) or _found(job_id)
        result = job.result or {}
        if job.state != DONE or not result.get("file"):
            raise NotFound(_("This job made no file."))
        viewer = policy.current_viewer()
        may_have(
            job, viewer.user_id if viewer.behind is None else None
        )  # who only looks asked for none
        details = {name: result.get(name) for name in ("name", "rows", "sha256")}
        audit.record("download", entity=result.get("entity"), details={"job": job.id, **details})
        return send_file(
            store().open(result["file"]),
            mimetype=result["type"],
            as_attachment=True,
            download_name=result["name"],
            max_age=0,
        )


def _narrowed(mine: bool, state: str) -> Select[tuple[Job]]:
    """The jobs that the list is about."""
    statement: Select[tuple[Job]] = _visible()
    if mine:
        statement = statement.where(Job.asked_by == policy.current_viewer().user_id)
    if state:
        statement = statement.where(Job.state.in_(_WANTED[state]))
    return statement


def _page_of(statement: Select[tuple[Job]]) -> tuple[list[Job], bool]:
    """A page of jobs, newest first, and whether others follow."""
    before = request.args.get("before", "")[:36]
    mark = db.session.scalar(_visible().where(Job.id == before)) if before else None
    if mark is not None:
        statement = statement.where(tuple_(Job.created_at, Job.id) < (mark.created_at, mark.id))
    ordered = statement.order_by(Job.created_at.desc(), Job.id.desc()).limit(_PAGE + 1)
    found = list(db.session.scalars(ordered))
    return found[:_PAGE], len(found) > _PAGE


def _lines(job: Job) -> list[Any]:
    """The job's log, oldest first; of a long one its end."""
    newest = select(JobLine).where(JobLine.job_id == job.id).order_by(JobLine.id.desc())
    found = list(db.session.scalars(newest.limit(_LINES)))
    return [described_line(line) for line in reversed(found)]


def _address(mine: bool, state: str, before: str = "") -> str:
    """The list, with what is not as usual."""
    whose = "mine" if mine and _sees_all() else ""
    pairs = [("whose", whose), ("state", state), ("before", before)]
    return with_query("/jobs/", [(name, value) for name, value in pairs if value])


def _tabs(mine: bool, state: str) -> list[dict[str, Any]]:
    return [
        {"label": gettext("Everybody's"), "href": _address(False, state), "active": not mine},
        {"label": gettext("My own"), "href": _address(True, state), "active": mine},
    ]


def _choices() -> list[tuple[str, str]]:
    words = {UNFINISHED: gettext("Unfinished")}
    return [(name, words.get(name) or str(STATES[name][0])) for name in _WANTED]


def _sees_all() -> bool:
    return policy.current_viewer().can(policy.SYSTEM, "read")


def _visible() -> Any:
    """The jobs that the viewer may know of."""
    statement = select(Job)
    if not _sees_all():
        statement = statement.where(Job.asked_by == policy.current_viewer().user_id)
    return statement


def _is_mine(job: Job) -> bool:
    viewer = policy.current_viewer()
    return viewer.user_id is not None and job.asked_by == viewer.user_id


def _sent_to_me(job_id: str) -> Job | None:
    job: Job | None = db.session.get(Job, job_id[:36])
    mine = job is not None and policy.current_viewer().user_id in recipients(job)
    return job if mine else None


def _found(job_id: str, action: str = "read") -> Job:
    job: Job | None = db.session.scalar(_visible().where(Job.id == job_id[:36]))
    if job is None:
        raise NotFound(_("There is no such job."))
    if not _is_mine(job):
        policy.current_viewer().require(policy.SYSTEM, action)
    return job


# -- on the first page ---------------------------------------------------------------------

_MINE, _ANYBODYS, _PATIENCE = (
    datetime.timedelta(days=7), datetime.timedelta(days=1), datetime.timedelta(minutes=10),
)  # fmt: skip
"""How long a failure of one's own, and of anybody, is told of; how long a job may wait to be run."""


def _failed_of(viewer: policy.Viewer) -> list[attention.Item]:
    """Jobs of the viewer's own that failed lately."""
    failed = _count(Job.asked_by == viewer.user_id, *_failed_since(_MINE))
    if not failed:
        return []
    text = ngettext("%(num)s of your jobs failed", "%(num)s of your jobs failed", failed)
    return [attention.Item(text, _address(True, FAILED), "loader-2", "bad")]


def _amiss(_viewer: policy.Viewer) -> list[attention.Item]:
    """Jobs of anybody that failed within a day, or that no worker takes up."""
    found = []
    failed, stuck = (
        _count(*_failed_since(_ANYBODYS)),
        _count(
            Job.state == WAITING,
            Job.created_at < now() - _PATIENCE,
            or_(Job.due_at.is_(None), Job.due_at < now() - _PATIENCE),
        ),
    )
    if failed:
        text = ngettext(
            "%(num)s job failed within a day", "%(num)s jobs failed within a day", failed
        )
        found.append(attention.Item(text, _address(False, FAILED), "loader-2", "bad"))
    if stuck:
        text = ngettext(
            "%(num)s job waits for a worker for more than 10 minutes",
            "%(num)s jobs wait for a worker for more than 10 minutes",
            stuck,
        )
        found.append(attention.Item(text, _address(False, UNFINISHED), "clock", "bad"))
    return found


def _failed_since(span: datetime.timedelta) -> tuple[Any, ...]:
    return (Job.state == FAILED, Job.finished_at > now() - span)


def _count(*conditions: Any) -> int:
    return db.session.scalar(select(func.count(Job.id)).where(*conditions)) or 0


def register(_app: Flask, appbuilder: Any) -> None:
    """Add the pages, and what the first page tells of jobs."""
    appbuilder.add_view_no_menu(JobPages)
    attention.of_mine("jobs", _failed_of)
    attention.of_the_system("jobs", _amiss)
