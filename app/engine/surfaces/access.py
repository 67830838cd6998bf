"""Why can this person see this record, why not, and what of it: answered with the rules themselves."""

from __future__ import annotations

from typing import Any

from flask import Flask, redirect, render_template, request
from flask_babel import gettext
from flask_babel import lazy_gettext as _

from app.engine import people, policy
from app.engine.adapters.appbuilder.roles import RoleLabel, role_labels
from app.engine.adapters.appbuilder.views import Pages, entity_page, expose, page
from app.engine.addresses import has_page, record_address
from app.engine.errors import NotFound
from app.engine.presentation import title_of
from app.engine.query import Records
from app.engine.registry import EntityDefinition, current
from app.engine.rights_grid import COLUMNS, areas, column_words, row, worded
from app.engine.rights_words import ACCESS_WORDS, ACTION_WORDS, field_word, grant_words

ACTIONS = ("read", "update", "delete", "approve", "export", "purge", "unmask")
"""What is done to one record; the other actions are about none that there is."""

Labels = dict[int, RoleLabel]


class AccessPages(Pages):
    """/<key>/<id>/access?person=<id>, /users/<id>/access"""

    @expose("/users/<int:user_id>/access")
    @page(policy.USERS, "read")
    def person(self, user_id: int) -> Any:
        """What somebody may do in all; for one entity by which rule, field by field."""
        viewer = policy.viewer_by_id(user_id)
        name = people.names_of([user_id]).get(user_id)
        if name is None:
            raise NotFound(_("There is no such user."))
        definition = current().entities.get(request.args.get("on", ""))
        record = request.args.get("record", type=int)
        if definition is not None and record:
            return redirect(f"{record_address(definition, record)}/access?person={user_id}")
        labels = role_labels()
        asker = policy.current_viewer()
        return render_template(
            "access/person.html",
            user_id=user_id,
            name=name,
            inactive=viewer.user_id is None,
            roles=[(role.role_id, labels[role.role_id].name) for role in viewer.rights.roles],
            given=viewer.role_ids,
            columns=column_words(),
            areas=_grid(viewer),
            known=current().entities,
            definition=definition,
            rules=_rules(definition, viewer, labels) if definition else [],
            fields=_fields(definition, viewer, every=True) if definition else [],
            may_pick=definition is not None and asker.can(definition.name, "read"),
            may_view_as=asker.can(policy.VIEW_AS, "read")
            and asker.user_id != user_id
            and has_page(f"/view-as/{user_id}", "POST"),
        )

    @expose("/<key>/<int:record_id>/access")
    @entity_page("read")
    def access(self, definition: EntityDefinition, record_id: int) -> str:
        """What a person may do with the record and see of it; for who manages users."""
        policy.current_viewer().require(policy.USERS, "read")
        found = Records(definition).get(record_id)
        person = request.args.get("person", type=int)
        asked = policy.viewer_by_id(person) if person else None
        return render_template(
            "access/access.html",
            definition=definition,
            here=record_address(definition, record_id),
            title=title_of(definition, found),
            person=person,
            name=people.names_of([person]).get(person) if person else None,
            rows=_rows(definition, record_id, asked) if asked else [],
            fields=_fields(definition, asked) if asked else [],
        )


def _rows(
    definition: EntityDefinition, record_id: int, viewer: policy.Viewer
) -> list[dict[str, Any]]:
    labels = role_labels()
    approved = definition.review or any(one.right == "approve" for one in definition.model.actions)
    actions = [action for action in ACTIONS if action != "approve" or approved]
    return [
        {
            "action": ACTION_WORDS[answer.action],
            "allowed": answer.allowed,
            "reasons": [_row_reason(definition, reason, labels) for reason in answer.reasons],
        }
        for answer in policy.why_record(definition, record_id, viewer, actions)
    ]


def _grid(viewer: policy.Viewer) -> list[dict[str, Any]]:
    """All that the person's roles give together."""
    words = worded()
    return [
        {
            "label": label,
            "rows": [
                row(name, ((words(name, viewer.grants(name, one)), True) for one in COLUMNS))
                for name in names
            ],
        }
        for label, names in areas()
    ]


def _rules(
    definition: EntityDefinition, viewer: policy.Viewer, labels: Labels
) -> list[dict[str, Any]]:
    """For each action, what each role says of it."""
    return [
        {
            "action": ACTION_WORDS[action],
            "reasons": [
                gettext(
                    "%(role)s: %(grant)s",
                    role=labels[role.role_id].name,
                    grant=grant_words(definition.name, grant),
                )
                for role in viewer.rights.roles
                if (grant := role.grant(definition.name, action)).scope != "none"
            ],
        }
        for action in policy.ACTIONS
    ]


def _row_reason(
    definition: EntityDefinition, reason: policy.RowReason, labels: Labels
) -> dict[str, Any]:
    if reason.grant is None or reason.role_id is None:
        return {"holds": True, "text": gettext("The record was shared with them.")}
    words = grant_words(definition.name, reason.grant)
    role = labels[reason.role_id].name
    return {"holds": reason.holds, "text": gettext("%(role)s: %(grant)s", role=role, grant=words)}


def _fields(
    definition: EntityDefinition, viewer: policy.Viewer, every: bool = False
) -> list[dict[str, Any]]:
    """The fields that they do not see or write freely (or every one), with what their roles say."""
    labels = role_labels()
    return [
        {
            "label": field.label,
            "access": ACCESS_WORDS[access],
            "reasons": [
                _field_reason(reason, labels)
                for reason in policy.why_field(definition, field, viewer)
            ],
        }
        for field in definition.fields.values()
        if not field.system
        and ((access := viewer.access(definition.name, field)) != "write" or every)
    ]


def _field_reason(reason: policy.FieldReason, labels: Labels) -> str:
    role, access = labels[reason.role_id].name, ACCESS_WORDS[reason.access]
    if reason.line is None:
        return str(gettext("%(role)s: %(grant)s", role=role, grant=access))
    what = field_word(*reason.line)
    return str(gettext("%(role)s: %(what)s – %(access)s", role=role, what=what, access=access))


def register(_app: Flask, appbuilder: Any) -> None:
    """Add the page."""
    appbuilder.add_view_no_menu(AccessPages)
