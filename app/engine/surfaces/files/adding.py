"""Many files at once: each becomes a record that points at this one, all in one change set."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from flask import redirect, request
from flask_babel import gettext, ngettext

from app.engine import files
from app.engine.adapters.appbuilder.views import Pages, entity_page, expose
from app.engine.adapters.web import toast
from app.engine.addresses import record_address, undo_address
from app.engine.changes import change_set
from app.engine.errors import InvalidInput, NotAllowed, NotFound, StewardError
from app.engine.presentation import filing_field
from app.engine.query import Records
from app.engine.registry import EntityDefinition, current

MOST = 500
"""Files in one go."""


class AddingPages(Pages):
    """/<key>/<id>/files/<child>/<reference>"""

    @expose("/<key>/<int:record_id>/files/<child_key>/<reference>", methods=["POST"])
    @entity_page("read")
    def add(
        self, definition: EntityDefinition, record_id: int, child_key: str, reference: str
    ) -> Any:
        """File what has been uploaded, or came along; those that can't be are named."""
        child = current().by_key.get(child_key)
        if child is None or not Records(definition).with_ids([record_id]).ids(1):
            raise NotFound
        item = child.field(reference)
        field = filing_field(child, item)
        if field is None or item.target != definition.name:
            raise NotFound
        refused: list[str] = []
        done = 0
        numbers = list(_numbers(refused))  # kept before anybody has to wait for this one's writing
        with change_set("form") as changes:
            for file_id in numbers:
                values = {reference: record_id, field.name: file_id}
                try:
                    with changes.attempt():
                        changes.create(child, values)
                    done += 1
                except StewardError as error:
                    refused.append(f"{files.brought_as(file_id)}: {_why(child, error)}")
        _tell(done, refused, changes.id)
        return redirect(record_address(definition, record_id), 303)


def _numbers(refused: list[str]) -> Iterator[int]:
    """Those of the files that were sent before, then those of files in this request."""
    for sent in request.form.getlist("file")[:MOST]:
        if sent.isdecimal() and len(sent) < 19:
            yield int(sent)
    for file in request.files.getlist("files")[:MOST]:
        if file.filename:
            try:
                yield files.put(file.stream, file.filename).id
            except NotAllowed:
                raise
            except StewardError as error:
                refused.append(f"{file.filename}: {error}")


def _why(child: EntityDefinition, error: StewardError) -> str:
    if not isinstance(error, InvalidInput):
        return str(error)
    return " ".join(
        f"{child.fields[one.field].label}: {one.message}"
        if one.field and one.field in child.fields
        else str(one.message)
        for one in error.problems
    )


def _tell(done: int, refused: list[str], change_set_id: int | None) -> None:
    if done:
        said = ngettext("%(num)s file was filed.", "%(num)s files were filed.", done)
        toast(said, "success", undo_address(change_set_id))
    if refused:
        toast(gettext("Not filed: %(what)s", what="; ".join(refused[:20])), "danger")
    if not done and not refused:
        toast(gettext("Nothing was chosen."), "info")
