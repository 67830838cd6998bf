"""Sharing: whoever may change a record lets a person or a team see it, or edit it, for a while."""

from __future__ import annotations

import datetime
from typing import Any

from flask import Flask, make_response, redirect, render_template, request
from flask_babel import gettext
from werkzeug.wrappers import Response

from app.engine import people, policy
from app.engine.adapters.appbuilder.views import Pages, entity_page, expose
from app.engine.adapters.database import now
from app.engine.adapters.web import toast
from app.engine.addresses import record_address, undo_address
from app.engine.changes import change_set
from app.engine.errors import InvalidInput, NotAllowed, NotFound
from app.engine.fields.time import reader_zone
from app.engine.presentation import may, title_of
from app.engine.query import Condition, Records, titles
from app.engine.registry import EntityDefinition, current

USUAL = datetime.timedelta(days=30)
MOST = 100
FIELDS = ("person", "team", "may_edit", "until", "created_by")


class SharingPages(Pages):
    """/<key>/<id>/share"""

    @expose("/<key>/<int:record_id>/share", methods=["GET", "POST"])
    @entity_page("update")
    def share(self, definition: EntityDefinition, record_id: int) -> Any:
        """With whom the record is shared, and a form that shares it."""
        viewer = policy.current_viewer()
        viewer.require("RecordShare", "create")
        found = Records(definition).get(record_id)
        if definition.options.shapes_rights:
            raise NotFound
        if not may(definition, record_id, "update", viewer):
            raise NotAllowed
        problems: tuple[Any, ...] = ()
        if request.method == "POST":
            try:
                return _shared(definition, record_id)
            except InvalidInput as error:
                problems = error.problems
        answer = render_template(
            "sharing/share.html",
            definition=definition,
            title=title_of(definition, found),
            here=record_address(definition, record_id),
            shares=_shares(definition, record_id),
            problems=[str(problem.message) for problem in problems],
            chosen=_chosen(),
        )
        return make_response(answer, 422 if problems else 200)

    @expose("/<key>/<int:record_id>/share/<int:share_id>/end", methods=["POST"])
    @entity_page("read")
    def end(self, definition: EntityDefinition, record_id: int, share_id: int) -> Response:
        """The record is shared so no longer."""
        share = current().entity("RecordShare")
        row = Records(share).get(share_id)
        if (row["entity"], row["record"]) != (definition.name, record_id):
            raise NotFound
        with change_set("form") as changes:
            changes.trash(share, share_id)
        toast(gettext("It is no longer shared so."), "success", undo_address(changes.id))
        return redirect(f"{record_address(definition, record_id)}/share", 303)


def register(_app: Flask, appbuilder: Any) -> None:
    """Add the pages."""
    appbuilder.add_view_no_menu(SharingPages)


def _shared(definition: EntityDefinition, record_id: int) -> Response:
    """Raises InvalidInput."""
    values = {
        "entity": definition.name,
        "record": record_id,
        "person": request.form.get("person", type=int),
        "team": request.form.get("team", type=int),
        "may_edit": request.form.get("may_edit") == "1",
        "until": _end_of(request.form.get("until", "").strip()),
    }
    with change_set("form") as changes:
        changes.create(current().entity("RecordShare"), values)
    toast(gettext("Shared."), "success", undo_address(changes.id))
    return redirect(f"{record_address(definition, record_id)}/share", 303)


def _end_of(day: str) -> Any:
    """The last minute of the day where the reader is; what is no day is for the field to refuse."""
    try:
        date = datetime.date.fromisoformat(day)
    except ValueError:
        return day or None
    return datetime.datetime.combine(date, datetime.time(23, 59), reader_zone())


def _shares(definition: EntityDefinition, record_id: int) -> list[dict[str, Any]]:
    """The shares of the record that the viewer may see, those that have ended left out."""
    share, viewer = current().entity("RecordShare"), policy.current_viewer()
    fields = [share.field(name) for name in FIELDS]
    conditions = (
        Condition("entity", "eq", definition.name),
        Condition("record", "eq", record_id),
    )
    rows = [
        row
        for row in Records(share).where(*conditions).page(MOST, fields).rows
        if row["until"] is None or row["until"] > now()
    ]
    names = people.names_of({row[n] for row in rows for n in ("person", "created_by") if row[n]})
    teams = titles("Team", [row["team"] for row in rows if row["team"]])
    return [
        {
            "id": row["id"],
            "person": names.get(row["person"]),
            "team": teams.get(row["team"]),
            "may_edit": row["may_edit"],
            "until": row["until"],
            "by": names.get(row["created_by"]) or gettext("System"),
            "may_end": may(share, row["id"], "delete", viewer),
        }
        for row in rows
    ]


def _chosen() -> dict[str, Any]:
    """What the form holds: what was sent, else a month from now."""
    given = request.form
    person, team = given.get("person", type=int), given.get("team", type=int)
    today = now().astimezone(reader_zone()).date()
    return {
        "person": person,
        "person_name": people.names_of([person]).get(person) if person else None,
        "team": team,
        "team_name": titles("Team", [team]).get(team) if team else None,
        "may_edit": given.get("may_edit") == "1",
        "until": given.get("until", (today + USUAL).isoformat()),
        "first": today.isoformat(),
    }
