"""The page of an export: which format, which columns, how many records; a job does the rest."""

from __future__ import annotations

from typing import Any

import orjson
from flask import current_app, redirect, render_template, request
from flask_babel import lazy_gettext as _
from werkzeug.wrappers import Response

from app.engine import mails, policy
from app.engine.adapters.appbuilder.views import Pages, entity_page, expose, page
from app.engine.adapters.database import db
from app.engine.addresses import ListAddress, list_address, with_query
from app.engine.errors import NotFound, ValueProblem
from app.engine.job import DONE, Job, request_job
from app.engine.job_files import still_allowed
from app.engine.presentation import columns, groups
from app.engine.query import Records
from app.engine.registry import EntityDefinition
from app.engine.surfaces.exports.files import format_of
from app.engine.surfaces.exports.formats import FORMATS
from app.engine.surfaces.exports.parts import export_fields, relatives
from app.engine.surfaces.exports.request import Mailing, Request, manifest

SMALL = 5000
"""Up to so many records an export waits behind no other work."""


class ExportPages(Pages):
    """/export/<key>?<the list's filters, words and order>"""

    @expose("/export/<key>", methods=["GET", "POST"])
    @entity_page("export")
    def export(self, definition: EntityDefinition) -> Any:
        """Ask what to export; a POST asks for the job."""
        address = ListAddress.parse(request.args)
        count, exact = address.records(definition).count()
        if request.method == "POST":
            return self._ask(definition, address, count)
        shown = columns(definition, policy.current_viewer())
        fields = export_fields(definition)
        listed = {column.name for column in shown}
        return render_template(
            "exports/export.html",
            definition=definition,
            count=count,
            exact=exact,
            narrowed=address.narrowed,
            action=with_query(f"/export/{definition.key}", address.pairs(paging=False)),
            list_href=address.href(list_address(definition)),
            formats=[(name, one.label) for name, one in FORMATS.items()],
            shown=[column.label for column in shown],
            every=len(fields),
            groups=[
                (group.title, [(f.name, str(f.label), f.name in listed) for f in group.fields])
                for group in groups(definition, fields)
            ],
            related=[(name, child.plural) for name, (child, _by) in relatives(definition).items()],
            mail=mails.available(),
            attach_mb=current_app.config["STEWARD"].mail_attach_mb,
        )

    def _ask(self, definition: EntityDefinition, address: ListAddress, count: int) -> Any:
        wanted = Request(
            entity=definition.name,
            format=format_of(request.form.get("format", "")).name,
            query=tuple(address.pairs(paging=False)),
            fields=_chosen(definition),
            related=_related(definition),
            mail=_mailing(),
        )
        wanted.check_mailing()
        job = request_job(
            "export",
            wanted.as_json(),
            queue="default" if count <= SMALL else "bulk",
            title=_("Export: %(entities)s", entities=definition.plural),
            total=count,
        )
        return redirect(f"/jobs/{job.id}", 303)

    @expose("/export/<key>/<int:record_id>", methods=["POST"])
    @entity_page("export")
    def record(self, definition: EntityDefinition, record_id: int) -> Any:
        """One record with what belongs to it as a PDF, by a job."""
        if not Records(definition).with_ids([record_id]).ids(1):
            raise NotFound
        wanted = Request(
            definition.name, "pdf", record=record_id, related=tuple(relatives(definition))
        )
        title = _("Print: %(entity)s %(id)s", entity=definition.label, id=record_id)
        job = request_job("export", wanted.as_json(), title=title, total=1)
        return redirect(f"/jobs/{job.id}", 303)

    @expose("/export/manifest/<job_id>")
    @page()
    def manifest(self, job_id: str) -> Response:
        """What proves that the job's file is whole, for its asker."""
        job = db.session.get(Job, job_id[:36])
        viewer = policy.current_viewer()
        result = job.result if job is not None and job.state == DONE else None
        if job is None or job.asked_by != viewer.user_id or not result or "parts" not in result:
            raise NotFound(_("There is no such job."))
        still_allowed(job)
        answer = Response(
            orjson.dumps(manifest(result["name"], result), option=orjson.OPT_INDENT_2),
            mimetype="application/json",
        )
        answer.headers.set("Content-Disposition", "attachment", filename=f"{job.id}.manifest.json")
        return answer


def _chosen(definition: EntityDefinition) -> tuple[str, ...]:
    """The columns asked for, in their order. Raises NotFound, ValueProblem when there are none."""
    every = [field.name for field in export_fields(definition)]
    match request.form.get("columns", "all"):
        case "list":
            listed = {c.name for c in columns(definition, policy.current_viewer())}
            return tuple(name for name in every if name in listed)
        case "chosen":
            names = request.form.getlist("fields")
            if not names:
                raise ValueProblem(_("Choose at least one column."))
            return tuple(field.name for field in export_fields(definition, names))
    return tuple(every)


def _mailing() -> Mailing | None:
    if not request.form.get("mail"):
        return None
    people = dict.fromkeys(int(u) for u in request.form.getlist("mail_to") if u.isdecimal())
    limit = current_app.config["STEWARD"].mail_attach_mb
    return Mailing(tuple(people), bool(limit and request.form.get("attach")))


def _related(definition: EntityDefinition) -> tuple[str, ...]:
    known = relatives(definition)
    return tuple(name for name in request.form.getlist("related") if name in known)
