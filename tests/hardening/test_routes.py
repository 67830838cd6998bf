"""Over every route there is: writes take the page's token, reads write nothing, answers carry their headers."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest
from sqlalchemy import MetaData, select

from app.engine.adapters import web
from app.engine.adapters.appbuilder import sessions
from app.engine.adapters.database import db
from tests import factories
from tests.hardening.routes import rules
from tests.pages.support import given

pytestmark = pytest.mark.once

WRITING = ("POST", "PUT", "PATCH", "DELETE")

PROVEN_OTHERWISE = web.TOKEN_PATHS | web.FOREIGN_POSTS | {f"{web.PROVED_BY_ADDRESS}<token>"}
"""Routes that take no token because they look at no cookie: each is tried below, SAML's in
tests/pages/test_saml.py, links' in tests/pages/test_links.py."""

TOUCHED_BY_READING = {
    "audit_entry": "who has seen personal data is noted",
    "failed_attempts": "addresses of links that there are not are counted, by who asks for them",
    "signed_in": "once a minute it is noted that a session is used",
}
"""Tables that a GET may write, and why."""


@pytest.fixture
def bare(app: Any) -> Any:
    """Signed in as the administrator by cookie, in a browser that sends no token."""

    def make(username: str = "admin") -> Any:
        client = app.test_client()
        with client.session_transaction() as session:
            session["_user_id"] = factories.person(username).get_id()
            session[sessions.COOKIE_KEY] = sessions.begin(factories.user_id(username))
            session["_fresh"] = True
        return client

    app.test_client_class = None
    return make


def state() -> dict[str, str]:
    """A mark of what each table holds; search tables and counters are the database's own."""
    metadata = MetaData()
    with db.engine.connect() as connection:
        metadata.reflect(connection)
        return {
            table.name: hashlib.sha256(
                repr(sorted(map(repr, connection.execute(select(table))))).encode()
            ).hexdigest()
            for table in metadata.sorted_tables
            if not table.name.startswith(("search_", "sqlite_")) and table.columns
        }


def differing(before: dict[str, str], after: dict[str, str]) -> set[str]:
    return {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}


def test_every_write_by_cookie_takes_the_pages_token(app: Any, bare: Any) -> None:
    customer = given("Customer")
    client = bare()
    before = state()
    tried = 0
    for rule, method, address in rules(app, *WRITING):
        if rule.rule in PROVEN_OTHERWISE:
            continue
        address = address.replace("/1", f"/{customer.id}")
        for headers in ({}, {"X-CSRFToken": "x" * 40}, {"Origin": "https://evil.example"}):
            answer = client.open(address, method=method, headers=headers, data={"name": "x"})
            assert answer.status_code == 400, f"{method} {rule.rule}: {answer.status_code}"
            tried += 1
    assert tried > 100
    assert differing(before, state()) <= {"audit_entry"}, "only that it was tried is noted"


def test_a_cookie_opens_nothing_where_no_token_is_asked_for(app: Any, bare: Any) -> None:
    client = bare()
    for path in sorted(web.TOKEN_PATHS):
        answer = client.post(path, json={})
        assert answer.status_code in (400, 401, 422), path
        assert "Set-Cookie" not in answer.headers, path
    with client.session_transaction() as session:
        assert session["_user_id"]
    customer = given("Customer")
    for method in ("POST", "PUT", "DELETE"):  # a header that promises a token, and the cookie
        answer = client.open(
            f"/api/v1/customer/{customer.id if method != 'POST' else ''}",
            method=method,
            json={"name": "别人"},
            headers={"Authorization": "Bearer nonsense"},
        )
        assert answer.status_code == 401, method


def test_no_get_writes(app: Any, browser: Any) -> None:
    customer = given("Customer")
    given("Contact", customer=customer.id)
    client = browser("admin")
    client.get("/")
    before = state()
    statuses: dict[int, int] = {}
    for rule, _method, address in rules(app, "GET"):
        answer = client.get(address.replace("/1", f"/{customer.id}"))
        statuses[answer.status_code] = statuses.get(answer.status_code, 0) + 1
        assert answer.status_code < 500 or rule.endpoint == "readyz", f"{address}: {answer.status}"
        changed = differing(before, state()) - TOUCHED_BY_READING.keys()
        assert not changed, f"GET {rule.rule} wrote to {changed}"
    assert statuses[200] > 35


ALWAYS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


def check_headers(answer: Any, address: str, static: bool) -> None:
    secret = address.rpartition(" ")[2].startswith(web.PROVED_BY_ADDRESS)
    stricter = {"Referrer-Policy": "no-referrer"} if secret else {}
    for name, value in (ALWAYS | stricter).items():
        assert answer.headers[name] == value, f"{address}: {name}"
    policy = answer.headers["Content-Security-Policy"]
    assert "unsafe" not in policy, address
    for part in (
        "default-src 'self'", "script-src 'self'", "style-src 'self'", "object-src 'none'",
        "frame-ancestors 'none'", "base-uri 'self'", "form-action 'self'",
    ):  # fmt: skip
        assert part in policy, f"{address}: {part}"
    assert "camera=()" in answer.headers["Permissions-Policy"], address
    assert len(answer.headers.getlist("Cache-Control")) == 1, address
    assert ("no-store" in answer.headers["Cache-Control"]) is not static, address
    assert "Access-Control-Allow-Origin" not in answer.headers, address


@pytest.mark.parametrize("username", ["admin", None])
def test_headers_of_every_answer(app: Any, browser: Any, username: str | None) -> None:
    given("Customer")
    client = browser(username)
    for rule, method, address in rules(app, "GET", *WRITING):
        if username and rule.endpoint.endswith(("logout", "login")):
            continue
        answer = client.open(address, method=method)
        static = rule.endpoint.endswith("static") and answer.status_code == 200
        check_headers(answer, f"{method} {address}", static)
        assert "Strict-Transport-Security" not in answer.headers
        if "attachment" in answer.headers.get("Content-Disposition", ""):
            assert "html" not in answer.mimetype
    for address in ("/nothing/here", "/api/v1/nothing/", "/static/nothing.css", "/static/../x"):
        check_headers(client.get(address), address, static=False)
    check_headers(client.open("/customer/", method="TRACE"), "TRACE", static=False)


def test_a_crash_has_them_too(app: Any, browser: Any, monkeypatch: Any) -> None:
    from app.engine.query import Records

    def crash(*_arguments: Any, **_named: Any) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(Records, "page", crash)
    monkeypatch.setitem(app.config, "PROPAGATE_EXCEPTIONS", False)
    answer = browser("admin").get("/customer/")
    assert answer.status_code == 500
    check_headers(answer, "/customer/", static=False)


def test_by_https_the_browser_is_told_to_stay_there(app: Any, browser: Any) -> None:
    client = browser(None)
    for address in ("/login/", "/static/steward.css", "/nothing"):
        answer = client.get(address, base_url="https://localhost")
        assert answer.headers["Strict-Transport-Security"].startswith("max-age=31536000")
