"""Change sets: which there were, what each did, and taking one back."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from flask import redirect, render_template, request, url_for
from flask_babel import gettext, ngettext
from flask_babel import lazy_gettext as _
from sqlalchemy import Select, select
from werkzeug.wrappers import Response

from app.engine import changes, policy, registry
from app.engine.adapters.appbuilder.views import Pages, expose, page
from app.engine.adapters.database import db
from app.engine.adapters.web import is_own_address, toast
from app.engine.addresses import has_page, with_query
from app.engine.changes import ChangeSet, UndoReport, may_undo
from app.engine.changes import models as kinds
from app.engine.errors import InvalidInput, NotAllowed, NotFound, ValueProblem
from app.engine.surfaces.history import words as called
from app.engine.surfaces.history.contents import contents, report_of
from app.engine.undoing import request_undo

PAGE = 50
INLINE = 200
"""A change set of more changes is undone by a job: nobody should wait for a page so long."""


class ChangeSetPages(Pages):
    """/changes/ and what one can do there."""

    @expose("/changes/")
    @page()
    def list(self) -> str:
        """One's own change sets; everybody's for those who look after the system."""
        mine = not sees_all() or request.args.get("whose") == "mine"
        door = request.args.get("door", "")
        rows, newer, older = page_of(narrowed(mine, door))
        return render_template(
            "history/sets.html",
            sets=[summary(row) for row in rows],
            tabs=tabs(mine, door),
            door=door,
            doors=called.DOORS.items(),
            whose=request.args.get("whose", ""),
            newer=newer,
            older=older,
        )

    @expose("/changes/<int:change_set_id>")
    @page()
    def show(self, change_set_id: int) -> str:
        """One change set: what it did, as far as the viewer may see that, and how its undo went."""
        found = load(change_set_id)
        undone_by = db.session.scalar(
            select(ChangeSet)
            .where(ChangeSet.undoes_id == change_set_id)
            .order_by(ChangeSet.id.desc())
            .limit(1)
        )
        report = undone_by.report if undone_by is not None else found.report
        return render_template(
            "history/set.html",
            made=summary(found),
            contents=contents(found, request.args.get("after", 0, type=int)),
            undone_by=undone_by,
            report=report_of(report) if report else None,
            large=total(found) > INLINE,
            open=found.state == kinds.OPEN,
        )

    @expose("/changes/<int:change_set_id>/undo", methods=["POST"])
    @page()
    def undo(self, change_set_id: int) -> Response:
        """Take the change set back: at once, or by a job when there is much to do."""
        found = load(change_set_id)
        if not may_undo(found, policy.current_viewer()):
            raise NotAllowed
        here = url_for(".show", change_set_id=change_set_id)
        if total(found) > INLINE and found.state not in (kinds.UNDONE, kinds.PARTLY):
            return asked_for(found, here)
        try:
            report = changes.undo(change_set_id)
        except InvalidInput as error:
            toast(" ".join(str(problem.message) for problem in error.problems), "warning")
            return redirect(here)
        registry.refresh()
        toast(outcome(report), "success" if all_reversed(report) else "warning")
        return redirect(came_from(found, here) if all_reversed(report) else here)


def asked_for(found: ChangeSet, here: str) -> Response:
    """A job is to take it back; the page that shows how far it has come."""
    title = _("Undo of change set %(number)s", number=found.id)
    try:
        job = request_undo(found.id, title, total=total(found))
    except InvalidInput as error:
        toast(str(error), "warning")
        return redirect(here)
    return redirect(f"/jobs/{job.id}")


def sees_all() -> bool:
    """Whether the viewer looks after the system."""
    return policy.current_viewer().can(policy.SYSTEM, "read")


def may_see(found: ChangeSet) -> bool:
    """One's own, and everybody's for those who look after the system."""
    viewer = policy.current_viewer()
    return sees_all() or (found.user_id is not None and found.user_id == viewer.user_id)


def load(change_set_id: int) -> ChangeSet:
    """Raises NotFound, also for those of others."""
    found: ChangeSet | None = db.session.get(ChangeSet, change_set_id, populate_existing=True)
    if found is None or not may_see(found):
        raise NotFound(_("There is no such change set."))
    return found


def narrowed(mine: bool, door: str) -> Select[tuple[ChangeSet]]:
    """The change sets that the list is about. Raises ValueProblem for an unknown door."""
    statement = select(ChangeSet)
    if mine:
        statement = statement.where(ChangeSet.user_id == policy.current_viewer().user_id)
    if door:
        if door not in called.DOORS:
            raise ValueProblem(gettext("There is no way called “%(door)s”.", door=door[:20]))
        statement = statement.where(ChangeSet.door == door)
    return statement


def page_of(
    statement: Select[tuple[ChangeSet]],
) -> tuple[list[ChangeSet], str | None, str | None]:
    """A page by keyset, newest first, with the addresses of the pages beside it."""
    before = request.args.get("before", type=int)
    after = request.args.get("after", type=int)
    if after is not None:
        statement = statement.where(ChangeSet.id > after).order_by(ChangeSet.id)
    else:
        statement = statement.order_by(ChangeSet.id.desc())
        if before is not None:
            statement = statement.where(ChangeSet.id < before)
    found = list(db.session.scalars(statement.limit(PAGE + 1)))
    more, rows = len(found) > PAGE, found[:PAGE]
    if after is not None:
        rows.reverse()
    if not rows:
        return [], None, None
    kept = {name: request.args[name] for name in ("whose", "door") if request.args.get(name)}
    newer = list_address(after=rows[0].id, **kept)
    older = list_address(before=rows[-1].id, **kept)
    has_newer = more if after is not None else before is not None
    has_older = after is not None or more
    return rows, newer if has_newer else None, older if has_older else None


def list_address(**given: Any) -> str:
    """The list of change sets, with these pairs."""
    return with_query("/changes/", list(given.items()))


def tabs(mine: bool, door: str) -> list[dict[str, Any]]:
    """Everybody's, and one's own; what was changed in roles, which is undone there."""
    kept = {"door": door} if door else {}
    found = [
        {"label": gettext("Everybody's"), "href": list_address(**kept), "active": not mine},
        {"label": gettext("My own"), "href": list_address(whose="mine", **kept), "active": mine},
    ]
    of_roles = {"label": gettext("Of roles"), "href": "/roles/changes", "active": False}
    if policy.current_viewer().can(policy.USERS, "read") and has_page(of_roles["href"]):
        return [*(found if sees_all() else found[1:]), of_roles]
    return found if sees_all() else []


def summary(found: ChangeSet) -> dict[str, Any]:
    """A change set as the pages show it."""
    state, tone = called.STATES[found.state]
    undoable = found.state in (kinds.DONE, kinds.OPEN) and total(found) > 0
    return {
        "id": found.id,
        "at": found.at,
        "who": called.person(found.user_name),
        "door": called.door(found.door),
        "reason": found.reason,
        "counts": called.counts(found.counts),
        "state": state,
        "tone": tone,
        "undoes_id": found.undoes_id,
        "may_undo": undoable and may_undo(found, policy.current_viewer()),
    }


def total(found: ChangeSet) -> int:
    """How many changes it holds."""
    return sum(int(amount) for amount in (found.counts or {}).values())


def all_reversed(report: UndoReport) -> bool:
    """Whether nothing was left standing."""
    return not report.kept and not report.blocked


def outcome(report: UndoReport) -> str:
    """What undoing did, in a sentence."""
    if all_reversed(report):
        words = ngettext("%(num)s change undone.", "%(num)s changes undone.", report.reversed)
    else:
        words = gettext(
            "%(reversed)s undone, %(kept)s kept because edited since, %(blocked)s blocked.",
            reversed=report.reversed,
            kept=report.kept,
            blocked=report.blocked,
        )
    return str(words)


def came_from(found: ChangeSet, here: str) -> str:
    """The page where “Undo” was clicked, unless undoing took away what it showed."""
    referrer = urlsplit(request.referrer or "")
    address = referrer.path + (f"?{referrer.query}" if referrer.query else "")
    same = referrer.netloc == request.host and is_own_address(address)
    taken_away = (found.counts or {}).get(kinds.CREATE)
    if not same or taken_away or "/changes/" in referrer.path:
        return here
    return address
