"""Signing in by user name and password, in the browser and for programs, and signing out.

Flask-AppBuilder has one way at a time (AUTH_TYPE). Here they stand side by side: a directory's
passwords are taken beside ours (`credentials`), and providers have their own pages (`provider_pages`).
"""

from __future__ import annotations

from typing import Any

from flask import current_app, g, redirect, render_template, request, url_for
from flask_appbuilder.baseviews import expose
from flask_appbuilder.const import API_SECURITY_PROVIDER_DB, API_SECURITY_PROVIDER_LDAP
from flask_appbuilder.security import api as stock
from flask_appbuilder.security.decorators import no_cache
from flask_appbuilder.security.views import AuthView
from flask_babel import gettext
from flask_jwt_extended import create_access_token, create_refresh_token
from flask_login import current_user
from werkzeug.wrappers import Response

from app.engine import audit
from app.engine.adapters import web
from app.engine.adapters.appbuilder import credentials, second_step, sessions
from app.engine.adapters.appbuilder.attempts import TooManyAttempts
from app.engine.adapters.appbuilder.beginning import end_session
from app.engine.adapters.appbuilder.forms import LoginForm
from app.engine.adapters.appbuilder.providers import SignInRefused
from app.engine.adapters.appbuilder.second_factor import TooManyCodes
from app.engine.adapters.mail import post


def password_providers() -> tuple[str, ...]:
    """What programs may name as `provider`, as with Flask-AppBuilder; each asks here and the directory."""
    if current_app.config["STEWARD"].ldap_url:
        return API_SECURITY_PROVIDER_DB, API_SECURITY_PROVIDER_LDAP
    return (API_SECURITY_PROVIDER_DB,)


class SigningOut:
    """Signing out is a write: a GET only asks, so that no foreign page can do it by an image."""

    appbuilder: Any

    @expose("/logout/", methods=["GET", "POST"])
    @no_cache
    def logout(self) -> Any:
        """Sign out and show the sign-in page."""
        if request.method == "GET" and current_user.is_authenticated:
            return render_template("security/logout.html")
        user = current_user._get_current_object()
        if user.is_authenticated:
            audit.record("sign_out", person_id=user.id)
        end_session()
        if user.is_authenticated:
            self.appbuilder.sm.on_user_logout(user)
        return redirect(
            current_app.config.get("LOGOUT_REDIRECT_URL") or self.appbuilder.get_url_for_login
        )


class LoginView(SigningOut, AuthView):
    """A form of user name and password, with the other ways that are set up below it."""

    @expose("/login/", methods=["GET", "POST"])
    @no_cache
    def login(self) -> Any:
        """Show the form, or sign in and go where `next` points."""
        if current_user.is_authenticated:
            return redirect(web.safe_next())
        form = LoginForm()
        if form.validate_on_submit():
            try:
                user = credentials.by_password(form.username.data, form.password.data)
            except (TooManyAttempts, SignInRefused) as error:
                form.form_errors.append(str(error))
                return self._page(form), error.status
            if user is not None:
                return second_step.entered(user, web.safe_next())
            form.form_errors.append(gettext("User name or password is wrong."))
        status = 422 if request.method == "POST" else 200
        return self._page(form), status

    def _page(self, form: LoginForm) -> str:
        forgotten = url_for("ForgottenPasswordView.form") if post().ready else None
        return render_template("security/login.html", form=form, forgotten=forgotten)


class SecurityApi(stock.SecurityApi):
    """/api/v1/security/login and /refresh as Flask-AppBuilder has them, refusing in our words."""

    @expose("/login", methods=["POST"])
    def login(self) -> Response:
        body = request.get_json(silent=True)
        if not isinstance(body, dict):
            return self._refused(400, gettext("Send a JSON object with username and password."))
        for name in ("username", "password"):
            if not isinstance(body.get(name), str) or not body[name]:
                return self._refused(400, gettext("“%(name)s” is missing.", name=name))
        if body.get("provider", API_SECURITY_PROVIDER_DB) not in password_providers():
            return self._refused(401, gettext("User name or password is wrong."))
        try:
            user = credentials.by_password(body["username"], body["password"])
        except SignInRefused as error:
            return self._refused(401, str(error))
        if user is None:
            return self._refused(401, gettext("User name or password is wrong."))
        try:
            refused = second_step.refusal(user, body.get("otp"))
        except TooManyCodes as error:
            refused = error.status, str(error)
        if refused is not None:
            return self._refused(*refused)
        lasts = (
            "JWT_REFRESH_TOKEN_EXPIRES"
            if body.get("refresh") is True
            else "JWT_ACCESS_TOKEN_EXPIRES"
        )
        g.token_key = sessions.begin(user.id, sessions.PROGRAM, current_app.config[lasts])
        answer = {"access_token": create_access_token(identity=str(user.id), fresh=True)}
        if body.get("refresh") is True:
            answer["refresh_token"] = create_refresh_token(identity=str(user.id))
        response: Response = self.response(200, **answer)
        return response

    login.__doc__ = stock.SecurityApi.login.__doc__

    def _refused(self, status: int, message: str) -> Response:
        response: Response = self.response(status, message=message)
        return response
