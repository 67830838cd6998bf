"""Record pages: one record with its facts, what belongs to it, what was done to it, and the acts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from flask import Flask, abort, make_response, redirect, render_template, request
from flask_babel import gettext
from markupsafe import Markup
from sqlalchemy import select
from werkzeug.wrappers import Response

from app.engine import kept, policy, registry, unmasking
from app.engine import record_form as forms
from app.engine.actions import Action, Told
from app.engine.adapters.appbuilder.views import Pages, entity_page, expose
from app.engine.adapters.database import db
from app.engine.adapters.web import toast
from app.engine.addresses import has_page, list_address, record_address, undo_address, with_query
from app.engine.archives import archive_of
from app.engine.changes import Change, ChangeSet, change_set
from app.engine.changes.guarding import shut as why_shut
from app.engine.changes.merging import survivor_of
from app.engine.entity import ARCHIVED
from app.engine.errors import InvalidInput, NotFound, Problem
from app.engine.fields import Field
from app.engine.links import BY_LINK
from app.engine.presentation import (
    Column,
    columns,
    companions,
    filing_field,
    groups,
    is_draft,
    line_maker,
    may,
    needed,
    remarks_of,
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
    drop_href: str | None
    shut: Any = None
    """Why nothing is added to it now, where the viewer might else."""


class RecordPages(Pages):
    """/<key>/<id> and what is done to the record there"""

    @expose("/<key>/<int:record_id>")
    @entity_page("read")
    def record(self, definition: EntityDefinition, record_id: int) -> Any:
        """The record's page; of one that was merged, that of the record which it became part of."""
        viewer = policy.current_viewer()
        try:
            row = _get(definition, record_id)
        except NotFound:
            survivor = survivor_of(db.session(), definition, record_id)
            if survivor is None or not Records(definition).with_ids([survivor]).ids(1):
                raise
            toast(gettext("The record you asked for was merged into this one."), "info")
            return redirect(record_address(definition, survivor))
        draft, may_edit = is_draft(definition, row), may(definition, record_id, "update", viewer)
        return render_template(
            "records/record.html",
            definition=definition,
            row=row,
            title=title_of(definition, row),
            draft=draft,
            remarks=[*remarks_of(definition, "record", row), *kept.notices(definition, record_id)],
            base=list_address(definition),
            here=record_address(definition, record_id),
            groups=_facts(definition, row, viewer),
            related=_related(definition, record_id, viewer),
            parts=_parts(definition, record_id, viewer),
            history=_history(definition, record_id, viewer),
            history_href=_history_href(definition, record_id),
            access_href=_access_href(definition, record_id),
            personal_href=_personal_href(definition, record_id, row),
            pool_href=_pool_href(definition, record_id, row),
            hold_href=kept.hold_href(definition, record_id),
            print_href=_print_href(definition, record_id),
            catalogue_href=_catalogue_href(definition, record_id),
            may_edit=may_edit,
            share_href=_share_href(definition, record_id) if may_edit else None,
            may_delete=may(definition, record_id, "delete", viewer),
            archived=row.get(ARCHIVED) if definition.options.archivable else None,
            archivable=definition.options.archivable
            and has_page(f"/{definition.key}/bulk", "POST"),
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

    @expose("/<key>/<int:record_id>/do/<name>")
    @entity_page("read")
    def asked(self, definition: EntityDefinition, record_id: int, name: str) -> Any:
        """What a declared action asks for; nothing happens yet."""
        action = _action(definition, name)
        row = _get(definition, record_id)
        if not action.asks:
            return redirect(record_address(definition, record_id))
        policy.current_viewer().require(definition.name, action.right)
        fields = _asked(definition, action)
        return _act_page(definition, row, action, forms.row_texts(fields, row))

    @expose("/<key>/<int:record_id>/do/<name>", methods=["POST"])
    @entity_page("read")
    def act(self, definition: EntityDefinition, record_id: int, name: str) -> Any:
        """A declared action, with what it asks for where that was filled in."""
        action = _action(definition, name)
        fields = _asked(definition, action)
        sent, unfit = forms.sent_files(fields, request.files)
        texts = {**forms.sent_texts(fields, request.form), **sent}
        values, problems = forms.values_of(fields, texts, {})
        problems += unfit
        if problems:
            return _act_page(definition, _get(definition, record_id), action, texts, problems, 422)
        try:
            with change_set("action", str(action.label)) as changes:
                record = changes.load(definition, record_id, action.right)
                if not action.offered(record):
                    raise InvalidInput.of(None, gettext("This can't be done to the record now."))
                told = action.run(changes, record, values)
        except InvalidInput as error:
            if not fields:
                raise
            row = _get(definition, record_id)
            return _act_page(definition, row, action, texts, error.problems, error.status)
        if told is not None:
            return _told_page(definition, _get(definition, record_id), action, told)
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
        if not field.system and not field.internal and field.name not in skipped
    ]
    filled = [field for field in shown if row.get(field.name) is not None]
    unmaskable = unmasking.offered(definition, row["id"], filled)
    here = record_address(definition, row["id"])
    return [
        (
            group.title,
            [
                (str(f.label), _fact(f, row, here if f.name in unmaskable else None))
                for f in group.fields
            ],
        )
        for group in groups(definition, shown)
    ]


