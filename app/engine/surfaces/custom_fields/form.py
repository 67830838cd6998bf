"""The form in which a field is described."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import wtforms
from flask import request
from flask_babel import lazy_gettext as _
from werkzeug.datastructures import MultiDict

from app.engine import policy, registry
from app.engine.catalog import FieldKind
from app.engine.errors import InvalidInput, Problem, ValueProblem
from app.engine.registry import EntityDefinition
from app.engine.surfaces.custom_fields.names import suggested

FIXED = ("entity", "kind", "name")
"""What can't be changed once the field exists."""


class FieldForm(wtforms.Form):
    """Describes a field in both languages. The checks are those of the entity CustomField."""

    entity = wtforms.SelectField(_("Added to"), validate_choice=False)
    kind = wtforms.SelectField(_("Type"), validate_choice=False)
    label_zh = wtforms.StringField(
        _("Chinese label"), validators=[wtforms.validators.DataRequired()]
    )
    label_en = wtforms.StringField(
        _("English label"), validators=[wtforms.validators.DataRequired()]
    )
    name = wtforms.StringField(
        _("Name"),
        description=_(
            "For API and imports: lower-case letters, digits and underscores. Left "
            "empty, it is made from the English label."
        ),
    )
    choices = wtforms.TextAreaField(
        _("Choices"), description=_("For the type Choice: one per line, as 中文 / English.")
    )
    hint_zh = wtforms.StringField(_("Chinese hint"))
    hint_en = wtforms.StringField(_("English hint"))
    is_required = wtforms.BooleanField(
        _("Required"), description=_("Records that are there already may stay without it.")
    )
    shown = wtforms.BooleanField(_("Shown in the list"), default=True)
    in_search = wtforms.BooleanField(
        _("Found by search"),
        default=True,
        description=_("Older records are found too, once a job has gone through them."),
    )
    is_personal = wtforms.BooleanField(
        _("Personal data"), description=_("Masked for roles that may not see personal data.")
    )
    position = wtforms.StringField(
        _("Position"), description=_("Fields with a smaller number come first.")
    )

    def offer(self, entities: list[EntityDefinition]) -> None:
        """Fill the lists of entities and types."""
        self.entity.choices = [(item.name, str(item.label)) for item in entities]
        self.kind.choices = [(kind.value, str(kind.label)) for kind in FieldKind]

    def put(self, error: InvalidInput) -> None:
        """Show each problem beside its field."""
        for problem in error.problems:
            if problem.field in self._fields:
                field = self._fields[problem.field]
                field.errors = [*field.errors, str(problem.message)]
            else:
                self.form_errors.append(str(problem.message))


def posted(definition: EntityDefinition, new: bool) -> dict[str, Any]:
    """The values that the form sent. Raises InvalidInput naming each field that is wrong."""
    values, problems = {}, []
    for name in FieldForm()._fields:
        if not new and name in FIXED:
            continue
        field = definition.fields[name]
        raw = request.form.get(name, "0" if field.type_name == "boolean" else "")
        try:
            values[name] = field.parse("1" if raw == "y" else raw)
        except ValueProblem as problem:
            problems.append(Problem(name, problem.message))
    if problems:
        raise InvalidInput(problems)
    if new:
        _settle_name(values)
    return values


def _settle_name(values: dict[str, Any]) -> None:
    """A name out of the label where none was given."""
    if values.get("name") is None and values.get("entity"):
        values["name"] = suggested(
            values["entity"], values.get("label_en") or "", values.get("label_zh") or ""
        )


def form_for(row: Mapping[str, Any] | None, entities: list[EntityDefinition]) -> FieldForm:
    """An empty form, what was posted, or a field as it stands."""
    if request.method == "POST":
        form = FieldForm(MultiDict(request.form))
        if row is not None:
            for name in FIXED:
                form._fields[name].data = row[name]
    else:
        form = FieldForm(data=row) if row is not None else FieldForm()
    if row is None and request.method == "GET":
        form.entity.data = request.args.get("entity") or _usual(entities)
    form.offer(entities)
    return form


def _usual(entities: list[EntityDefinition]) -> str:
    return entities[0].name if entities else ""


def extendable() -> list[EntityDefinition]:
    """The entities that fields can be added to: those that the viewer may read."""
    viewer = policy.current_viewer()
    return [
        definition
        for definition in registry.current().entities.values()
        if not definition.options.shapes_registry and viewer.can(definition.name, "read")
    ]
