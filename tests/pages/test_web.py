"""What every request and answer goes through: headers, errors, malformed input."""

from __future__ import annotations

import pytest
from flask import Flask, abort, request, session
from flask_babel import force_locale
from sqlalchemy.exc import OperationalError

from app.engine.adapters import web, web_errors
from app.engine.errors import InvalidInput, NotAllowed, NotFound, Problem, StaleRecord
from config import ROOT, Settings

pytestmark = pytest.mark.once  # headers and answers

RAISED = {
    "invalid": lambda: InvalidInput([Problem("name", "Too short."), Problem(None, "Odd.")]),
    "stale": lambda: StaleRecord(None),
    "forbidden": NotAllowed,
    "missing": NotFound,
    "broken": lambda: ZeroDivisionError("secret detail"),
    "full": lambda: OperationalError("INSERT", {}, Exception("database or disk is full")),
}


@pytest.fixture
def failing(prepared_app):
    """Addresses that fail in every way; they stay, so they are made once."""
    if "test_failing" not in prepared_app.view_functions:
        prepared_app._got_first_request = False  # Flask takes new addresses only before that

        def fail(kind):
            if kind.isdigit():
                abort(int(kind))
            raise RAISED[kind]()

        for address in ("/fail/<kind>", "/api/v1/fail/<kind>"):
            prepared_app.add_url_rule(
                address, "test_failing" + address[:5], fail, methods=["GET", "POST"]
            )
        prepared_app.view_functions["test_failing"] = fail
    prepared_app.config["PROPAGATE_EXCEPTIONS"] = False
    yield
    prepared_app.config["PROPAGATE_EXCEPTIONS"] = None


def test_headers_on_pages_files_and_errors(client):
    for address in ("/login/", "/users/list/", "/static/steward.css", "/nothing/here", "/api/v1/x"):
        headers = client.get(address).headers
        assert headers["X-Content-Type-Options"] == "nosniff", address
        policy = headers["Content-Security-Policy"]
        assert "unsafe" not in policy
        assert "default-src 'self'" in policy
        assert "frame-ancestors 'none'" in policy
        assert headers["Referrer-Policy"] == "same-origin"
        assert headers["X-Request-ID"]


def test_the_session_cookie(visitor):
    client = visitor()
    kept = client.get("/login/").headers.get("Set-Cookie", "") + client.get(
        "/lang/en?next=/login/"
    ).headers.get("Set-Cookie", "")
    assert "HttpOnly" in kept
    assert "SameSite=Lax" in kept
    assert "Secure" not in kept
    secure = client.get("/lang/zh", base_url="https://localhost").headers["Set-Cookie"]
    assert secure.startswith("__Host-session=")
    assert {"Secure", "HttpOnly", "Path=/", "SameSite=Lax"} <= set(secure.split("; "))
    assert "Domain" not in secure


def test_a_cookie_from_elsewhere_opens_nothing_by_https(browser):
    """A page of a neighbouring host can plant a plain cookie, and none with the prefix."""
    planted = browser("sales").get_cookie("session").value
    client = browser(None)
    client.set_cookie("session", planted, domain="localhost")
    assert client.get("/users/userinfo/").status_code == 200
    assert client.get("/users/userinfo/", base_url="https://localhost").status_code == 302


VISITOR = {
    "X-Forwarded-For": "203.0.113.9, 198.51.100.7",
    "X-Forwarded-Proto": "https",
    "X-Forwarded-Host": "crm.example.org",
}


@pytest.mark.parametrize(
    ("proxies", "address", "host", "secure"),
    [
        ("0", "127.0.0.1", "localhost", False),
        ("1", "198.51.100.7", "crm.example.org", True),
        ("2", "203.0.113.9", "crm.example.org", True),
    ],
)
def test_as_many_proxies_are_believed_as_the_operator_says(proxies, address, host, secure):
    settings = Settings.from_environment({"TRUSTED_PROXIES": proxies})
    app = Flask("behind", root_path=str(ROOT / "app"))
    app.config.update(STEWARD=settings, SECRET_KEY="for tests only")
    web.init(app)

    @app.get("/who")
    def who():
        session["seen"] = True
        return {"address": request.remote_addr, "host": request.host, "secure": request.is_secure}

    answer = app.test_client().get("/who", headers=VISITOR)
    assert answer.get_json() == {"address": address, "host": host, "secure": secure}
    assert ("Secure" in answer.headers["Set-Cookie"]) is secure


def test_files_are_kept_for_good_only_under_their_mark(client):
    assert "immutable" in client.get("/static/steward.css?v=123").headers["Cache-Control"]
    assert "immutable" not in client.get("/static/steward.css").headers["Cache-Control"]
    assert "no-store" in client.get("/users/list/").headers["Cache-Control"]


