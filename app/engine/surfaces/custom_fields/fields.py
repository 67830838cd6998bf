"""Fields of one's own: which there are, adding, changing, removing one."""

from __future__ import annotations

from typing import Any

from flask import Response as FlaskResponse
from flask import make_response, redirect, render_template, request, url_for
from flask_babel import gettext
from werkzeug.wrappers import Response

from app.engine import policy, registry
from app.engine.adapters.appbuilder.views import Pages, expose, page
from app.engine.adapters.web import toast
from app.engine.addresses import undo_address
from app.engine.catalog import FieldKind
from app.engine.changes import change_set
from app.engine.errors import InvalidInput, NotAllowed
from app.engine.labels import Bilingual
from app.engine.query import Records
from app.engine.registry import EntityDefinition
from app.engine.surfaces.custom_fields.form import FIXED, FieldForm, extendable, form_for, posted
from app.engine.surfaces.custom_fields.names import suggested

ENTITY = "CustomField"
MOST = 500


class CustomFieldPages(Pages):
    """/settings/fields"""

    @expose("/settings/fields")
    @page(ENTITY, "read")
    def list(self) -> str:
        """Every field that was added, by entity."""
        viewer = policy.current_viewer()
        if not (viewer.can(ENTITY, "create") or viewer.can(ENTITY, "update")):
            raise NotAllowed
        added = Records(_definition()).page(MOST).rows
        return render_template(
            "custom_fields/list.html",
            groups=[
                {
                    "definition": definition,
                    "fields": sorted(
                        (_shown(row) for row in added if row["entity"] == definition.name),
                        key=lambda row: (row["position"] or 0, row["id"]),
                    ),
                }
                for definition in extendable()
            ],
            may_add=viewer.can(ENTITY, "create"),
            may_edit=viewer.can(ENTITY, "update"),
            may_remove=viewer.can(ENTITY, "delete"),
        )

    @expose("/settings/fields/add", methods=["GET", "POST"])
    @page(ENTITY, "create")
    def add(self) -> Response | str:
        """Describe a new field."""
        definition = _definition()
        form = form_for(None, extendable())
        if request.method == "GET":
            return _page(form, None)
        try:
            values = posted(definition, new=True)
            with change_set("form") as changes:
                changes.create(definition, values)
        except InvalidInput as error:
            form.put(error)
            return make_response(_page(form, None), 422)
        return _done(
            gettext("The field “%(field)s” is there at once: in form, list, search and API.",
                    field=_label(values)),
            changes.id,
        )  # fmt: skip

    @expose("/settings/fields/<int:field_id>", methods=["GET", "POST"])
    @page(ENTITY, "update")
    def edit(self, field_id: int) -> Response | str:
        """Change what may be changed of a field."""
        definition = _definition()
        row = Records(definition).get(field_id)
        form = form_for(row, extendable())
        if request.method == "GET":
            return _page(form, row)
        try:
            values = posted(definition, new=False)
            with change_set("form") as changes:
                version = request.form.get("version", type=int)
                changes.update(definition, field_id, values, version=version)
        except InvalidInput as error:
            form.put(error)
            return make_response(_page(form, row), 422)
        return _done(gettext("Saved."), changes.id)

    @expose("/settings/fields/<int:field_id>/remove", methods=["POST"])
    @page(ENTITY, "delete")
    def remove(self, field_id: int) -> Response:
        """Take a field away; what records hold in it stays, should it come back."""
        definition = _definition()
        row = Records(definition).get(field_id)
        with change_set("form") as changes:
            changes.trash(definition, field_id)
        return _done(gettext("The field “%(field)s” was removed.", field=_label(row)), changes.id)

    @expose("/settings/fields/name")
    @page(ENTITY, "create")
    def name(self) -> FlaskResponse:
        """The name field anew while the label is typed; as it was once somebody typed a name."""
        given = request.args
        name, before = given.get("name", ""), given.get("suggested", "")
        if name != before:
            return make_response("", 204)
        form = FieldForm(data={"name": suggested(
            given.get("entity", ""), given.get("label_en", ""), given.get("label_zh", "")
        )})  # fmt: skip
        return make_response(render_template("custom_fields/_name.html", form=form))


def _definition() -> EntityDefinition:
    """Raises NotAllowed for who may not see all that describes a field: these pages need it whole."""
    definition = registry.current().entity(ENTITY)
    if len(policy.plain(definition)) < len(definition.fields):
        raise NotAllowed
    return definition


def _label(values: Any) -> str:
    return str(Bilingual(values["label_zh"], values["label_en"]))


def _shown(row: dict[str, Any]) -> dict[str, Any]:
    """A field as the list of fields shows it."""
    return {**row, "label": _label(row), "type": FieldKind(row["kind"]).label}


def _page(form: FieldForm, row: dict[str, Any] | None) -> str:
    """The form; the name is offered while the label is typed, for a new field only."""
    return render_template("custom_fields/form.html", form=form, row=row, fixed=FIXED)


def _done(message: str, change_set_id: int | None) -> Response:
    registry.refresh()
    toast(message, undo=undo_address(change_set_id))
    return redirect(url_for(".list"), 303)
