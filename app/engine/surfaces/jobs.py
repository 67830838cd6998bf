"""Jobs as people see them: who asked for what, how far it has come, what came of it."""

from __future__ import annotations

from typing import Any

from flask import Flask, abort, redirect, render_template, request, send_file
from flask_babel import gettext
from flask_babel import lazy_gettext as _
from sqlalchemy import select
from werkzeug.wrappers import Response

from app.engine import policy
from app.engine.adapters.appbuilder.views import Pages, expose, page
from app.engine.adapters.database import db
from app.engine.adapters.storage import store
from app.engine.adapters.web import safe_next, toast
from app.engine.errors import NotAllowed, NotFound
from app.engine.job import CANCELLED, DONE, FAILED, Job, cancel, retry
from app.engine.job_files import still_allowed
from app.engine.job_words import described

_PAGE = 50


class JobPages(Pages):
    """/jobs/ and each job."""

    @expose("/jobs/")
    @page()
    def jobs(self) -> str:
        """One's own jobs, newest first; everybody's for those who run the system."""
        before = request.args.get("before", "")
        statement = _visible().order_by(Job.created_at.desc(), Job.id.desc()).limit(_PAGE + 1)
        mark = db.session.get(Job, before) if before else None
        if mark is not None:
            statement = statement.where(Job.created_at < mark.created_at)
        found = list(db.session.scalars(statement))
        return render_template(
            "jobs/jobs.html",
            jobs=[described(job) for job in found[:_PAGE]],
            next=f"/jobs/?before={found[_PAGE - 1].id}" if len(found) > _PAGE else None,
            previous="/jobs/" if mark is not None else None,
            moving=any(not job.over for job in found),
            everybody=_sees_all(),
        )

    @expose("/jobs/<job_id>")
    @page()
    def job(self, job_id: str) -> str:
        """One job."""
        job = _found(job_id)
        result = job.result or {}
        return render_template(
            "jobs/job.html",
            job=described(job),
            url=f"/jobs/{job.id}/status",
            result=result,
            target=job.arguments.get("page"),
            mine=_is_mine(job),
        )

    @expose("/jobs/<job_id>/status")
    @page()
    def status(self, job_id: str) -> Any:
        """The moving bar; once the job is over, the whole page again."""
        job = _found(job_id)
        if job.over:
            return Response(headers={"HX-Refresh": "true"})
        return render_template(
            "jobs/_progress.html", job=described(job), url=f"/jobs/{job.id}/status"
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

    @expose("/jobs/<job_id>/download")
    @page()
    def download(self, job_id: str) -> Any:
        """The file that the job made: for its asker, with the rights they have now."""
        job = _found(job_id)
        result = job.result or {}
        if job.state != DONE or not result.get("file"):
            raise NotFound(_("This job made no file."))
        if not _is_mine(job):
            raise NotAllowed(_("An export holds what its asker may see; ask for your own."))
        still_allowed(job)
        return send_file(
            store().open(result["file"]),
            mimetype=result["type"],
            as_attachment=True,
            download_name=result["name"],
            max_age=0,
        )


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


def _found(job_id: str, action: str = "read") -> Job:
    job: Job | None = db.session.scalar(_visible().where(Job.id == job_id[:36]))
    if job is None:
        raise NotFound(_("There is no such job."))
    if not _is_mine(job):
        policy.current_viewer().require(policy.SYSTEM, action)
    return job


def register(_app: Flask, appbuilder: Any) -> None:
    """Add the pages."""
    appbuilder.add_view_no_menu(JobPages)
