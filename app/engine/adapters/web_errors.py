"""What went wrong, said to the person who asked: as a page, as JSON, or as a message for htmx to show."""

from __future__ import annotations

import json
import logging
from typing import Any

from flask import Flask, g, jsonify, make_response, redirect, render_template, request, url_for
from flask_babel import gettext
from flask_babel import lazy_gettext as _
from flask_login import current_user
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import HTTPException, InternalServerError
from werkzeug.wrappers import Response

from app.engine import audit
from app.engine.adapters import web_pages
from app.engine.adapters.disk import DiskFull, full_disk
from app.engine.errors import InvalidInput, StewardError

log = logging.getLogger(__name__)

TITLES = {
    400: _("This request can't be understood"),
    401: _("Please sign in"),
    403: _("You may not do this"),
    404: _("Nothing is here"),
    405: _("This address can't be used this way"),
    409: _("Somebody else was faster"),
    413: _("This is too large"),
    415: _("This kind of content is not taken here"),
    422: _("Something in the input is not right"),
    429: _("Too many attempts"),
    500: _("Something went wrong on our side"),
    507: _("There is no room left"),
}

WORDS = {
    400: _("The request is incomplete or malformed. Go back and try again."),
    401: _("Sign in to see this page."),
    403: _("Your roles do not allow this. An administrator can change that."),
    404: _("The page or record does not exist, was deleted, or you may not see it."),
    405: _("Go back and use the buttons of the page."),
    409: _("The record was changed meanwhile. Load it again and repeat your change."),
    413: _("The file or form is larger than this server accepts."),
    415: _("Send JSON, or a form."),
    422: _("Check what was entered and try again."),
    429: _("Wait a minute, then try again."),
    500: _(
        "It has been noted. Try again; if it happens again, tell an administrator the number below."
    ),
}

TO_PROGRAMS = {
    405: _("This address does not take this method; the Allow header names those that it takes."),
}
"""Words for programs, where those for people speak of the page."""

FORGED = _(
    "The page was open too long or came from somewhere else. Load it again and repeat your change."
)


def init(app: Flask) -> None:
    """Register the handlers of everything that can be raised."""
    app.register_error_handler(StewardError, _steward_error)
    app.register_error_handler(CSRFError, _forged)
    app.register_error_handler(HTTPException, _http_error)
    app.register_error_handler(InternalServerError, _our_fault)


def wants_json() -> bool:
    """Whether the asker is a program, not a page."""
    if request.path.startswith("/api/") or "Authorization" in request.headers:
        return True
    best = request.accept_mimetypes.best_match(["text/html", "application/json"], "text/html")
    return best == "application/json"


def answer(
    status: int, message: str = "", problems: list[dict[str, Any]] | None = None
) -> Response:
    """The error in the form that the asker can use."""
    words = {**WORDS, **TO_PROGRAMS} if wants_json() else WORDS
    text = message or str(words.get(status, WORDS[400]))
    if status in (401, 403) and _is_visitor():
        signing_in = _to_login(message)
        if signing_in is not None:
            return signing_in
        status, text = 401, message or str(WORDS[401])
    if status == 403:
        audit.record(
            "denied", details={"method": request.method, "path": request.path[:300]}, apart=True
        )
    if wants_json():
        body: dict[str, Any] = {"message": text, "request_id": g.get("request_id")}
        if problems:
            body["problems"] = problems
        return make_response(jsonify(body), status)
    if request.headers.get("HX-Request"):
        return _for_htmx(status, text)
    page = render_template("errors/error.html", status=status, title=_title(status), message=text)
    return make_response(page, status)


def _is_visitor() -> bool:
    """Nobody has signed in; a token that was refused says why itself."""
    return not g.get("without_user") and not current_user.is_authenticated


def _to_login(message: str) -> Response | None:
    """Visitors are asked to sign in, and come back to where they wanted to go."""
    if wants_json() or "appbuilder" not in _extensions():
        return None
    wanted = request.full_path.rstrip("?") if request.method == "GET" else None
    address = url_for(_extensions()["appbuilder"].sm.auth_view.endpoint + ".login", next=wanted)
    if request.headers.get("HX-Request"):
        response = make_response("", 200)
        response.headers["HX-Redirect"] = address
        return response
    return redirect(address)


def _extensions() -> dict[str, Any]:
    from flask import current_app

    return current_app.extensions


def _for_htmx(status: int, text: str) -> Response:
    """Nothing is swapped in; the message appears as a toast."""
    response = make_response(jsonify(message=text), status)
    response.headers["HX-Reswap"] = "none"
    if status in (400, 409, 413, 422):  # the others are shown by the page's own listener
        response.headers["HX-Trigger"] = json.dumps({"toast": {"message": text, "kind": "danger"}})
    return response


def _title(status: int) -> str:
    return str(TITLES.get(status, TITLES[400 if status < 500 else 500]))


def _steward_error(error: StewardError) -> Response:
    problems = (
        [problem.as_json() for problem in error.problems]
        if isinstance(error, InvalidInput)
        else None
    )
    return answer(error.status, str(error), problems)


def _forged(error: CSRFError) -> Response:
    log.info("refused as forged: %s %s (%s)", request.method, request.path, error.description)
    audit.refused("refused.forged", {"why": str(error.description)})
    if request.path.startswith("/api/") and not current_user.is_authenticated:
        return answer(401, sign_in_first())  # a program that forgot its token, not a page left open
    return answer(400, str(FORGED))


def _http_error(error: HTTPException) -> Response:
    if error.response is not None:
        return error.get_response()
    status = error.code or 500
    if status < 400:
        return error.get_response()
    said = error.description if status in (400, 422) and _is_ours(error) else ""
    response = answer(status, str(said or ""))
    for name, value in error.get_headers():
        if name not in ("Content-Type", "Content-Length"):
            response.headers[name] = value
    return response


def _is_ours(error: HTTPException) -> bool:
    """Werkzeug's own descriptions are English only; ours were given in the reader's language."""
    return error.description is not None and error.description != type(error).description


def _our_fault(error: InternalServerError) -> Response:
    """Drawn without the database and without the person: either may be what failed."""
    g.without_user = True
    cause = error.original_exception
    full = DiskFull() if cause is not None and full_disk(cause) else None
    status, text = (full.status, str(full)) if full else (500, str(WORDS[500]))
    if request.path.startswith("/api/") or request.headers.get("HX-Request") or wants_json():
        return make_response(jsonify(message=text, request_id=g.get("request_id")), status)
    page = web_pages.plain("errors/error.html", status=status, title=_title(status), message=text)
    return make_response(page, status)


def sign_in_first() -> str:
    """What a program without a valid token is told."""
    return str(gettext("Sign in first: the request carries no valid token."))
