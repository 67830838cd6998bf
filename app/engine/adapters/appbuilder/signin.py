"""Signing in and out, by every way that Flask-AppBuilder knows, with our templates.

The database way is ours from form to answer; the others are Flask-AppBuilder's with our page around.
"""

from __future__ import annotations

from typing import Any

from flask import current_app, redirect, render_template, request, session
from flask_appbuilder.baseviews import expose
from flask_appbuilder.const import API_SECURITY_PROVIDER_DB, API_SECURITY_PROVIDER_LDAP, AUTH_LDAP
from flask_appbuilder.security import api as stock
from flask_appbuilder.security.decorators import no_cache
from flask_appbuilder.security.views import (
    AuthLDAPView,
    AuthOAuthView,
    AuthRemoteUserView,
    AuthSAMLView,
    AuthView,
)
from flask_babel import gettext
from flask_jwt_extended import create_access_token, create_refresh_token
from flask_login import current_user, login_user, logout_user
from werkzeug.wrappers import Response

from app.engine.adapters import web
from app.engine.adapters.appbuilder.forms import LoginForm

KEPT = ("locale",)
"""What outlives signing in and out in a session; everything else is begun anew."""


def begin_session(user: Any) -> None:
    """Sign a person in with a session that nobody can have prepared for them."""
    kept = {name: session[name] for name in KEPT if name in session}
    session.clear()
    session.update(kept)
    login_user(user, remember=False)


def end_session() -> None:
    """Sign out and forget what the session held."""
    kept = {name: session[name] for name in KEPT if name in session}
    logout_user()
    session.clear()
    session.update(kept)


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
        end_session()
        if user.is_authenticated:
            self.appbuilder.sm.on_user_logout(user)
        return redirect(
            current_app.config.get("LOGOUT_REDIRECT_URL") or self.appbuilder.get_url_for_login
        )


class PasswordSigningIn(SigningOut):
    """A form of user name and password; how they are checked is the subclass's."""

    def authenticate(self, username: str, password: str) -> Any | None:
        """The person, or None."""
        raise NotImplementedError

    @expose("/login/", methods=["GET", "POST"])
    @no_cache
    def login(self) -> Any:
        """Show the form, or sign in and go where `next` points."""
        if current_user.is_authenticated:
            return redirect(web.safe_next())
        form = LoginForm()
        if form.validate_on_submit():
            user = self.authenticate(form.username.data, form.password.data)
            if user is not None:
                begin_session(user)
                return redirect(web.safe_next())
            form.form_errors.append(gettext("User name or password is wrong."))
        status = 422 if request.method == "POST" else 200
        return render_template("security/login.html", form=form), status


class LoginView(PasswordSigningIn, AuthView):
    """Passwords kept in the database."""

    def authenticate(self, username: str, password: str) -> Any | None:
        """By user name or e-mail address."""
        return self.appbuilder.sm.auth_user_db(username.strip(), password)


class DirectoryLoginView(PasswordSigningIn, AuthLDAPView):
    """Passwords kept in a directory (LDAP)."""

    def authenticate(self, username: str, password: str) -> Any | None:
        """As the directory says."""
        return self.appbuilder.sm.auth_user_ldap(username.strip(), password)


class ProviderLoginView(SigningOut, AuthOAuthView):
    """Another site vouches for the person (OAuth)."""

    login_template = "security/providers.html"


class RemoteLoginView(SigningOut, AuthRemoteUserView):
    """The web server in front has already signed the person in."""


class FederatedLoginView(AuthSAMLView):
    """A company's identity provider vouches for the person (SAML); signing out goes through it."""

    login_template = "security/providers.html"

    @expose("/logout/", methods=["GET", "POST"])
    def logout(self) -> Response:
        """Ask first, then let Flask-AppBuilder tell the identity provider."""
        if request.method == "GET" and current_user.is_authenticated:
            return Response(render_template("security/logout.html"))
        answer: Response = super().logout()
        return answer


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
        user = self._authenticated(body)
        if user is None:
            return self._refused(401, gettext("User name or password is wrong."))
        answer = {"access_token": create_access_token(identity=str(user.id), fresh=True)}
        if body.get("refresh") is True:
            answer["refresh_token"] = create_refresh_token(identity=str(user.id))
        response: Response = self.response(200, **answer)
        return response

    login.__doc__ = stock.SecurityApi.login.__doc__

    def _authenticated(self, body: dict[str, Any]) -> Any | None:
        manager = self.appbuilder.sm
        provider = body.get("provider", API_SECURITY_PROVIDER_DB)
        if provider == API_SECURITY_PROVIDER_DB:
            return manager.auth_user_db(body["username"], body["password"])
        if provider == API_SECURITY_PROVIDER_LDAP and manager.auth_type == AUTH_LDAP:
            return manager.auth_user_ldap(body["username"], body["password"])
        return None

    def _refused(self, status: int, message: str) -> Response:
        response: Response = self.response(status, message=message)
        return response