def _fact(field: Field, row: dict[str, Any], unmasked_at: str | None) -> Markup | str:
    """The value; a masked one that may be shown with the way to have it shown."""
    value = row.get(field.name)
    drawn = "" if value is None else field.cell(value, row)
    address = f"{unmasked_at}/unmask/{field.name}"
    if unmasked_at is None or not has_page(address):
        return drawn
    drawn_with = render_template("unmask/_masked.html", drawn=drawn, field=field, address=address)
    return Markup(drawn_with)  # noqa: S704  a template's output


# -- what belongs to it --------------------------------------------------------------------


def _related(definition: EntityDefinition, record_id: int, viewer: policy.Viewer) -> list[Related]:
    """The records that point here, those that belong to this one first."""
    found = [
        (child.options.parent == reference.name, child, reference)
        for child, reference in registry.current().incoming.get(definition.name, ())
        if viewer.can(child.name, "read")
        and child.options.graph is None
        and policy.access(child, reference, viewer) in ("read", "write")
    ]
    found.sort(key=lambda item: not item[0])
    ways = Counter(child.name for _own, child, _reference in found)
    return [
        _related_list(
            child, reference, record_id, viewer, child is definition or ways[child.name] > 1
        )
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
    add_href = with_query(f"/{child.key}/add", [(reference.name, record_id)]) if may_add else None
    drop_href = _drop_href(child, reference, record_id)
    shut = None
    if add_href or drop_href:
        target = registry.current().entity(str(reference.target))
        shut = why_shut(db.session(), target, child, record_id)
    return Related(
        label=label,
        heads=[column.label for column in shown],
        lines=_lines(child, shown, page.rows),
        all_href=with_query(list_address(child), [("f", str(condition))]) if page.next else "",
        add_href=None if shut else add_href,
        drop_href=None if shut else drop_href,
        shut=shut,
    )


def _drop_href(child: EntityDefinition, reference: Field, record_id: int) -> str | None:
    """Where files are taken that each become a record of the list."""
    if filing_field(child, reference) is None:
        return None
    target = registry.current().entity(str(reference.target))
    address = f"{record_address(target, record_id)}/files/{child.key}/{reference.name}"
    return address if has_page(address, "POST") else None


def _lines(
    child: EntityDefinition, shown: Sequence[Column], rows: Sequence[dict[str, Any]]
) -> list[tuple[str, Markup]]:
    draw = line_maker(child, shown)
    return [(record_address(child, row["id"]), draw(row)) for row in rows]


def _parts(
    definition: EntityDefinition, record_id: int, viewer: policy.Viewer
) -> list[tuple[str, Any, str]]:
    """Parts of the page that are fetched after it: the timeline, the graph."""
    here, children = record_address(definition, record_id), _children(definition, viewer)
    found: list[tuple[str, Any, str]] = []
    if any(child.options.timeline for child in children) and has_page(f"{here}/timeline"):
        found.append(("timeline", gettext("Timeline"), f"{here}/timeline"))
    graphs = [child.options.graph for child in children if child.options.graph is not None]
    if graphs and has_page(f"{here}/graph"):
        found.append(("graph", graphs[0].label, f"{here}/graph"))
    return found


def _children(definition: EntityDefinition, viewer: policy.Viewer) -> list[EntityDefinition]:
    """The entities that point at this one and that the viewer may see."""
    incoming = registry.current().incoming.get(definition.name, ())
    return [child for child, _reference in incoming if viewer.can(child.name, "read")]


# -- what was done to it -------------------------------------------------------------------


def _history_href(definition: EntityDefinition, record_id: int) -> str | None:
    address = f"{record_address(definition, record_id)}/history"
    return address if has_page(address) else None


def _access_href(definition: EntityDefinition, record_id: int) -> str | None:
    address = f"{record_address(definition, record_id)}/access"
    allowed = policy.current_viewer().can(policy.USERS, "read")
    return address if allowed and has_page(address) else None


def _personal_href(definition: EntityDefinition, record_id: int, row: dict[str, Any]) -> str | None:
    address = f"{record_address(definition, record_id)}/personal"
    allowed = policy.current_viewer().can(policy.PERSONAL_DATA, "read")
    wanted = allowed and definition.options.is_about_person(row.get)
    return address if wanted and has_page(address) else None


def _pool_href(definition: EntityDefinition, record_id: int, row: dict[str, Any]) -> str | None:
    """Where the record is given back to the pool, while somebody owns it."""
    address = f"/{definition.key}/pool/return"
    owner = definition.owner_field
    if not definition.options.pool or owner is None or row.get(owner.name) is None:
        return None
    return with_query(address, [("ids", record_id)]) if has_page(address) else None


def _share_href(definition: EntityDefinition, record_id: int) -> str | None:
    address = f"{record_address(definition, record_id)}/share"
    allowed = policy.current_viewer().can("RecordShare", "create")
    offered = allowed and not definition.options.shapes_rights and has_page(address)
    return address if offered else None


def _catalogue_href(definition: EntityDefinition, record_id: int) -> str | None:
    """Of an archive package."""
    address = f"{record_address(definition, record_id)}/catalogue"
    return address if archive_of(definition.name) is not None and has_page(address) else None


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
    labels = {
        field.name: str(field.label)
        for field in policy.known(definition, viewer)
        if not field.internal
    }
    return [
        {
            "kind": kind_words().get(kind, kind),
            "who": _who(user_id, user_name),
            "at": at,
            "fields": [labels[name] for name in after or () if name in labels]
            if kind == "update"
            else [],
        }
        for kind, after, user_id, user_name, at in db.session.execute(statement)
    ]


def _who(user_id: int | None, user_name: str) -> str:
    if user_id is not None:
        return user_name
    return str(gettext("Somebody by a link") if user_name == BY_LINK else gettext("System"))


def kind_words() -> dict[str, str]:
    """What a change is called."""
    return {
        "create": gettext("added"),
        "update": gettext("changed"),
        "approve": gettext("approved"),
        "trash": gettext("moved to the trash"),
        "restore": gettext("restored"),
        "erase": gettext("personal data erased"),
    }


# -- actions -------------------------------------------------------------------------------


def _offered(definition: EntityDefinition, record_id: int, viewer: policy.Viewer) -> list[Any]:
    """The declared actions that make sense for the record now and that the viewer may do."""
    actions = [a for a in definition.model.actions if policy.sees(definition, a.tells, viewer)]
    allowed = {
        right: may(definition, record_id, right, viewer) for right in {a.right for a in actions}
    }
    record = db.session.get(definition.model, record_id) if any(allowed.values()) else None
    return [a for a in actions if record is not None and allowed[a.right] and a.offered(record)]


def _action(definition: EntityDefinition, name: str) -> Action:
    action = {action.name: action for action in definition.model.actions}.get(name)
    if action is None or not policy.sees(definition, action.tells):
        abort(404)
    return action


def _asked(definition: EntityDefinition, action: Action) -> list[Field]:
    """What the action asks for, as far as the viewer may write it."""
    writable = {field.name: field for field in policy.writable(definition)}
    return [writable[name] for name in action.asks if name in writable]


def _told_page(
    definition: EntityDefinition, row: dict[str, Any], action: Action, told: Told
) -> Response:
    """What an action has to say; kept by no one, so that it is shown this once."""
    page = render_template(
        "records/told.html",
        definition=definition,
        action=action,
        told=told,
        title=title_of(definition, row),
        base=list_address(definition),
        here=record_address(definition, row["id"]),
    )
    answer = make_response(page)
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _act_page(
    definition: EntityDefinition,
    row: dict[str, Any],
    action: Action,
    texts: forms.Texts,
    problems: Sequence[Problem] = (),
    status: int = 200,
) -> Response:
    fields = _asked(definition, action)
    labels = {**forms.row_labels(fields, row), **forms.text_labels(fields, texts)}
    drawn = forms.RecordForm(definition, fields, texts, labels, problems)
    for field in fields:
        drawn.form[field.name].flags.required = True
    page = render_template(
        "records/act.html",
        definition=definition,
        drawn=drawn,
        action=action,
        title=title_of(definition, row),
        base=list_address(definition),
        here=record_address(definition, row["id"]),
    )
    return make_response(page, status)
