"""What every request and every answer goes through: protection against forged and malformed requests, headers.

`init(app)` is called before AppBuilder(app): some of Flask-AppBuilder's own views write on GET
unless a CSRFProtect was there first.
"""

from __future__ import annotations

import json
import re
import uuid
from typing import Any

from flask import Flask, current_app, flash, g, request
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface
from flask.wrappers import Request
from flask_babel import gettext
from flask_wtf import CSRFProtect
from werkzeug.exceptions import BadRequest
from werkzeug.middleware.proxy_fix import ProxyFix
from werkzeug.sansio.utils import host_is_trusted
from werkzeug.wrappers import Response

from app.engine.adapters import web_errors, web_pages
from config import SAML_ACS

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})

TOKEN_PATHS = frozenset({"/api/v1/security/login", "/api/v1/security/refresh"})
"""These read no cookie: credentials or a token come in the request itself."""

FOREIGN_POSTS = frozenset({SAML_ACS})
"""Posted from an identity provider's pages, and signed by it: no cookie is read there, nor any set."""

PROVED_BY_ADDRESS = "/l/"
"""Below it the address itself is the proof: pages for people without an account, see `app.engine.links`."""

POLICY = "; ".join(
    (
        "default-src 'self'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "object-src 'none'",
        "frame-ancestors 'none'",
        "base-uri 'self'",
        "form-action 'self'",
    )
)

HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}

HTTPS_ONLY = "max-age=31536000"
"""Said where the visitor came by HTTPS: for a year the browser takes no other way to this host."""

STATIC = frozenset({"static", "appbuilder.static"})
"""Files that are the same for everyone; whatever else is answered may hold somebody's data."""

csrf = CSRFProtect()


def init(app: Flask) -> None:
    """Set up protection, headers, error pages and what templates need. Call it before AppBuilder(app)."""
    app.config.update(
        WTF_CSRF_CHECK_DEFAULT=False,
        SESSION_COOKIE_HTTPONLY=True,
        JWT_TOKEN_LOCATION=["headers"],  # a token in a cookie or an address would be sent unasked
    )
    app.config.setdefault(
        "WTF_CSRF_TIME_LIMIT", None
    )  # as long as the session: forms stay open for hours
    if app.config.get("SESSION_COOKIE_SAMESITE") is None:
        app.config["SESSION_COOKIE_SAMESITE"] = "Lax"
    app.session_interface = CookieSessions()
    _believe_proxies(app, app.config["STEWARD"].trusted_proxies)
    csrf.init_app(app)
    app.before_request(_name_request)
    app.before_request(_refuse_other_hosts)
    app.before_request(_refuse_nul)
    app.before_request(_refuse_forged)
    app.after_request(_add_headers)
    web_errors.init(app)
    web_pages.init(app)


def _believe_proxies(app: Flask, number: int) -> None:
    """Take the visitor's address, HTTPS and the host name from that many proxies in front.

    Addresses are a list to which each proxy adds; scheme and host are passed on as single values.
    """
    if number:
        app.wsgi_app = ProxyFix(  # type: ignore[method-assign]
            app.wsgi_app, x_for=number, x_proto=1, x_host=1
        )


def by_token(asked: Request = request) -> bool:
    """Whether the request carries its own proof: then the session cookie is not looked at."""
    authorization = asked.headers.get("Authorization", "")
    return (
        authorization[:7].lower() == "bearer "
        or asked.path in TOKEN_PATHS
        or asked.path.startswith(PROVED_BY_ADDRESS)
    )


def without_cookie(asked: Request = request) -> bool:
    """Whether the session cookie is neither looked at nor written."""
    return by_token(asked) or asked.path in FOREIGN_POSTS


class CookieSessions(SecureCookieSessionInterface):
    """Flask's signed cookie, but none for requests with a token, and Secure whenever HTTPS is."""

    def open_session(self, app: Flask, request: Request) -> SecureCookieSession | None:
        if without_cookie(request):
            return self.session_class()
        return super().open_session(app, request)

    def save_session(self, app: Flask, session: Any, response: Any) -> None:
        if not without_cookie():
            super().save_session(app, session, response)

    def get_cookie_secure(self, app: Flask) -> bool:
        return bool(app.config["SESSION_COOKIE_SECURE"]) or request.is_secure

    def get_cookie_name(self, app: Flask) -> str:
        """By HTTPS with the prefix for which browsers take a cookie from this very host alone."""
        name = super().get_cookie_name(app)
        alone = self.get_cookie_path(app) == "/" and not self.get_cookie_domain(app)
        return f"__Host-{name}" if alone and self.get_cookie_secure(app) else name


