"""Where people are signed in, on their profile and for those who manage users: seen and ended."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from flask import redirect, url_for
from flask_appbuilder.baseviews import BaseView, expose
from flask_babel import gettext, ngettext
from flask_login import current_user
from werkzeug.wrappers import Response

from app.engine import audit
from app.engine.adapters import web
from app.engine.adapters.appbuilder import accounts, attempts, sessions
from app.engine.adapters.appbuilder.guard import Guard
from app.engine.adapters.appbuilder.sessions import PROGRAM, SignedIn
from app.engine.adapters.database import db, write_transaction
from app.engine.errors import NotAllowed, NotFound
from app.engine.policy import USERS, current_viewer

BROWSERS = (
    ("MicroMessenger", "WeChat"),
    ("Edg", "Edge"),
    ("OPR", "Opera"),
    ("Firefox", "Firefox"),
    ("Chrome", "Chrome"),
    ("Safari", "Safari"),
)
SYSTEMS = (
    ("HarmonyOS", "HarmonyOS"),
    ("Android", "Android"),
    ("iPhone", "iOS"),
    ("iPad", "iPadOS"),
    ("Windows", "Windows"),
    ("Mac OS X", "macOS"),
    ("Linux", "Linux"),
)
"""What stands in a browser's own account of itself, and what that is called; the first that fits."""


@dataclass(frozen=True)
class Shown:
    """A sign-in as a page shows it."""

    row: SignedIn
    what: str
    current: bool


def shown(user_id: int) -> list[Shown]:
    """What a person is signed in with now."""
    return [Shown(row, _what(row), row.id == sessions.current_id()) for row in sessions.of(user_id)]


class SessionsView(BaseView):
    """/sessions/…: ending sign-ins, one's own and, for those who manage users, others'."""

    route_base = "/sessions"
    default_view = "end"

    @expose("/<int:pk>/end", methods=["POST"])
    def end(self, pk: int) -> Response:
        """One of them."""
        row = db.session.get(SignedIn, pk) if pk <= accounts.LARGEST_ID else None
        _require_signed_in()
        if row is None or not _may(row.user_id):
            raise NotFound
        return self._ended(row.user_id, id=row.id)

    @expose("/of/<int:user_id>/end", methods=["POST"])
    def end_all(self, user_id: int) -> Response:
        """All of a person's, but the one that this is asked from."""
        _require_signed_in()
        if user_id > accounts.LARGEST_ID or not _may(user_id):
            raise NotFound
        return self._ended(user_id, user_id=user_id, but=sessions.current_id())

    @expose("/of/<int:user_id>/unlock", methods=["POST"])
    def unlock(self, user_id: int) -> Response:
        """Let somebody try again at once after too many failed sign-ins."""
        current_viewer().require(USERS, "update")
        user = accounts.user_by_id(user_id)
        attempts.unlock(user)
        web.toast(gettext("%(name)s can try again at once.", name=user.full_name))
        return redirect(url_for("UsersView.edit", pk=user_id))

    def _ended(self, whose: int, **which: Any) -> Response:
        with write_transaction() as writing:
            if whose != current_viewer().user_id:
                Guard(writing, accounts.user_by_id(whose)).require()
            number = sessions.end(writing, current_viewer().user_id, **which)
            audit.record("session.revoked", person_id=whose, details={"sessions": number})
        web.toast(ngettext("%(num)s session ended.", "%(num)s sessions ended.", number))
        if whose == current_viewer().user_id:
            return redirect(url_for("ProfileView.userinfo", _anchor="sessions"))
        return redirect(url_for("UsersView.edit", pk=whose, _anchor="sessions"))


def _require_signed_in() -> None:
    if not current_user.is_authenticated:
        raise NotAllowed


def _may(user_id: int) -> bool:
    viewer = current_viewer()
    return user_id == viewer.user_id or viewer.can(USERS, "update")


def _what(row: SignedIn) -> str:
    named = [_first(BROWSERS, row.agent), _first(SYSTEMS, row.agent)]
    told = " · ".join(name for name in named if name)
    if row.kind == PROGRAM:
        return str(gettext("Program")) + (f" · {row.agent.partition(' ')[0]}" if row.agent else "")
    return told or str(gettext("Unknown browser"))


def _first(table: Sequence[tuple[str, str]], agent: str) -> str | None:
    return next((name for sign, name in table if sign in agent), None)
