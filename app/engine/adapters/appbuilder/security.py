"""The security manager: Flask-AppBuilder's sign-in and roles, our pages, the policy's rights.

None of Flask-AppBuilder's own pages for users, roles and permissions is registered: they need jQuery,
load whole tables into selects and cannot be translated.
"""

from __future__ import annotations

from typing import Any

from flask import Flask, current_app, g, jsonify, make_response, redirect, request, session, url_for
from flask_appbuilder.security.sqla.manager import SecurityManager
from flask_babel import gettext, lazy_gettext
from flask_jwt_extended import JWTManager, get_current_user, verify_jwt_in_request
from flask_jwt_extended.exceptions import JWTExtendedException
from flask_login import LoginManager, current_user
from jwt.exceptions import PyJWTError
from sqlalchemy import select
from sqlalchemy.orm import joinedload
from werkzeug.wrappers import Response

from app.engine.adapters import web, web_errors
from app.engine.adapters.appbuilder import (
    accounts,
    api_keys,
    attempts,
    credentials,
    hashing,
    passwords,
    rights,
    sessions,
    signin,
    ways_in,
)
from app.engine.adapters.appbuilder.api_key_pages import KeysView
from app.engine.adapters.appbuilder.new_password import (
    ForgottenPasswordView,
    GivenLinkView,
    NewPasswordView,
)
from app.engine.adapters.appbuilder.profile import MyPasswordView, ProfileView
from app.engine.adapters.appbuilder.provider_pages import ProvidersView
from app.engine.adapters.appbuilder.saml_pages import SamlView
from app.engine.adapters.appbuilder.second_factor_pages import SecondFactorsView, SecondFactorView
from app.engine.adapters.appbuilder.second_factor_roles import SET_UP_FIRST, is_missing
from app.engine.adapters.appbuilder.second_step import SecondStepView, guard_pages
from app.engine.adapters.appbuilder.session_pages import SessionsView
from app.engine.adapters.appbuilder.user import StewardUser
from app.engine.adapters.appbuilder.users import PasswordView, UsersView
from app.engine.adapters.database import db
from app.engine.errors import NotAllowed

WHILE_PASSWORD_IS_OLD = frozenset(
    {
        "static",
        "appbuilder.static",
        "LocaleView.index",
        "MyPasswordView.form",
        "NewPasswordView.form",
        "healthz",
        "readyz",
    }
)
"""What a person who has to change the password can still reach, beside signing in and out."""


