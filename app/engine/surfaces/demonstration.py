"""Demonstration data in the browser: what there is of it, and a job that takes it away."""

from __future__ import annotations

from typing import Any

from flask import Flask, redirect, render_template
from flask_babel import gettext
from flask_babel import lazy_gettext as _
from sqlalchemy import select
from werkzeug.wrappers import Response

from app.engine import attention, policy, registry
from app.engine.adapters.appbuilder.views import Pages, expose, page
from app.engine.adapters.database import in_turn, write_transaction
from app.engine.addresses import list_address
from app.engine.changes.demonstration import present, stands
from app.engine.job import RUNNING, WAITING, Job, JobKind, declare, request_job

KIND = declare(JobKind("demo.remove", _("Taking demonstration data away")))
PAGE = "/demo/"


class DemonstrationPages(Pages):
    """/demo/"""

    @expose(PAGE)
    @page(policy.SYSTEM, "read")
    def show(self) -> str:
        """How much there is, and what taking it away leaves alone."""
        counts = present()
        entities = registry.current().entities
        viewer = policy.current_viewer()
        rows = [
            {
                "label": definition.plural,
                "icon": definition.icon,
                "count": counts[name],
                "href": list_address(definition) if viewer.can(name, "read") else None,
            }
            for name, definition in entities.items()
            if name in counts
        ]
        return render_template(
            "demonstration/demo.html",
            rows=rows,
            may_remove=viewer.can(policy.SYSTEM, "update"),
        )

    @expose("/demo/remove", methods=["POST"])
    @page(policy.SYSTEM, "update")
    def remove(self) -> Response:
        """Ask for it; asked for twice it is one job."""
        with write_transaction() as session:
            in_turn(session, [KIND.name])
            unfinished = Job.kind == KIND.name, Job.state.in_((WAITING, RUNNING))
            job = session.scalar(select(Job).where(*unfinished).limit(1))
            if job is None:
                job = request_job(KIND.name, {}, title=KIND.label)
        return redirect(f"/jobs/{job.id}", 303)


def _there(_viewer: policy.Viewer) -> list[attention.Item]:
    """That the data on the pages are partly invented."""
    if not stands():
        return []
    text = gettext("Demonstration data is among the records")
    return [attention.Item(text, PAGE, "package", "neutral")]


def register(_app: Flask, appbuilder: Any) -> None:
    """Add the pages, and what the first page tells of it."""
    appbuilder.add_view_no_menu(DemonstrationPages)
    attention.of_the_system("demonstration", _there)
