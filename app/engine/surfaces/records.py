"""Record pages: one record with its facts, what belongs to it, what was done to it, and the acts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from flask import Flask, abort, redirect, render_template
from flask_babel import gettext
from markupsafe import Markup
from sqlalchemy import select
from werkzeug.wrappers import Response

from app.engine import policy, registry
from app.engine.adapters.appbuilder.views import Pages, entity_page, expose
from app.engine.adapters.database import db
from app.engine.adapters.web import toast
from app.engine.addresses import has_page, list_address, record_address, undo_address, with_query
from app.engine.changes import Change, ChangeSet, change_set
from app.engine.errors import InvalidInput, NotFound
from app.engine.fields import Field
from app.engine.presentation import (
    Column,
    columns,
    companions,
    groups,
    is_draft,
    line_maker,
    may,
    needed,
    title_of,
)
from app.engine.query import Condition, Records
from app.engine.registry import EntityDefinition

RELATED = 10
LATEST = 5


@dataclass(frozen=True)
class Related:
    """Records that point at this one."""

    label: Any
    heads: Sequence[str]
    lines: Sequence[tuple[str, Markup]]
    all_href: str
    add_href: str | None


class RecordPages(Pages):
    """/<key>/<id> and what is done to the record there"""

    @expose("/<key>/<int:record_id>")
    @entity_page("read")
    def record(self, definition: EntityDefinition, record_id: int) -> str:
        """The record's page."""
        viewer = policy.current_viewer()
        row = _get(definition, record_id)
        draft = is_draft(definition, row)
        return render_template(
            "records/record.html",
            definition=definition,
            row=row,
            title=title_of(definition, row),
            draft=draft,
            base=list_address(definition),
            here=record_address(definition, record_id),
            groups=_facts(definition, row, viewer),
            related=_related(definition, record_id, viewer),
            history=_history(definition, record_id, viewer),
            history_href=_history_href(definition, record_id),
            print_href=_print_href(definition, record_id),
            may_edit=may(definition, record_id, "update", viewer),
            may_delete=may(definition, record_id, "delete", viewer),
            may_approve=draft and may(definition, record_id, "approve", viewer),
            actions=_offered(definition, record_id, viewer),
        )

    @expose("/<key>/<int:record_id>/approve", methods=["POST"])
    @entity_page("approve")
    def approve(self, definition: EntityDefinition, record_id: int) -> Response:
        """Let a draft count."""
        with change_set("form") as changes:
            changes.approve(definition, record_id)
        toast(gettext("Approved."), "success", undo_address(changes.id))
        return redirect(record_address(definition, record_id), 303)

    @expose("/<key>/<int:record_id>/delete", methods=["POST"])
    @entity_page("delete")
    def delete(self, definition: EntityDefinition, record_id: int) -> Response:
        """Move the record to the trash; the toast takes it back."""
        title = title_of(definition, Records(definition).get(record_id, _title(definition)))
        with change_set("form") as changes:
            changes.trash(definition, record_id)
        toast(
            gettext("“%(name)s” was moved to the trash.", name=title),
            "success",
            undo_address(changes.id),
        )
        return redirect(list_address(definition), 303)

    @expose("/<key>/<int:record_id>/do/<name>", methods=["POST"])
    @entity_page("read")
    def act(self, definition: EntityDefinition, record_id: int, name: str) -> Response:
        """A declared action."""
        action = {action.name: action for action in definition.model.actions}.get(name)
        if action is None:
            abort(404)
        with change_set("action", str(action.label)) as changes:
            record = changes.load(definition, record_id, action.right)
            if not action.offered(record):
                raise InvalidInput.of(None, gettext("This can't be done to the record now."))
            action.run(changes, record)
        toast(gettext("Done: %(action)s", action=action.label), "success", undo_address(changes.id))
        return redirect(record_address(definition, record_id), 303)


def register(_app: Flask, appbuilder: Any) -> None:
    """Add the pages."""
    appbuilder.add_view_no_menu(RecordPages)


def _title(definition: EntityDefinition) -> list[Field]:
    known = policy.known(definition)
    return [definition.title_field] if definition.title_field in known else []


def _get(definition: EntityDefinition, record_id: int) -> dict[str, Any]:
    """The record's row. One in the trash is named as such to those who may see the trash."""
    try:
        return Records(definition).get(record_id)
    except NotFound:
        if policy.current_viewer().can(definition.name, "delete"):
            trashed = Records(definition).in_trash().with_ids([record_id]).ids(1)
            if trashed:
                raise NotFound(
                    gettext("This record is in the trash. It can be restored there.")
                ) from None
        raise


# -- facts ---------------------------------------------------------------------------------