class StewardSecurityManager(SecurityManager):
    """Flask-AppBuilder's, with our user, our pages and the policy's answers."""

    user_model = StewardUser
    security_api = signin.SecurityApi

    def __init__(self, appbuilder: Any) -> None:
        current_app.config["AUTH_RATE_LIMITED"] = False  # ours counts in the database: `attempts`
        current_app.config["RATELIMIT_ENABLED"] = False
        super().__init__(appbuilder)
        ways_in.init(current_app)
        app = current_app._get_current_object()  # type: ignore[attr-defined]
        sessions.init(app)
        attempts.init(app)
        current_app.before_request(_ask_for_new_password)
        current_app.before_request(guard_pages)

    # Pages

    def register_views(self) -> None:
        """Sign-in, REST sign-in and our own pages of people; nothing else."""
        self.appbuilder.add_api(self.security_api)
        self.auth_view: Any = signin.LoginView()
        self.appbuilder.add_view_no_menu(self.auth_view)
        self.user_view = self.appbuilder.add_view_no_menu(UsersView())
        self.appbuilder.add_view_no_menu(ProfileView())
        for view in (
            KeysView,
            SessionsView,
            SecondStepView,
            SecondFactorView,
            SecondFactorsView,
            ProvidersView,
            SamlView,
            MyPasswordView,
            PasswordView,
            ForgottenPasswordView,
            NewPasswordView,
            GivenLinkView,
        ):
            self.appbuilder.add_view_no_menu(view())

    # Who is asking

    def create_login_manager(self, app: Flask) -> LoginManager:
        """Sessions by cookie, else a token."""
        manager: LoginManager = super().create_login_manager(app)
        manager.request_loader(self.load_by_token)
        return manager

    def create_jwt_manager(self, app: Flask) -> JWTManager:
        """Tokens, refused in our words and in the reader's language."""
        manager: JWTManager = super().create_jwt_manager(app)
        manager.additional_claims_loader(self._claims)
        for refused in (
            manager.unauthorized_loader,
            manager.invalid_token_loader,
        ):
            refused(lambda _reason: _refuse_token())
        manager.expired_token_loader(lambda _header, _data: _refuse_token())
        manager.revoked_token_loader(lambda _header, _data: _refuse_token())
        manager.needs_fresh_token_loader(lambda _header, _data: _refuse_token())
        manager.user_lookup_error_loader(lambda _header, _data: _refuse_token())
        return manager

    def get_user_by_id(self, pk: int) -> StewardUser | None:
        """The person with their roles, one query."""
        if int(pk) > accounts.LARGEST_ID:
            return None
        statement = (
            select(StewardUser)
            .where(StewardUser.id == int(pk))
            .options(joinedload(StewardUser.roles))
        )
        user: StewardUser | None = db.session.scalars(statement).unique().one_or_none()
        return user

    def load_user(self, pk: str) -> StewardUser | None:
        """The person of a session; None when it has ended, by itself or by somebody."""
        if not str(pk).isdigit():
            return None
        return sessions.person_of(session.get(sessions.COOKIE_KEY), sessions.PAGES, int(pk))

    def load_user_jwt(self, _header: Any, data: Any) -> StewardUser | None:
        """The person of a token. Raises NotAllowed while they have to change their password."""
        loaded = g.get("token_user")
        if loaded is not None and str(loaded.id) == str(data["sub"]):
            return loaded  # type: ignore[no-any-return]
        user = sessions.person_of(data.get(sessions.COOKIE_KEY), sessions.PROGRAM, int(data["sub"]))
        if user is None:
            return None
        if user.must_change_password:
            # Not yet in words: which language they are in depends on whose token this is.
            raise NotAllowed(lazy_gettext("Sign in to the pages and change your password first."))
        if is_missing(user):
            raise NotAllowed(SET_UP_FIRST)
        g.token_user = g.user = g._login_user = user
        return user

    def load_by_token(self, _request: Any) -> StewardUser | None:
        """For flask-login: whoever the Bearer token or API key belongs to."""
        authorization = request.headers.get("Authorization", "")
        if authorization[:7].lower() != "bearer " or request.path in web.TOKEN_PATHS:
            return None
        if api_keys.is_key(token := authorization[7:].strip()):
            return api_keys.person_of(token)
        try:
            verify_jwt_in_request()
        except (JWTExtendedException, PyJWTError, NotAllowed):
            return None  # nobody: whatever needs somebody verifies again, and refuses in words
        user: StewardUser = get_current_user()
        return user

    def _claims(self, _identity: str) -> dict[str, str | None]:
        row = g.get("signed_in")
        return {sessions.COOKIE_KEY: g.get("token_key") or (row and row.key)}

    # What they may do

    def has_access(self, permission_name: str, view_name: str) -> bool:
        """Flask-AppBuilder's question, the policy's answer."""
        return rights.allowed(permission_name, view_name)

    def is_item_public(self, permission_name: str, view_name: str) -> bool:
        """Nothing is public without the policy saying so to nobody in particular."""
        return False

    def get_user_roles(self, user: Any) -> list[Any]:
        """Already loaded with the person."""
        return list(user.roles) if user.is_authenticated else []

    def get_user_menu_access(self, menu_names: list[str] | None = None) -> set[str]:
        """The menu is ours and asks the policy itself."""
        return set()

    # Signing in

    def add_user(
        self,
        username: str,
        first_name: str,
        last_name: str,
        email: str,
        role: Any = None,
        password: str = "",
        hashed_password: str = "",
        **more: Any,
    ) -> Any:
        """Flask-AppBuilder's, with our way of keeping passwords; without one, no password fits."""
        kept = hashed_password or hashing.hash_password(password or passwords.generate())
        return super().add_user(
            username, first_name, last_name, email, role, hashed_password=kept, **more
        )

    def update_user_auth_stat(self, user: Any, success: bool = True) -> None:
        """Count a sign-in by directory or provider, with the time in UTC."""
        if success:
            accounts.note_sign_in(user.id)
            self.on_user_login(user)
        else:
            accounts.note_failure(user.id, user.username)
            self.on_user_login_failed(user)

    def auth_user_db(self, username: str, password: str) -> StewardUser | None:
        """By a password kept here. Raises TooManyAttempts."""
        return credentials.by_password(username, password)


def _refuse_token() -> Response:
    message = str(g.get("token_refused") or web_errors.sign_in_first())
    body = jsonify(message=message, request_id=g.get("request_id"))
    return make_response(body, 401)


def _ask_for_new_password() -> Response | None:
    """Whoever was given a password has to choose an own one before anything else."""
    endpoint = request.endpoint or ""
    builder = current_app.extensions["appbuilder"]
    if endpoint in WHILE_PASSWORD_IS_OLD or endpoint.startswith(
        f"{builder.sm.auth_view.endpoint}."
    ):
        return None
    if web.by_token() or not getattr(current_user, "must_change_password", False):
        return None
    if web.wants_json() or request.headers.get("HX-Request"):
        raise NotAllowed(gettext("Change your password first."))
    return redirect(url_for("MyPasswordView.form"))
