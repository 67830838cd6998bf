"""Pages reached by links, without signing in: what is asked, thanks, and why a link can't be used.

They look at no cookie, so nothing is done in the name of whoever is signed in; the link itself is the
proof that a forged request lacks. They work without scripts, are indexed by nobody, and tell no other
site the address that they were reached by.
"""

from __future__ import annotations

from typing import Any

from flask import Flask, g, make_response, render_template, request
from flask_babel import force_locale, gettext
from werkzeug.wrappers import Response

from app.engine import links
from app.engine.adapters.appbuilder import attempts
from app.engine.adapters.appbuilder.views import Pages, expose
from app.engine.adapters.i18n import LANGUAGES
from app.engine.errors import InvalidInput, Problem
from app.engine.links.using import UNKNOWN, note_refused

HEADERS = {
    "Referrer-Policy": "no-referrer",
    "X-Robots-Tag": "noindex, nofollow, noarchive",
}


class LinkPages(Pages):
    """/l/<token>"""

    @expose(f"{links.PATH}/<token>", methods=["GET", "POST"])
    def link(self, token: str) -> Response:
        """What the link asks for; POST takes the answer. GET changes nothing: programs open links too."""
        try:
            found = _found(token)
            with force_locale(_language(found)):
                if request.method == "POST":
                    return _answered(found)
                with links.opened(found) as (purpose, record):
                    return _form(purpose, record)
        except links.LinkOver as error:
            return _over(error)
        except attempts.TooManyAttempts as error:
            return _over(error)


def register(_app: Flask, appbuilder: Any) -> None:
    """Add the page."""
    appbuilder.add_view_no_menu(LinkPages)


def _found(token: str) -> links.PublicLink:
    """Raises LinkOver for one that is not known, TooManyAttempts for who tries many of those."""
    link = links.find(token)
    if link is None:
        address = attempts.key("guess-address", request.remote_addr or "")
        attempts.count({"guess-address": address}, closed_kind="link.refused")
        raise links.LinkOver(UNKNOWN)
    return link


def _answered(link: links.PublicLink) -> Response:
    """Raises LinkOver, TooManyAttempts."""
    answering = attempts.key("answer-link", str(link.id))
    attempts.count({"answer-link": answering}, closed_kind="link.refused")
    try:
        with links.opened(link) as (purpose, record):
            values, problems = links.given_values(purpose.items(record), request.form)
            if problems:
                return _form(purpose, record, problems)
        try:
            links.answer(link, values)
        except InvalidInput as error:
            with links.opened(link) as (purpose, record):
                return _form(purpose, record, error.problems)
    except links.LinkOver as error:
        note_refused(link, error.why)
        raise
    return _page("public/done.html", 200, purpose=purpose)


def _form(purpose: links.Purpose, record: Any, problems: tuple[Problem, ...] = ()) -> Response:
    items = purpose.items(record)
    beside = {str(problem.field): str(problem.message) for problem in problems}
    names = {item.name for item in items}
    return _page(
        "public/link.html",
        422 if problems else 200,
        purpose=purpose,
        heading=str(purpose.heading(record) if purpose.heading else purpose.label),
        lines=[str(line) for line in purpose.lines(record)],
        items=items,
        beside=beside,
        general=[str(problem.message) for problem in problems if problem.field not in names],
        given={item.name: request.form.getlist(item.name) for item in items},
    )


def _over(error: links.LinkOver | attempts.TooManyAttempts) -> Response:
    """In both languages: whose link it is may not be known."""
    said = []
    for language in sorted(LANGUAGES, key=lambda code: code != _language(None)):
        with force_locale(language):
            title = gettext("This link can't be used")
            if not isinstance(error, links.LinkOver):
                title = gettext("Too many attempts")
            elif error.why == "used":
                title = gettext("Already answered")
            said.append((language, title, str(error.message)))
    with force_locale(said[0][0]):
        return _page("public/over.html", error.status, said=said)


def _language(link: links.PublicLink | None) -> str:
    """As chosen on the page, else the recipient's, else the browser's."""
    chosen = request.args.get("lang", "")
    if chosen in LANGUAGES:
        return chosen
    if link is not None:
        return link.language
    return str(request.accept_languages.best_match(list(LANGUAGES), "zh"))


def _page(template: str, status: int, **context: Any) -> Response:
    g.without_user = True
    response = make_response(render_template(template, **context), status)
    response.headers.update(HEADERS)
    return response