def _facts(
    definition: EntityDefinition, row: dict[str, Any], viewer: policy.Viewer
) -> list[tuple[str, list[tuple[str, Markup | str]]]]:
    """The fields in their groups; the title stands above the page."""
    skipped = companions(definition) | {definition.title_field.name}
    shown = [
        field
        for field in policy.known(definition, viewer)
        if not field.system and field.name not in skipped
    ]
    return [
        (group.title, [(str(f.label), _fact(f, row)) for f in group.fields])
        for group in groups(definition, shown)
    ]


def _fact(field: Field, row: dict[str, Any]) -> Markup | str:
    value = row.get(field.name)
    return "" if value is None else field.cell(value, row)


# -- what belongs to it --------------------------------------------------------------------


def _related(definition: EntityDefinition, record_id: int, viewer: policy.Viewer) -> list[Related]:
    """The records that point here, those that belong to this one first."""
    found = [
        (child.options.parent == reference.name, child, reference)
        for child, reference in registry.current().incoming.get(definition.name, ())
        if viewer.can(child.name, "read")
        and policy.access(child, reference, viewer) in ("read", "write")
    ]
    found.sort(key=lambda item: not item[0])
    several = {child.name for _own, child, _reference in found}
    return [
        _related_list(child, reference, record_id, viewer, len(several) < len(found))
        for _own, child, reference in found
    ]


def _related_list(
    child: EntityDefinition,
    reference: Field,
    record_id: int,
    viewer: policy.Viewer,
    ambiguous: bool,
) -> Related:
    shown = [column for column in columns(child, viewer) if column.name != reference.name]
    fields = needed(child, [column.field for column in shown])
    if child.review:
        fields.append(child.fields["review_state"])
    condition = Condition(reference.name, "eq", record_id)
    page = Records(child, viewer).where(condition).page(RELATED, fields)
    label = f"{child.plural} ({reference.label})" if ambiguous else child.plural
    writable = policy.access(child, reference, viewer) == "write"
    may_add = writable and viewer.can(child.name, "create")
    return Related(
        label=label,
        heads=[column.label for column in shown],
        lines=_lines(child, shown, page.rows),
        all_href=with_query(list_address(child), [("f", str(condition))]) if page.next else "",
        add_href=with_query(f"/{child.key}/add", [(reference.name, record_id)])
        if may_add
        else None,
    )


def _lines(
    child: EntityDefinition, shown: Sequence[Column], rows: Sequence[dict[str, Any]]
) -> list[tuple[str, Markup]]:
    draw = line_maker(child, shown)
    return [(record_address(child, row["id"]), draw(row)) for row in rows]


# -- what was done to it -------------------------------------------------------------------


def _history_href(definition: EntityDefinition, record_id: int) -> str | None:
    address = f"{record_address(definition, record_id)}/history"
    return address if has_page(address) else None


def _print_href(definition: EntityDefinition, record_id: int) -> str | None:
    address = f"/export/{definition.key}/{record_id}"
    allowed = policy.current_viewer().can(definition.name, "export")
    return address if allowed and has_page(address, "POST") else None


def _history(
    definition: EntityDefinition, record_id: int, viewer: policy.Viewer
) -> list[dict[str, Any]]:
    """The latest changes: who, when, what; fields are named only to those who may know of them."""
    statement = (
        select(Change.kind, Change.after, ChangeSet.user_id, ChangeSet.user_name, ChangeSet.at)
        .join(ChangeSet, ChangeSet.id == Change.change_set_id)
        .where(Change.entity == definition.name, Change.record_id == record_id)
        .order_by(Change.id.desc())
        .limit(LATEST)
    )
    labels = {field.name: str(field.label) for field in policy.known(definition, viewer)}
    return [
        {
            "kind": kind_words().get(kind, kind),
            "who": gettext("System") if user_id is None else user_name,
            "at": at,
            "fields": [labels[name] for name in after or () if name in labels]
            if kind == "update"
            else [],
        }
        for kind, after, user_id, user_name, at in db.session.execute(statement)
    ]


def kind_words() -> dict[str, str]:
    """What a change is called."""
    return {
        "create": gettext("added"),
        "update": gettext("changed"),
        "approve": gettext("approved"),
        "trash": gettext("moved to the trash"),
        "restore": gettext("restored"),
    }


# -- actions -------------------------------------------------------------------------------


def _offered(definition: EntityDefinition, record_id: int, viewer: policy.Viewer) -> list[Any]:
    """The declared actions that make sense for the record now and that the viewer may do."""
    allowed = [
        action for action in definition.model.actions if viewer.can(definition.name, action.right)
    ]
    if not allowed:
        return []
    record = db.session.get(definition.model, record_id)
    return [action for action in allowed if record is not None and action.offered(record)]