def _name_request() -> None:
    """A name for this request, in the log, the error page and the answer's header."""
    given = request.headers.get("X-Request-ID", "")
    g.request_id = given if re.fullmatch(r"[A-Za-z0-9._-]{8,64}", given) else uuid.uuid4().hex[:12]


def _refuse_other_hosts() -> None:
    """Where the operator has said under which names Steward is reached, it answers to no other."""
    if request.endpoint in ("healthz", "readyz"):
        return  # asked for by whatever name the one who watches has
    settings = current_app.config["STEWARD"]
    if settings.known_hosts and not host_is_trusted(request.host, settings.known_hosts):
        raise BadRequest(gettext("Steward is not known by this host name; see ALLOWED_HOSTS."))


def _refuse_nul() -> None:
    """A NUL character is in no text that a person means, and PostgreSQL stores none."""
    if "\0" in request.path:
        raise BadRequest(gettext("The address holds a NUL character."))
    for name, value in request.args.items(multi=True):
        if "\0" in name or "\0" in value:
            raise BadRequest(_nul_in(name))
    if request.method in SAFE_METHODS:
        return
    if request.is_json:
        _refuse_nul_in_json()
        return
    for name, value in request.form.items(multi=True):
        if "\0" in name or "\0" in value:
            raise BadRequest(_nul_in(name))
    for name, file in request.files.items(multi=True):
        if "\0" in (file.filename or ""):
            raise BadRequest(_nul_in(name))


def _refuse_nul_in_json() -> None:
    raw = request.get_data(cache=True)
    if b"\\u0000" not in raw and b"\0" not in raw:
        return
    try:
        body = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise BadRequest(gettext("The request is not valid JSON.")) from error
    place = _nul_place(body)
    if place is not None:
        raise BadRequest(_nul_in(place))


def _nul_place(value: Any, place: str = "") -> str | None:
    """Where in decoded JSON a NUL is, as a path of names; None when there is none."""
    if isinstance(value, str):
        return place if "\0" in value else None
    if isinstance(value, dict):
        if any("\0" in name for name in value):
            return place
        parts = [(f"{place}.{name}" if place else name, part) for name, part in value.items()]
    elif isinstance(value, list):
        parts = [(f"{place}[{position}]", part) for position, part in enumerate(value)]
    else:
        return None
    return next(
        (found for name, part in parts if (found := _nul_place(part, name)) is not None), None
    )


def _nul_in(name: str) -> str:
    shown = name.replace("\0", "").strip()[:60]
    if not shown:
        return str(gettext("The request holds a NUL character."))
    return str(gettext("“%(name)s” holds a NUL character.", name=shown))


def _refuse_forged() -> None:
    """Writes by cookie need the page's token; a request with its own proof does not."""
    if request.method in SAFE_METHODS or without_cookie():
        return
    csrf.protect()


def _add_headers(response: Response) -> Response:
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    if "request_id" in g:
        response.headers.setdefault("X-Request-ID", g.request_id)
    if request.is_secure:
        response.headers["Strict-Transport-Security"] = HTTPS_ONLY
    response.headers["Cache-Control"] = _kept_how(response)
    return response


def _kept_how(response: Response) -> str:
    """Pages, downloads and errors are kept by nobody; a file whose address names its content, for good."""
    if request.endpoint not in STATIC or response.status_code >= 400:
        return "private, no-store"
    named = request.endpoint == "static" and "v" in request.args
    return "public, max-age=31536000, immutable" if named else "private, no-cache"


def safe_next(default: str | None = None) -> str:
    """Where `next` points to when that is a page of ours, else `default` or the first page."""
    wanted = request.values.get("next", "")
    if is_own_address(wanted):
        return wanted
    return default if default is not None else home()


def is_own_address(address: str) -> bool:
    """Whether this is a path on this site and cannot be read as anything else by any browser."""
    if not address.startswith("/") or address[1:2] in ("/", "\\"):
        return False
    return len(address) <= 2000 and all(
        character > " " and character != "\\" for character in address
    )


def home() -> str:
    """The address of the first page."""
    return request.script_root + "/"


def toast(message: Any, kind: str = "success", undo: str | None = None) -> None:
    """Show a message on the next page. kind: success, info, warning or danger; `undo` is POSTed to take it back."""
    flash(str(message), {"kind": kind, "undo": undo} if undo else kind)  # type: ignore[arg-type]


def toast_header(message: Any, kind: str = "success", undo: str | None = None) -> str:
    """The value of an htmx answer's HX-Trigger header that shows a message."""
    return json.dumps({"toast": {"message": str(message), "kind": kind, "undo": undo}})


def wants_json() -> bool:
    """Whether the asker is a program, not a page."""
    return web_errors.wants_json()


__all__ = [
    "by_token", "csrf", "home", "init", "is_own_address", "safe_next", "toast", "toast_header",
    "wants_json",
]  # fmt: skip
