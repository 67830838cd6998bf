"""The pages: what is held on one person, what erasing would do, and the proofs."""

from __future__ import annotations

from typing import Any

import orjson
from flask import make_response, redirect, render_template, request
from flask_babel import gettext
from flask_babel import lazy_gettext as _
from sqlalchemy import select
from werkzeug.wrappers import Response

from app.engine import audit, personal, policy
from app.engine.adapters.appbuilder.views import Pages, entity_page, expose, page
from app.engine.adapters.database import db
from app.engine.addresses import list_address, record_address, with_query
from app.engine.errors import InvalidInput, NotFound
from app.engine.job import request_job
from app.engine.registry import EntityDefinition
from app.engine.surfaces.personal import shown
from app.engine.surfaces.personal.kinds import ERASE, REPORT

WHY = "the page of all that is held on a person, for those with the right to it"
MOST_PROOFS = 100


class PersonalPages(Pages):
    """/<key>/<id>/personal and /personal/erasures"""

    @expose("/<key>/<int:record_id>/personal")
    @entity_page("read")
    def personal(self, definition: EntityDefinition, record_id: int) -> str:
        """Everything that is held on the person, record by record."""
        viewer = _may("read")
        with policy.unrestricted(WHY) as session:
            found = personal.person(session, definition, record_id)
            context = shown.everything(session, found)
        audit.record("personal.seen", entity=definition.name, record_id=record_id)
        return render_template(
            "personal/person.html",
            **_frame(definition, record_id),
            **context,
            may_take_out=viewer.can(policy.PERSONAL_DATA, "export"),
            may_erase=viewer.can(policy.PERSONAL_DATA, "delete"),
            request_href=_about("PersonalDataRequest", definition, record_id),
            hold_href=_about("LegalHold", definition, record_id),
            formats=[("xlsx", "XLSX"), ("json", "JSON")],
        )

    @expose("/<key>/<int:record_id>/personal/report", methods=["POST"])
    @entity_page("read")
    def report(self, definition: EntityDefinition, record_id: int) -> Response:
        """Ask for the report as a file: a job reads every text that there is."""
        _may("export")
        wanted = request.form.get("format", "")
        if wanted not in personal.FORMATS:
            raise InvalidInput.of("format", _("Choose a format."))
        arguments = {"entity": definition.name, "record": record_id, "format": wanted}
        title = _(
            "Report on personal data: %(entity)s %(id)s", entity=definition.label, id=record_id
        )
        job = request_job(REPORT.name, arguments, REPORT.queue, title)
        return redirect(f"/jobs/{job.id}", 303)

    @expose("/<key>/<int:record_id>/personal/erase", methods=["GET", "POST"])
    @entity_page("read")
    def erase(self, definition: EntityDefinition, record_id: int) -> Response | str:
        """What would be erased, what is kept and why; a POST that says so twice asks for it."""
        _may("delete")
        chosen = tuple(request.form.getlist("chosen"))
        problem = None
        if request.method == "POST":
            if request.form.get("sure") == "yes":
                return _ask(definition, record_id, chosen)
            problem = gettext("Confirm that it can't be undone.")
        with policy.unrestricted(WHY) as session:
            found = personal.person(session, definition, record_id)
            context = shown.plan(session, personal.plan(found), chosen)
        answer = render_template(
            "personal/erase.html",
            **_frame(definition, record_id),
            **context,
            problem=problem,
            chosen=chosen,
            request_id=request.values.get("request", type=int),
        )
        return make_response(answer, 422 if problem else 200)

    @expose("/personal/erasures")
    @page(policy.PERSONAL_DATA, "read")
    def erasures(self) -> str:
        """The proofs, newest first."""
        statement = select(personal.Erasure).order_by(personal.Erasure.id.desc())
        proofs = db.session.scalars(statement.limit(MOST_PROOFS)).all()
        return render_template(
            "personal/erasures.html", proofs=[shown.proof_line(one) for one in proofs]
        )

    @expose("/personal/erasures/<int:proof_id>")
    @page(policy.PERSONAL_DATA, "read")
    def proof(self, proof_id: int) -> str:
        """One proof."""
        found = personal.proof_of(db.session(), proof_id)
        return render_template("personal/proof.html", **shown.proof(found))

    @expose("/personal/erasures/<int:proof_id>.json")
    @page(policy.PERSONAL_DATA, "read")
    def proof_file(self, proof_id: int) -> Response:
        """The same as a file."""
        found = personal.proof_of(db.session(), proof_id)
        answer = Response(
            orjson.dumps(shown.proof_json(found), option=orjson.OPT_INDENT_2),
            mimetype="application/json",
        )
        name = f"erasure-{proof_id}.json"
        answer.headers.set("Content-Disposition", "attachment", filename=name)
        return answer


def _may(action: str) -> policy.Viewer:
    viewer = policy.current_viewer()
    viewer.require(policy.PERSONAL_DATA, "read")
    viewer.require(policy.PERSONAL_DATA, action)
    return viewer


def _ask(definition: EntityDefinition, record_id: int, chosen: tuple[str, ...]) -> Response:
    with policy.unrestricted(WHY) as session:
        known = {one.key for one in personal.person(session, definition, record_id).held}
    if not set(chosen) <= known:
        raise NotFound
    order = personal.Order(
        definition.name, record_id, chosen, request.form.get("request", type=int)
    )
    title = _("Erasure of personal data: %(entity)s %(id)s", entity=definition.label, id=record_id)
    job = request_job(ERASE.name, order.as_json(), ERASE.queue, title)
    return redirect(f"/jobs/{job.id}", 303)


def _frame(definition: EntityDefinition, record_id: int) -> dict[str, Any]:
    return {
        "definition": definition,
        "base": list_address(definition),
        "record_href": record_address(definition, record_id),
        "here": f"{record_address(definition, record_id)}/personal",
    }


def _about(entity: str, definition: EntityDefinition, record_id: int) -> str | None:
    """The form of a new request or hold on this person, for those who may add one."""
    if not policy.current_viewer().can(entity, "create"):
        return None
    key = {"PersonalDataRequest": "personal_data_request", "LegalHold": "legal_hold"}[entity]
    return with_query(f"/{key}/add", [("entity", str(definition.label)), ("record", record_id)])
