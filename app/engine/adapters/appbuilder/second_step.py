"""Between the password and being signed in: the code of the second factor, where there is one.

Every way of signing in ends in `entered`, so that none of them walks past the code.
"""

from __future__ import annotations

import hashlib
from typing import Any

from flask import current_app, make_response, redirect, render_template, request, session, url_for
from flask_appbuilder.baseviews import BaseView, expose
from flask_babel import gettext
from flask_babel import lazy_gettext as _
from flask_login import current_user
from werkzeug.wrappers import Response
from wtforms import StringField
from wtforms.validators import InputRequired, Length

from app.engine.adapters import web
from app.engine.adapters.appbuilder import second_factor
from app.engine.adapters.appbuilder.beginning import (
    begin_session,
    end_session,
    has_passed,
    note_passed,
)
from app.engine.adapters.appbuilder.forms import MISSING, Form
from app.engine.adapters.appbuilder.second_factor import TooManyCodes
from app.engine.adapters.appbuilder.second_factor_roles import SET_UP_FIRST, is_missing
from app.engine.adapters.database import now
from app.engine.errors import NotAllowed

KEY = "second_step"
"""In the session of somebody whose password was right, and who is not signed in yet."""

SECONDS = 600
"""How long the code may take."""

MOST_TRIES = 5
"""Wrong codes before the password is asked again."""


def code_field(label: Any, **more: Any) -> StringField:
    """An input for a code, which phones fill in by themselves."""
    given = {"autocomplete": "one-time-code", "autocapitalize": "none", "spellcheck": "false"}
    checks = [InputRequired(MISSING), Length(max=60, message=_("This is too long."))]
    return StringField(label, checks, render_kw={**given, "autofocus": True}, **more)


class CodeForm(Form):
    """The code of the app, or one for recovery."""

    code = code_field(_("Code from the app, or a recovery code"))


def entered(user: Any, target: str) -> Response:
    """Whoever showed who they are: signed in, or first asked for the code. `target` is ours."""
    if user.second_factor_since is None:
        begin_session(user)
        return redirect(target)
    _wait_for_code(user, target)
    return redirect(url_for("SecondStepView.form"))


def _wait_for_code(user: Any, target: str) -> None:
    session[KEY] = {
        "user": user.id,
        "mark": _mark(user),
        "until": int(now().timestamp()) + SECONDS,
        "tries": 0,
        "next": target,
    }


def refusal(user: Any, code: object) -> tuple[int, str] | None:
    """Why a program that knows the password gets no token: status and words; None when it may.

    Raises TooManyCodes.
    """
    if user.second_factor_since is None:
        return (403, str(SET_UP_FIRST)) if is_missing(user) else None
    if not isinstance(code, str) or not code.strip():
        return 401, gettext("This account has a second factor: send its code as “otp”.")
    if not second_factor.check(user.id, code):
        return 401, gettext("The code is wrong, or was used before.")
    return None


class SecondStepView(BaseView):
    """/login/code"""

    route_base = "/login/code"
    default_view = "form"

    @expose("/", methods=["GET", "POST"])
    def form(self) -> Response:
        """Ask for the code; a right one signs in, the fifth wrong one ends the attempt."""
        if current_user.is_authenticated:
            return redirect(web.home())
        user = self._waiting()
        if user is None:
            return self._again(gettext("This took too long. Sign in again."))
        form, status = CodeForm(), 200
        if request.method == "POST":
            status = 422
            if form.validate():
                try:
                    if second_factor.check(user.id, form.code.data):
                        return self._enter(user)
                    form.code.errors = [gettext("The code is wrong, or was used before.")]
                except TooManyCodes as error:
                    form.code.errors, status = [str(error)], error.status
                if self._last_try():
                    return self._again(gettext("Too many wrong codes. Sign in again."))
        page = make_response(render_template("security/second_step.html", form=form), status)
        page.headers["Cache-Control"] = "no-store"
        return page

    def _waiting(self) -> Any | None:
        """Whose password was right a short time ago, and is so still."""
        kept = session.get(KEY)
        if not isinstance(kept, dict) or kept["until"] < now().timestamp():
            return None
        user = current_app.appbuilder.sm.get_user_by_id(kept["user"])  # type: ignore[attr-defined]
        if user is None or not user.active or user.second_factor_since is None:
            return None
        return user if _mark(user) == kept["mark"] else None

    def _enter(self, user: Any) -> Response:
        target = session[KEY]["next"]
        begin_session(user)  # a session begun anew: nothing of the first step is left in it
        note_passed(user)
        return redirect(target)

    def _last_try(self) -> bool:
        session[KEY] = {**session[KEY], "tries": session[KEY]["tries"] + 1}
        return bool(session[KEY]["tries"] >= MOST_TRIES)

    def _again(self, why: str) -> Response:
        session.pop(KEY, None)
        web.toast(why, "warning")
        return redirect(current_app.appbuilder.get_url_for_login)  # type: ignore[attr-defined]


def guard_pages() -> Response | None:
    """Before each page: nobody is signed in without their code, by whatever way they came.

    And whoever's role takes a second factor sets it up before anything else.
    """
    endpoint = request.endpoint or ""
    view = endpoint.partition(".")[0]
    if endpoint in ("", *ALWAYS) or view in (*ALWAYS, _sign_in_view()) or web.by_token():
        return None
    if not current_user.is_authenticated:
        return None
    if not has_passed(current_user):
        return _back_to_code()
    if not is_missing(current_user):
        return None
    if _is_program():
        raise NotAllowed(gettext("Set up your second factor first."))
    return redirect(url_for("SecondFactorView.show"))


def _back_to_code() -> Response:
    if _is_program():
        raise NotAllowed(gettext("Enter the code of your second factor first."))
    user = current_user._get_current_object()
    wanted = request.full_path.rstrip("?") if request.method == "GET" else ""
    end_session()
    return entered(user, wanted if web.is_own_address(wanted) else web.home())


def _is_program() -> bool:
    return web.wants_json() or bool(request.headers.get("HX-Request"))


ALWAYS = frozenset(
    {
        "static", "appbuilder", "LocaleView", "MyPasswordView", "NewPasswordView", "SecondStepView",
        "SecondFactorView", "healthz", "readyz",
    }
)  # fmt: skip
"""Views that are reached without a second factor, though a role takes one."""


def _sign_in_view() -> str:
    return str(current_app.appbuilder.sm.auth_view.endpoint)  # type: ignore[attr-defined]


def _mark(user: Any) -> str:
    """Another once the password or the second factor is another; gives nothing of them away."""
    parts = (user.password or "", str(user.second_factor_since))
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]
