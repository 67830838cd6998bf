"""View as: an administrator sees the pages as another person does, and can change nothing there."""

from __future__ import annotations

from typing import Any

from flask import Flask, redirect, request
from flask_babel import gettext
from werkzeug.wrappers import Response

from app.engine import audit, policy
from app.engine.adapters.appbuilder.views import Pages, expose, page
from app.engine.adapters.database import READ_ONLY, db
from app.engine.adapters.web import SAFE_METHODS, by_token, home, toast
from app.engine.errors import NotAllowed
from app.engine.policy import looking


class ViewAsPages(Pages):
    """/view-as/…"""

    @expose("/view-as/<int:user_id>", methods=["POST"])
    @page(policy.VIEW_AS, "read")
    def begin(self, user_id: int) -> Response:
        """See the pages as this person does."""
        looking.begin(policy.current_viewer(), user_id)
        audit.record("view_as", person_id=user_id, details={"what": "begin"}, apart=True)
        return redirect(home(), 303)

    @expose("/view-as/end", methods=["POST"])
    @page()
    def end(self) -> Response:
        """Be oneself again."""
        return redirect(f"/users/{ended}/access" if (ended := _end("ended")) else home(), 303)


def register(app: Flask, appbuilder: Any) -> None:
    """Add the pages, the banner of every page, and the refusal of whatever writes."""
    appbuilder.add_view_no_menu(ViewAsPages)
    app.before_request(_only_look)
    app.context_processor(lambda: {"viewing_as": viewing_as()})


def viewing_as() -> str | None:
    """The name of the person whose pages are shown; None when they are one's own."""
    if by_token() or not looking.begun():
        return None
    viewer = policy.current_viewer()
    return viewer.name if viewer.behind is not None else None


def _only_look() -> None:
    """The one place that holds a session to reading while it shows another person's pages.

    By the request's method, and below that in the database: its session takes no writing
    transaction. Raises NotAllowed.
    """
    if by_token() or not looking.begun() or request.endpoint in (None, "static"):
        return
    if policy.current_viewer().behind is None:
        _end("no longer allowed, or too long")
        toast(gettext("You are viewing as yourself again."), "info")
        return
    endpoint = str(request.endpoint)
    if endpoint.endswith(".logout") and request.method == "POST":
        _end("signed out")
        return
    db.session().info[READ_ONLY] = looking.ONLY_LOOKING
    if request.method not in SAFE_METHODS and endpoint != "ViewAsPages.end":
        raise NotAllowed(looking.ONLY_LOOKING)


def _end(why: str) -> int | None:
    person = looking.end()
    if person is not None:
        audit.record("view_as", person_id=person, details={"what": "end", "why": why}, apart=True)
    return person
