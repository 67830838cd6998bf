"""The security manager: Flask-AppBuilder's sign-in and roles, our pages, the policy's rights.

None of Flask-AppBuilder's own pages for users, roles and permissions is registered: they need jQuery,
load whole tables into selects and cannot be translated.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Flask, current_app, g, jsonify, make_response, redirect, request, url_for
from flask_appbuilder.const import AUTH_DB, AUTH_LDAP, AUTH_OAUTH, AUTH_REMOTE_USER, AUTH_SAML
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
from app.engine.adapters.appbuilder import accounts, rights, signin
from app.engine.adapters.appbuilder.profile import MyPasswordView, ProfileView
from app.engine.adapters.appbuilder.roles import RolesView
from app.engine.adapters.appbuilder.user import StewardUser
from app.engine.adapters.appbuilder.users import PasswordView, UsersView
from app.engine.adapters.database import db
from app.engine.errors import NotAllowed

SIGN_IN = {
    AUTH_DB: signin.LoginView,
    AUTH_LDAP: signin.DirectoryLoginView,
    AUTH_OAUTH: signin.ProviderLoginView,
    AUTH_REMOTE_USER: signin.RemoteLoginView,
    AUTH_SAML: signin.FederatedLoginView,
}
"""How people sign in, by the setting AUTH_TYPE."""

LARGEST_ID = 2**31 - 1
"""Of the column ab_user.id; databases fail on comparing it with more."""

WHILE_PASSWORD_IS_OLD = frozenset(
    {"static", "appbuilder.static", "LocaleView.index", "MyPasswordView.form", "healthz", "readyz"}
)
"""What a person who has to change the password can still reach, beside signing in and out."""


class StewardSecurityManager(SecurityManager):
    """Flask-AppBuilder's, with our user, our pages and the policy's answers."""

    user_model = StewardUser
    security_api = signin.SecurityApi

    def __init__(self, appbuilder: Any) -> None:
        config = current_app.config
        config.setdefault("AUTH_RATE_LIMITED", True)
        config.setdefault("AUTH_RATE_LIMIT", "10 per 20 second")
        if config["AUTH_RATE_LIMITED"]:
            config["RATELIMIT_ENABLED"] = True
        config.setdefault("RATELIMIT_IN_MEMORY_FALLBACK_ENABLED", True)
        config.setdefault("RATELIMIT_KEY_PREFIX", "steward")
        config.setdefault("RATELIMIT_STORAGE_URI", _counts_kept_in(config))
        super().__init__(appbuilder)
        current_app.before_request(_ask_for_new_password)

    # Pages

    def register_views(self) -> None:
        """Sign-in, REST sign-in and our own pages of people; nothing else."""
        self.appbuilder.add_api(self.security_api)
        self.auth_view: Any = SIGN_IN[self.auth_type]()
        self.appbuilder.add_view_no_menu(self.auth_view)
        self.user_view = self.appbuilder.add_view_no_menu(UsersView())
        self.appbuilder.add_view_no_menu(RolesView())
        self.appbuilder.add_view_no_menu(ProfileView())
        if self.auth_type == AUTH_DB:
            self.appbuilder.add_view_no_menu(MyPasswordView())
            self.appbuilder.add_view_no_menu(PasswordView())
        if self.is_auth_limited:
            self._limit_attempts()

    def _limit_attempts(self) -> None:
        """Failed attempts are counted, by address and by account; successes cost nothing."""
        for name in (self.auth_view.endpoint, "SecurityApi"):
            blueprint = current_app.blueprints[name]
            for key in (None, _attempted_account):
                self.limiter.limit(
                    self.auth_rate_limit,
                    key_func=key,
                    methods=["POST"],
                    deduct_when=_has_failed,
                )(blueprint)

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
        if int(pk) > LARGEST_ID:
            return None
        statement = (
            select(StewardUser)
            .where(StewardUser.id == int(pk))
            .options(joinedload(StewardUser.roles))
        )
        user: StewardUser | None = db.session.scalars(statement).unique().one_or_none()
        return user

    def load_user(self, pk: str) -> StewardUser | None:
        """The person of a session; None when they were switched off or changed their password."""
        number, _dot, mark = str(pk).partition(".")
        if not number.isdigit():
            return None
        user = self.get_user_by_id(int(number))
        if user is None or not user.active or mark != user.password_mark:
            return None
        return user

    def load_user_jwt(self, _header: Any, data: Any) -> StewardUser | None:
        """The person of a token. Raises NotAllowed while they have to change their password."""
        loaded = g.get("token_user")
        if loaded is not None and str(loaded.id) == str(data["sub"]):
            return loaded  # type: ignore[no-any-return]
        user = self.get_user_by_id(int(data["sub"]))
        if user is None or not user.active or data.get("mark") != user.password_mark:
            return None
        if user.must_change_password:
            # Not yet in words: which language they are in depends on whose token this is.
            raise NotAllowed(lazy_gettext("Sign in to the pages and change your password first."))
        g.token_user = g.user = g._login_user = user
        return user

    def load_by_token(self, _request: Any) -> StewardUser | None:
        """For flask-login: whoever the Bearer token belongs to."""
        if request.headers.get("Authorization", "")[:7].lower() != "bearer ":
            return None
        if request.path in web.TOKEN_PATHS:
            return None
        try:
            verify_jwt_in_request()
        except (JWTExtendedException, PyJWTError, NotAllowed):
            return None  # nobody: whatever needs somebody verifies again, and refuses in words
        user: StewardUser = get_current_user()
        return user

    def _claims(self, identity: str) -> dict[str, str]:
        user = self.get_user_by_id(int(identity))
        return {"mark": user.password_mark} if user is not None else {}

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

    def update_user_auth_stat(self, user: Any, success: bool = True) -> None:
        """Count the attempt in a transaction of its own, with the time in UTC."""
        accounts.note_sign_in(user.id, success)
        if success:
            self.on_user_login(user)
        else:
            self.on_user_login_failed(user)

    def noop_user_update(self, user: Any) -> None:
        """Where no account fits, take as long as where one does, without a write that could be refused."""
        self.get_user_by_id(user.id)


def _counts_kept_in(config: Mapping[str, Any]) -> str:
    """Attempts are counted for all processes together, where the queue is kept."""
    url = str(getattr(config.get("STEWARD"), "redis_url", None) or "memory://")
    return url.replace("unix://", "redis+unix://", 1) if url.startswith("unix://") else url


def _refuse_token() -> Response:
    body = jsonify(message=web_errors.sign_in_first(), request_id=g.get("request_id"))
    return make_response(body, 401)


def _attempted_account() -> str:
    """Whose door is knocked at, from a form or from JSON."""
    body = request.get_json(silent=True) if request.is_json else None
    name = body.get("username") if isinstance(body, dict) else request.form.get("username")
    return f"account:{str(name or '')[:200].strip().lower()}"


def _has_failed(response: Response) -> bool:
    return response.status_code >= 400


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
