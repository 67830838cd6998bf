"""What is one's own: the profile and the password."""

from __future__ import annotations

from typing import Any

from flask import make_response, redirect, render_template, request, session, url_for
from flask_appbuilder.baseviews import BaseView, expose
from flask_babel import gettext, refresh
from flask_login import current_user
from werkzeug.wrappers import Response

from app.engine import people
from app.engine.adapters import web
from app.engine.adapters.appbuilder import accounts, credentials, session_pages
from app.engine.adapters.appbuilder.beginning import begin_session
from app.engine.adapters.appbuilder.forms import OwnPasswordForm, ProfileForm
from app.engine.adapters.appbuilder.roles import role_labels
from app.engine.adapters.appbuilder.users import put_problems
from app.engine.adapters.database import now
from app.engine.adapters.mail import post
from app.engine.errors import InvalidInput, NotAllowed
from app.engine.fields.time import reader_zone
from app.engine.policy import current_viewer
from app.engine.query import Condition, Records
from app.engine.registry import current


def _me() -> Any:
    """The person signed in. Raises NotAllowed, which leads visitors to signing in."""
    if not current_user.is_authenticated:
        raise NotAllowed
    return current_user._get_current_object()


class ProfileView(BaseView):
    """/users/userinfo/"""

    route_base = "/users"
    default_view = "userinfo"

    @expose("/userinfo/", methods=["GET", "POST"])
    def userinfo(self) -> Response:
        """Own names, language and theme; user name, address and roles to look at."""
        me = _me()
        form = ProfileForm(obj=None if request.method == "POST" else me)
        if request.method == "GET":
            form.theme.data = me.theme or "system"
        if form.validate_on_submit():
            return self._save(me.id, form)
        status = 422 if form.errors else 200
        page = render_template(
            "security/profile.html",
            form=form,
            me=me,
            labels=role_labels(),
            mail=post().ready,
            sessions=session_pages.shown(me.id),
            substitutes=_substitutes(me.id),
        )
        return make_response(page, status)

    def _save(self, user_id: int, form: ProfileForm) -> Response:
        values = {
            name: form[name].data for name in ("first_name", "last_name", "language", "theme")
        }
        if post().ready:
            values["mails_results"] = form.mails_results.data
        values["last_name"] = values["last_name"] or ""
        values["language"] = values["language"] or None
        accounts.save_user(user_id, values)
        session.pop("locale", None)
        refresh()
        web.toast(gettext("Saved."))
        response = redirect(url_for("ProfileView.userinfo"))
        response.set_cookie("theme", form.theme.data, max_age=31_536_000, samesite="Lax",
                            secure=request.is_secure)  # fmt: skip
        return response


def _substitutes(user_id: int) -> dict[str, Any] | None:
    """Who stands in for them from today on; None for those who may not name anybody."""
    viewer = current_viewer()
    if viewer.user_id != user_id or not viewer.can("Delegation", "create"):
        return None
    delegation = current().entity("Delegation")
    today = now().astimezone(reader_zone()).date()
    own = (Condition("absent", "eq", user_id), Condition("last_day", "ge", today.isoformat()))
    fields = [delegation.field(name) for name in ("substitute", "first_day", "last_day", "reason")]
    rows = Records(delegation).where(*own).page(20, fields).rows
    names = people.names_of([row["substitute"] for row in rows])
    return {
        "add": f"/delegation/add?absent={user_id}",
        "rows": [
            {
                "href": f"/delegation/{row['id']}",
                "name": names.get(row["substitute"], ""),
                "days": [delegation.field(n).text(row[n]) for n in ("first_day", "last_day")],
                "reason": row["reason"] or "",
            }
            for row in rows
        ],
    }


class MyPasswordView(BaseView):
    """/resetmypassword/form"""

    route_base = "/resetmypassword"
    default_view = "form"

    @expose("/form", methods=["GET", "POST"])
    def form(self) -> Response:
        """A new password of one's own; asked for at the first sign-in."""
        me = _me()
        form = OwnPasswordForm()
        lent = bool(me.must_change_password)
        if lent:
            del form.current
        if form.validate_on_submit() and (lent or credentials.confirmed(me, form.current)):
            try:
                user = accounts.set_password(me.id, form.password.data)
            except InvalidInput as error:
                put_problems(form, error)
            else:
                begin_session(user)
                web.toast(gettext("Your password is changed. Other sessions were signed out."))
                return redirect(web.home() if lent else url_for("ProfileView.userinfo"))
        status = 422 if form.errors else 200
        page = render_template("security/own_password.html", form=form, lent=lent)
        return make_response(page, status)
