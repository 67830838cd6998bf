"""The pages of forms: /<key>/add, /<key>/<id>/edit, /<key>/duplicates."""

from __future__ import annotations

from typing import Any

from flask import make_response, redirect, render_template, request
from flask_babel import gettext
from werkzeug.wrappers import Response

from app.engine import policy
from app.engine import record_form as forms
from app.engine.adapters.appbuilder.views import Pages, entity_page, expose
from app.engine.adapters.web import toast
from app.engine.addresses import list_address, record_address, undo_address
from app.engine.changes import change_set
from app.engine.errors import (
    InvalidInput,
    NotAllowed,
    NotFound,
    Problem,
    StaleRecord,
    StewardError,
)
from app.engine.inputs import input_id
from app.engine.presentation import may, needed, title_of
from app.engine.query import Records
from app.engine.registry import EntityDefinition
from app.engine.surfaces.forms import conflict, duplicates


class FormPages(Pages):
    """Adding and editing"""

    @expose("/<key>/add", methods=["GET", "POST"])
    @entity_page("create")
    def add(self, definition: EntityDefinition) -> Response:
        """A form for a new record; the address presets fields (`?shelf=12`)."""
        fields = forms.form_fields(definition)
        defaults = forms.default_texts(fields, request.args)
        if request.method == "GET":
            return _add_page(definition, defaults)
        sent, unfit = forms.sent_files(fields, request.files)
        texts = {**defaults, **forms.sent_texts(fields, request.form), **sent}
        values, problems = forms.values_of(fields, texts, {})
        problems += unfit
        if problems:
            problems += _missing(definition, texts, problems)
            return _add_page(definition, texts, problems, 422)
        approved = bool(request.form.get("approve_now"))
        try:
            with change_set("form") as changes:
                record = changes.create(definition, values, approved)
        except StewardError as error:
            return _add_page(definition, texts, _problems(error), error.status)
        _say_added(definition, changes.id, approved)
        if request.form.get("then") == "another":
            return redirect(request.full_path.rstrip("?"), 303)
        return redirect(record_address(definition, record.id), 303)

    @expose("/<key>/<int:record_id>/edit", methods=["GET", "POST"])
    @entity_page("update")
    def edit(self, definition: EntityDefinition, record_id: int) -> Response:
        """A form for the record; refused with both versions when it is stale."""
        editing = Editing(definition, record_id)
        return editing.show() if request.method == "GET" else editing.save()

    @expose("/<key>/duplicates", methods=["POST"])
    @entity_page("read")
    def duplicates(self, definition: EntityDefinition) -> str:
        """Records that resemble what is being typed."""
        texts = {
            field.name: request.form.get(field.name, "")
            for field in duplicates.compared(definition)
        }
        return render_template(
            "forms/_duplicates.html",
            definition=definition,
            found=duplicates.likely(definition, texts),
        )


def _add_page(
    definition: EntityDefinition,
    texts: forms.Texts,
    problems: list[Problem] | None = None,
    status: int = 200,
) -> Response:
    fields = forms.form_fields(definition)
    offered = forms.offered_states(definition, fields, None)
    labels = forms.text_labels(fields, texts)
    drawn = forms.RecordForm(definition, fields, texts, labels, problems or (), offered)
    approving = definition.review and policy.current_viewer().can(definition.name, "approve")
    names = [field.name for field in duplicates.compared(definition) if field in fields]
    return make_response(
        render_template(
            "forms/add.html",
            definition=definition,
            drawn=drawn,
            base=list_address(definition),
            approving=approving,
            approve_now=bool(request.form.get("approve_now")),
            compared=names,
            compared_ids=[input_id(name) for name in names],
        ),
        status,
    )


def _missing(
    definition: EntityDefinition, texts: forms.Texts, problems: list[Problem]
) -> list[Problem]:
    """What is required and empty, said together with what can't be read."""
    bad = {problem.field for problem in problems}
    return [
        Problem(field.name, gettext("This field is required."))
        for field in forms.form_fields(definition)
        if field.required and not texts.get(field.name, "").strip() and field.name not in bad
    ]


def _problems(error: StewardError) -> list[Problem]:
    return list(error.problems) if isinstance(error, InvalidInput) else [Problem(None, error)]


def _say_added(definition: EntityDefinition, change_set_id: int | None, approved: bool) -> None:
    said = gettext("Added.")
    if definition.review and not approved:
        said = gettext("Added as a draft.")
    toast(said, "success", undo_address(change_set_id))


