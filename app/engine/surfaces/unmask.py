"""Showing one masked value: a reason is asked for first, and the value is shown once, in no cache."""

from __future__ import annotations

from typing import Any

from flask import Flask, make_response, render_template, request
from werkzeug.wrappers import Response

from app.engine.adapters.appbuilder.views import Pages, entity_page, expose
from app.engine.addresses import record_address
from app.engine.errors import InvalidInput
from app.engine.fields import Field
from app.engine.presentation import title_of
from app.engine.query import Records
from app.engine.registry import EntityDefinition
from app.engine.unmasking import ACTION, LONGEST, SHORTEST, maskable, unmask


class UnmaskPages(Pages):
    """/<key>/<id>/unmask/<field>"""

    @expose("/<key>/<int:record_id>/unmask/<name>", methods=["GET", "POST"])
    @entity_page(ACTION)
    def unmask(self, definition: EntityDefinition, record_id: int, name: str) -> Response:
        """The form for the reason; with one, the value."""
        field = maskable(definition, record_id, name)
        problem, shown = "", None
        if request.method == "POST":
            try:
                value = unmask(definition, record_id, name, request.form.get("reason", ""))
                shown = "" if value is None else field.text(value, {field.name: value})
            except InvalidInput as error:
                problem = str(error)
        context = _context(definition, record_id, field)
        page = render_template(_template(), **context, problem=problem, shown=shown)
        return _kept_nowhere(make_response(page, 422 if problem and not _inside() else 200))


def register(_app: Flask, appbuilder: Any) -> None:
    """Add the page."""
    appbuilder.add_view_no_menu(UnmaskPages)


def _context(definition: EntityDefinition, record_id: int, field: Field) -> dict[str, Any]:
    here = record_address(definition, record_id)
    title = ""
    if not _inside():
        title = title_of(definition, Records(definition).get(record_id))
    return {
        "definition": definition,
        "title": title,
        "here": here,
        "action": f"{here}/unmask/{field.name}",
        "field": field,
        "shortest": SHORTEST,
        "longest": LONGEST,
    }


def _inside() -> bool:
    """Whether the answer goes into the record's page."""
    return bool(request.headers.get("HX-Request"))


def _template() -> str:
    return "unmask/_value.html" if _inside() else "unmask/unmask.html"


def _kept_nowhere(response: Response) -> Response:
    response.headers["Cache-Control"] = "no-store"
    return response
