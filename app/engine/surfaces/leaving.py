"""Leaving: what a person has, to whom it goes, and what became of it."""

from __future__ import annotations

from typing import Any

from flask import Flask, make_response, redirect, render_template, request
from flask_babel import gettext
from werkzeug.wrappers import Response

from app.engine import audit, handover, people, policy, registry
from app.engine.adapters.appbuilder import accounts, api_keys
from app.engine.adapters.appbuilder.views import Pages, expose, page
from app.engine.adapters.database import db
from app.engine.adapters.web import toast
from app.engine.addresses import record_address, undo_address
from app.engine.bulk import AT_ONCE
from app.engine.errors import InvalidInput
from app.engine.messages import thaw


class LeavingPages(Pages):
    """/users/leaving/<id> and /users/handover/<id>"""

    @expose("/users/leaving/<int:pk>", methods=["GET", "POST"])
    @page(policy.USERS, "update")
    def leaving(self, pk: int) -> Response | str:
        """What would go, with numbers; a POST names the successor and does it."""
        user = accounts.user_by_id(pk)
        problem = ""
        if request.method == "POST":
            try:
                row = handover.hand_over(pk, _successor(), lambda: _close(pk))
            except InvalidInput as error:
                db.session.rollback()
                problem = str(error)
            else:
                toast(gettext("%(who)s can't sign in any more.", who=user.full_name), "success")
                return redirect(f"/users/handover/{row.id}", 303)
        found, others = handover.counted(pk)
        chosen = request.form.get("successor", type=int)
        answer = render_template(
            "security/leaving.html",
            user=accounts.user_by_id(pk),
            parts=[
                (part.definition.plural, part.field.label, number, part.ends)
                for part, number in found
            ],
            others=[(one.label, number) for one, number in others],
            keys=api_keys.live_keys_of(pk),
            many=sum(number for _part, number in found) > AT_ONCE,
            successor=chosen,
            successor_name=people.names_of([chosen]).get(chosen, "") if chosen else "",
            problem=problem,
        )
        return make_response(answer, 422 if problem else 200)

    @expose("/users/handover/<int:hand_over_id>")
    @page(policy.USERS, "read")
    def done(self, hand_over_id: int) -> str:
        """What went and what could not."""
        row = handover.of_id(hand_over_id)
        names = people.names_of([row.leaver_id, row.successor_id])
        return render_template(
            "security/handover.html",
            row=row,
            leaver=names.get(row.leaver_id, f"#{row.leaver_id}"),
            successor=names.get(row.successor_id, f"#{row.successor_id}"),
            parts=[_part(line) for line in row.parts],
            others=list(handover.in_words(row)),
            refused=[one for line in row.parts for one in _refused(line)],
            undo=undo_address(row.change_set_id) if handover.stands(row) else None,
        )


def _successor() -> int:
    """Raises InvalidInput."""
    given = request.form.get("successor", type=int)
    if given is None:
        raise InvalidInput.of("successor", gettext("Choose who takes over."))
    if request.form.get("sure") != "yes":
        raise InvalidInput.of("sure", gettext("Confirm that the account ends."))
    return given


def _close(pk: int) -> None:
    """The account is switched off, and no session, token or key of it works any more."""
    accounts.close(pk)
    audit.record("account.handed_over", person_id=pk)


def _part(line: dict[str, Any]) -> dict[str, Any]:
    definition = registry.current().entities.get(line["entity"])
    known = definition.fields.get(line["field"]) if definition is not None else None
    return {
        "entity": definition.plural if definition is not None else line["entity"],
        "field": known.label if known is not None else line["field"],
        "ends": line["ends"],
        "changed": line["tally"]["changed"],
        "refused": line["tally"]["refused"],
    }


def _refused(line: dict[str, Any]) -> list[dict[str, Any]]:
    definition = registry.current().entities.get(line["entity"])
    return [
        {
            "name": reason["name"],
            "entity": definition.label if definition is not None else line["entity"],
            "href": record_address(definition, reason["id"]) if definition is not None else None,
            "why": thaw(reason["why"]),
        }
        for reason in line["tally"]["reasons"]
    ]


def register(_app: Flask, appbuilder: Any) -> None:
    """Add the pages."""
    appbuilder.add_view_no_menu(LeavingPages)
