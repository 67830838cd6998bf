"""Changing a saved view that roles take conditions from: previewed and saved like the roles."""

from __future__ import annotations

from typing import Any

import orjson
from flask import redirect, render_template, request
from flask_babel import gettext
from flask_babel import lazy_gettext as _

from app.engine import policy, roles, views
from app.engine.adapters.appbuilder.views import Pages, expose, page
from app.engine.adapters.database import db
from app.engine.adapters.web import toast
from app.engine.addresses import ListAddress, list_address
from app.engine.errors import InvalidInput, NotAllowed
from app.engine.registry import current
from app.engine.roles import ViewProposal
from app.engine.roles.book import BROKEN
from app.engine.surfaces.roles import shown
from app.engine.surfaces.roles.changing import people_changed


class RoleViewPages(Pages):
    """/roles/views/<id>"""

    @expose("/roles/views/<int:view_id>", methods=["POST"])
    @page(policy.USERS, "update")
    def preview(self, view_id: int) -> Any:
        """Who gains and loses what once the view has these filters."""
        view = _changeable(view_id)
        definition = current().entity(view.entity)
        address = ListAddress.parse(request.form).first_page(view="").href(list_address(definition))
        settled = views.settled(view.entity, address, policy.current_viewer())
        session = db.session()
        marks = roles.marks_of(roles.load_book(session), view_id)
        proposal = ViewProposal(view_id, settled, view.version, marks)
        book, after = roles.proposed(session, proposal)
        lines = [
            {**line, "entity": gettext("%(role)s: %(what)s", role=book.roles[one].label, what=line["entity"])}
            for one in marks
            for line in shown.picture_lines(book.roles[one], after.roles[one], after)
        ]  # fmt: skip
        back = f"/{definition.key}/views/{view_id}"
        return render_template(
            "roles/preview.html",
            label=view.name,
            trail=[(definition.plural, f"/{definition.key}/"), (view.name, back), (gettext("Preview"), None)],
            action=f"/roles/views/{view_id}/save",
            sent={
                "address": settled,
                "version": view.version,
                "marks": orjson.dumps({str(one): mark for one, mark in marks.items()}).decode(),
            },
            kept=0,
            lines=lines,
            back=back,
            **people_changed(book, roles.preview(session, book, after, *marks)),
        )  # fmt: skip

    @expose("/roles/views/<int:view_id>/save", methods=["POST"])
    @page(policy.USERS, "update")
    def save(self, view_id: int) -> Any:
        """What was previewed, made so: the view and the roles, or nothing."""
        view = _changeable(view_id)
        address = request.form.get("address", "")
        version = request.form.get("version", 0, type=int)
        changed = roles.save_view(ViewProposal(view_id, address, version, _marks()))
        toast(gettext("Nothing was changed.") if changed is None else gettext("Saved."), "success")
        return redirect(f"/{current().entity(view.entity).key}/views/{view_id}", 303)


def _changeable(view_id: int) -> views.View:
    """Raises NotFound, NotAllowed."""
    found = views.stored(view_id)
    definition = current().entity(found.entity if found is not None else "")
    view = views.get(definition, view_id)
    policy.current_viewer().require(definition.name, "read")
    if not views.may_change(view):
        raise NotAllowed(_("Only its owner changes this view."))
    return view


def _marks() -> dict[int, str]:
    """The roles as the preview showed them. Raises InvalidInput."""
    try:
        data = orjson.loads(request.form.get("marks", "")[:100_000])
        return {int(role_id): str(mark) for role_id, mark in data.items()}
    except (orjson.JSONDecodeError, AttributeError, TypeError, ValueError) as error:
        raise InvalidInput.of(None, BROKEN) from error