class Editing:
    """One request to the edit form."""

    def __init__(self, definition: EntityDefinition, record_id: int) -> None:
        self.definition = definition
        self.record_id = record_id
        self.viewer = policy.current_viewer()
        self.fields = forms.form_fields(definition)

    def show(self) -> Response:
        """The form as the record is now."""
        row = self._row()
        shown = forms.row_texts(self.fields, row)
        return self._page(row, shown, forms.row_labels(self.fields, row))

    def save(self) -> Response:
        """Take what was sent, unless the record has changed or is gone."""
        sent, unfit = forms.sent_files(self.fields, request.files)
        texts = {**forms.sent_texts(self.fields, request.form), **sent}
        try:
            row = self._row()
        except NotFound:
            return self._gone(texts)
        if str(row["version"]) != request.form.get("version"):
            return self._conflict(row, texts)
        shown = forms.row_texts(self.fields, row)
        kept = conflict.chosen_theirs(self.fields, request.form)
        texts = {**shown, **{name: text for name, text in texts.items() if name not in kept}}
        values, problems = forms.values_of(self.fields, texts, shown)
        problems += unfit
        if problems:
            return self._refused(row, texts, problems, 422)
        return self._write(row, texts, values)

    def _write(self, row: dict[str, Any], texts: forms.Texts, values: dict[str, Any]) -> Response:
        try:
            with change_set("form", self._reason()) as changes:
                changes.update(self.definition, self.record_id, values, row["version"])
        except StaleRecord:
            return self._conflict(self._row(), texts)
        except NotFound:
            return self._gone(texts)
        except StewardError as error:
            return self._refused(row, texts, _problems(error), error.status)
        if changes.id is None:
            toast(gettext("Nothing was changed."), "info")
        else:
            toast(gettext("Saved."), "success", undo_address(changes.id))
        return redirect(record_address(self.definition, self.record_id), 303)

    def _reason(self) -> str | None:
        """That the person concerned has asked for the change, where the form was opened so."""
        asked = request.values.get("asked", type=int)
        if asked is None or not self.definition.options.about_person:
            return None
        return str(gettext("Corrected as the person asked, request %(number)s", number=asked))

    def _row(self) -> dict[str, Any]:
        """The record as it is now. Raises NotFound, NotAllowed."""
        definition = self.definition
        title = [f for f in policy.known(definition) if f is definition.title_field]
        fields = needed(definition, [*title, *self.fields])
        wanted = dict.fromkeys([*fields, definition.fields["version"]])
        row = Records(definition, self.viewer).get(self.record_id, list(wanted))
        if not may(definition, self.record_id, "update", self.viewer):
            raise NotAllowed(gettext("This record lies outside what your roles let you change."))
        return row

    def _refused(
        self, row: dict[str, Any], texts: forms.Texts, problems: list[Problem], status: int
    ) -> Response:
        labels = forms.text_labels(self.fields, texts)
        return self._page(row, texts, labels, problems, status)

    def _conflict(self, row: dict[str, Any], mine: forms.Texts) -> Response:
        theirs = forms.row_texts(self.fields, row)
        first = forms.read_fingerprints(request.form.get("first", ""))
        labels = forms.text_labels(self.fields, mine)
        found = conflict.differences(self.definition, self.fields, mine, row, theirs, first, labels)
        texts = conflict.merged(mine, theirs, found)
        labels = {**forms.row_labels(self.fields, row), **labels}
        labels |= {
            item.name: row[f"{item.name}.label"]
            for item in found
            if not item.mine_touched and row.get(f"{item.name}.label")
        }
        problem = Problem(None, StaleRecord(None).message)
        return self._page(row, texts, labels, [problem], 409, found)

    def _gone(self, texts: forms.Texts) -> Response:
        """Deleted meanwhile: what was typed is shown, so that it can be kept elsewhere."""
        problem = Problem(
            None, gettext("Somebody deleted this record meanwhile; your changes were not saved.")
        )
        row = {"id": self.record_id, "version": request.form.get("version", "")}
        labels = forms.text_labels(self.fields, texts)
        return self._page(row, texts, labels, [problem], 404)

    def _page(
        self,
        row: dict[str, Any],
        texts: forms.Texts,
        labels: dict[str, str],
        problems: list[Problem] | None = None,
        status: int = 200,
        found: list[conflict.Difference] | None = None,
    ) -> Response:
        offered = forms.offered_states(self.definition, self.fields, row)
        drawn = forms.RecordForm(
            self.definition, self.fields, texts, labels, problems or (), offered
        )
        return make_response(
            render_template(
                "forms/edit.html",
                definition=self.definition,
                drawn=drawn,
                title=title_of(self.definition, row),
                base=list_address(self.definition),
                here=record_address(self.definition, self.record_id),
                version=row["version"],
                first=forms.fingerprints(forms.row_texts(self.fields, row)),
                found=found or [],
                take=conflict.TAKE,
                asked=request.values.get("asked", type=int),
            ),
            status,
        )
