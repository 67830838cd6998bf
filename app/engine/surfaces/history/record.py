"""A record's history, and going back to one of its versions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import redirect, render_template, request, url_for
from flask_babel import gettext
from sqlalchemy import select
from werkzeug.wrappers import Response

from app.engine import policy, registry
from app.engine.adapters.appbuilder.views import Pages, entity_page, expose
from app.engine.adapters.database import db
from app.engine.adapters.web import toast
from app.engine.changes import Change, ChangeSet, change_set
from app.engine.changes import models as kinds
from app.engine.errors import InvalidInput, NotFound
from app.engine.query import Records
from app.engine.registry import EntityDefinition
from app.engine.surfaces.history import words
from app.engine.surfaces.history.sets import may_see
from app.engine.surfaces.history.shown import name_of, shown_changes

PAGE = 30


class RecordHistoryPages(Pages):
    """/<key>/<id>/history"""

    @expose("/<key>/<int:record_id>/history")
    @entity_page("read")
    def history(self, definition: EntityDefinition, record_id: int) -> str:
        """Every change of the record, newest first."""
        row, trashed = load_record(definition, record_id)
        before = request.args.get("before", type=int)
        found = changes_of(definition, record_id, before)
        changes = [change for change, _change_set in found[:PAGE]]
        shown = shown_changes(definition, changes, {record_id: row})
        newest = changes[0].id if changes and before is None else None
        entries = [
            entry(change, made, shown[change.id], change.id == newest)
            for change, made in found[:PAGE]
        ]
        return render_template(
            "history/record.html",
            definition=definition,
            record_id=record_id,
            name=name_of(definition, row),
            version=row.get("version"),
            entries=entries,
            trashed=trashed,
            may_revert=not trashed and policy.current_viewer().can(definition.name, "update"),
            newer=url_for(".history", key=definition.key, record_id=record_id) if before else None,
            older=url_for(
                ".history", key=definition.key, record_id=record_id, before=changes[-1].id
            ) if len(found) > PAGE else None,
        )  # fmt: skip

    @expose("/<key>/<int:record_id>/history/<int:change_id>/revert", methods=["POST"])
    @entity_page("update")
    def revert(self, definition: EntityDefinition, record_id: int, change_id: int) -> Response:
        """Give the record the values that it had after that change, as a new change set."""
        row, _trashed = load_record(definition, record_id)
        values = values_after(definition, record_id, change_id, row)
        here = url_for(".history", key=definition.key, record_id=record_id)
        version = request.form.get("version", type=int)
        try:
            with change_set("revert") as changes:
                changes.update(definition, record_id, values, version=version)
        except InvalidInput as error:
            toast(in_words(definition, error), "danger")
            return redirect(here)
        if changes.id is None:
            toast(gettext("Nothing differs from that version."), "info")
            return redirect(here)
        if definition.options.shapes_registry:
            registry.refresh()
        toast(
            gettext("The record is as it was in that version."),
            undo=url_for("ChangeSetPages.undo", change_set_id=changes.id),
        )
        return redirect(here)


def load_record(definition: EntityDefinition, record_id: int) -> tuple[Mapping[str, Any], bool]:
    """The record as the viewer sees it, and whether it is in the trash. Raises NotFound.

    Who may delete may look into the trash.
    """
    try:
        return Records(definition).get(record_id), False
    except NotFound:
        if not policy.current_viewer().can(definition.name, "delete"):
            raise
    return Records(definition).in_trash().get(record_id), True


def changes_of(
    definition: EntityDefinition, record_id: int, before: int | None
) -> list[tuple[Change, ChangeSet]]:
    """The next changes, newest first, and one more if there are further ones."""
    statement = (
        select(Change, ChangeSet)
        .join(ChangeSet, ChangeSet.id == Change.change_set_id)
        .where(Change.entity == definition.name, Change.record_id == record_id)
        .order_by(Change.id.desc())
        .limit(PAGE + 1)
    )
    if before is not None:
        statement = statement.where(Change.id < before)
    return [(change, made) for change, made in db.session.execute(statement)]


def entry(change: Change, made: ChangeSet, shown: Any, newest: bool) -> dict[str, Any]:
    """A change as the page shows it."""
    return {
        "id": change.id,
        "kind": words.KINDS[change.kind],
        "who": words.person(made.user_name),
        "at": made.at,
        "door": words.door(made.door),
        "reason": made.reason,
        "set_id": made.id if may_see(made) else None,
        "undone": change.undone,
        "lines": shown.lines,
        "gone": shown.gone,
        "new": change.kind == kinds.CREATE,
        "revertible": not newest and change.kind in (kinds.CREATE, kinds.UPDATE, kinds.APPROVE),
    }


def values_after(
    definition: EntityDefinition, record_id: int, change_id: int, row: Mapping[str, Any]
) -> dict[str, Any]:
    """What the writable fields held after the change, as far as they hold something else now.

    Raises NotFound when the change is not one of this record's.
    """
    if not db.session.scalar(
        select(Change.id).where(
            Change.id == change_id,
            Change.entity == definition.name,
            Change.record_id == record_id,
        )
    ):
        raise NotFound
    later = db.session.scalars(
        select(Change)
        .where(
            Change.entity == definition.name,
            Change.record_id == record_id,
            Change.id > change_id,
            Change.kind == kinds.UPDATE,
        )
        .order_by(Change.id)
    )
    then: dict[str, Any] = {}
    for change in later:
        for name, value in (change.before or {}).items():
            then.setdefault(name, value)
    writable = {field.name: field for field in policy.writable(definition) if not field.system}
    return {
        name: writable[name].load(value)
        for name, value in then.items()
        if name in writable and writable[name].dump(row.get(name)) != value
    }


def in_words(definition: EntityDefinition, error: InvalidInput) -> str:
    """Every problem with the field that it is about."""
    return " ".join(
        f"{definition.fields[problem.field].label}: {problem.message}"
        if problem.field and problem.field in definition.fields
        else str(problem.message)
        for problem in error.problems
    )