@pytest.mark.parametrize(
    ("kind", "status"),
    [("invalid", 422), ("stale", 409), ("forbidden", 403), ("missing", 404), ("broken", 500)]
    + [(str(code), code) for code in (400, 403, 404, 405, 409, 413, 415, 422, 429)],
)
def test_errors_as_page_as_json_and_for_htmx(failing, client, kind, status):
    page = client.get(f"/fail/{kind}")
    assert page.status_code == status
    assert page.mimetype == "text/html"
    with force_locale("en"):
        assert str(web_errors.TITLES[status]) in page.text.replace("&#39;", "'")
    assert page.headers["X-Request-ID"] in page.text

    for answer in (
        client.get(f"/api/v1/fail/{kind}"),
        client.get(f"/fail/{kind}", headers={"Accept": "application/json"}),
    ):
        assert answer.status_code == status
        assert answer.get_json()["message"]
        assert answer.get_json()["request_id"] == answer.headers["X-Request-ID"]
        assert "secret detail" not in answer.text

    part = client.get(f"/fail/{kind}", headers={"HX-Request": "true"})
    assert part.status_code == status
    assert part.get_json()["message"]
    if status in (400, 409, 413, 422):
        assert part.headers["HX-Reswap"] == "none"
        assert "toast" in part.headers["HX-Trigger"]


def test_a_full_disk_is_said_and_not_called_our_fault(failing, client):
    for headers in ({}, {"HX-Request": "true"}, {"Accept": "application/json"}):
        answer = client.get("/fail/full", headers=headers)
        assert answer.status_code == 507
        assert "The disk is full" in answer.get_data(as_text=True)


def test_problems_name_their_fields(failing, client):
    problems = client.get("/api/v1/fail/invalid").get_json()["problems"]
    assert problems == [
        {"field": "name", "message": "Too short."},
        {"field": None, "message": "Odd."},
    ]


def test_errors_in_chinese(failing, client):
    page = client.get("/fail/404", headers={"Accept-Language": "zh"})
    assert "页面不存在" in page.text


def test_visitors_are_told_to_sign_in(failing, browser):
    client = browser(None)
    assert client.get("/api/v1/fail/forbidden").status_code == 401
    assert client.get("/fail/forbidden").location == "/login/?next=/fail/forbidden"
    part = client.get("/fail/forbidden", headers={"HX-Request": "true"})
    assert part.headers["HX-Redirect"].startswith("/login/")


def test_a_broken_database_still_gives_a_page(failing, client, monkeypatch):
    from app.engine.adapters.appbuilder import sessions

    def fail(*_arguments):
        raise RuntimeError("the database is gone")

    monkeypatch.setattr(sessions, "person_of", fail)
    page = client.get("/users/list/")
    assert page.status_code == 500
    assert "Something went wrong on our side" in page.text


@pytest.mark.parametrize(
    ("method", "address", "options"),
    [
        ("get", "/users/list/?q=a%00b", {}),
        ("get", "/users/%00", {}),
        ("post", "/users/add", {"data": {"username": "a\0b"}}),
        ("post", "/users/add", {"data": {"a\0b": "x"}}),
        ("post", "/api/v1/customer/", {"json": {"name": "a\0b"}}),
        ("post", "/api/v1/customer/", {"json": {"tags": ["a", {"x": "\0"}]}}),
    ],
)
def test_nul_characters_are_refused(client, method, address, options):
    answer = getattr(client, method)(address, **options)
    assert answer.status_code == 400
    assert "NUL" in answer.text


def test_the_place_of_a_nul_is_named(client):
    answer = client.post("/api/v1/customer/", json={"tags": ["a", "b\0"]})
    assert "tags[1]" in answer.get_json()["message"]


def test_an_escaped_backslash_is_no_nul(client):
    answer = client.post(
        "/api/v1/security/login",
        data=b'{"username": "a\\\\u0000", "password": "x"}',
        content_type="application/json",
    )
    assert answer.status_code == 401


@pytest.mark.parametrize(
    ("address", "own"),
    [
        ("/", True),
        ("/customer/list/?q=润科", True),
        ("", False),
        ("customer/", False),
        ("//evil.example", False),
        ("/\\evil.example", False),
        ("\\\\evil.example", False),
        ("/a\nb", False),
        ("http://localhost/", False),
        ("/" + "x" * 3000, False),
    ],
)
def test_own_addresses(address, own):
    assert web.is_own_address(address) is own


def test_a_request_keeps_its_name(client):
    assert (
        client.get("/login/", headers={"X-Request-ID": "proxy-12345"}).headers["X-Request-ID"]
        == "proxy-12345"
    )
    odd = client.get("/login/", headers={"X-Request-ID": "<script>"})
    assert "<" not in odd.headers["X-Request-ID"]
