"""What somebody forged, kept, bent or sent elsewhere: refused with a plain answer, and nothing is written."""

from __future__ import annotations

import base64
import dataclasses
import json
import time
from typing import Any

import jwt
import pytest
from flask.sessions import SecureCookieSessionInterface
from itsdangerous import URLSafeTimedSerializer

from app.engine.adapters.appbuilder import sessions
from config import Settings
from tests import factories
from tests.hardening.test_routes import differing, state
from tests.pages.support import given

pytestmark = pytest.mark.once

OWN_PAGE = "/users/userinfo/"


def token_of(browser: Any, username: str = "sales", kind: str = "access_token") -> str:
    answer = browser(None).post(
        "/api/v1/security/login",
        json={"username": username, "password": factories.PASSWORD, "refresh": True},
    )
    return str(answer.get_json()[kind])


def listed(browser: Any, token: str) -> int:
    answer = browser(None).get("/api/v1/customer/", headers={"Authorization": f"Bearer {token}"})
    return int(answer.status_code)


def unsigned(claims: dict[str, Any], algorithm: str = "none") -> str:
    parts = ({"alg": algorithm, "typ": "JWT"}, claims)
    first, second = (
        base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts
    )
    return f"{first}.{second}."


def claims_of(token: str) -> dict[str, Any]:
    found: dict[str, Any] = jwt.decode(token, options={"verify_signature": False})
    return found


def test_bent_tokens_open_nothing(app: Any, browser: Any) -> None:
    good = token_of(browser)
    assert listed(browser, good) == 200
    claims = claims_of(good)
    admin = {**claims, "sub": str(factories.user_id("admin"))}
    key = app.secret_key
    bent = {
        "unsigned": unsigned(claims),
        "unsigned, in capitals": unsigned(claims, "NONE"),
        "another key": jwt.encode(claims, "another key, and long enough for it", "HS256"),
        "another algorithm": jwt.encode(claims, key + "x" * 64, "HS512"),
        "somebody else's name": ".".join(
            (good.split(".")[0], unsigned(admin).split(".")[1], good.split(".")[2])
        ),
        "somebody else's name, without their mark": jwt.encode(admin, key, "HS256"),
        "expired": jwt.encode({**claims, "exp": time.time() - 5}, key, "HS256"),
        "not yet": jwt.encode({**claims, "nbf": time.time() + 500}, key, "HS256"),
        "no such person": jwt.encode({**claims, "sub": "999999"}, key, "HS256"),
        "a token to refresh with": token_of(browser, kind="refresh_token"),
        "cut": good[:-4],
        "nothing": "",
        "words": "let me in",
    }
    before = state()
    for what, token in bent.items():
        assert listed(browser, token) == 401, what
        answer = browser(None).post(
            "/api/v1/customer/",
            json={"name": "伪造"},
            headers={"Authorization": f"Bearer {token}"},
        )
        assert answer.status_code == 401, what
        assert answer.get_json()["message"], what
    assert differing(before, state()) == set()


def test_an_access_token_refreshes_nothing(browser: Any) -> None:
    answer = browser(None).post(
        "/api/v1/security/refresh", headers={"Authorization": f"Bearer {token_of(browser)}"}
    )
    assert answer.status_code == 401


@pytest.mark.parametrize("place", ["cookie", "query", "json"])
def test_a_token_counts_in_its_header_alone(browser: Any, place: str) -> None:
    client, token = browser(None), token_of(browser)
    if place == "cookie":
        client.set_cookie("access_token_cookie", token)
        answer = client.get("/api/v1/customer/")
    elif place == "query":
        answer = client.get(f"/api/v1/customer/?jwt={token}")
    else:
        answer = client.post("/api/v1/customer/", json={"access_token": token, "name": "x"})
    assert answer.status_code in (400, 401)


def cookie_of(app: Any, values: dict[str, Any], key: str | None = None) -> str:
    interface = SecureCookieSessionInterface()
    serializer = interface.get_signing_serializer(app)
    assert serializer is not None
    if key is not None:
        serializer.secret_keys = [key.encode()]
    return str(serializer.dumps(values))


def test_bent_session_cookies_open_nothing(app: Any, browser: Any) -> None:
    good = browser("sales").get_cookie("session").value
    number, others = factories.user_id("admin"), sessions.begin(factories.user_id("sales"))
    who = {"_user_id": str(number), "_fresh": True, sessions.COOKIE_KEY: sessions.begin(number)}
    tokens = sessions.begin(number, sessions.PROGRAM)
    content, _dot, rest = good.partition(".")
    bent = {
        "another key": cookie_of(app, who, "some other key that was guessed wrong"),
        "another salt": str(URLSafeTimedSerializer(app.secret_key, salt="else").dumps(who)),
        "a bent content": content[:-2] + "AA." + rest,
        "a bent signature": good[:-3] + ("AAA" if good[-3:] != "AAA" else "BBB"),
        "no signature": content,
        "no key": cookie_of(app, {"_user_id": str(number), "_fresh": True}),
        "a key that nobody has": cookie_of(app, {**who, sessions.COOKIE_KEY: "x" * 43}),
        "somebody else's key": cookie_of(app, {**who, sessions.COOKIE_KEY: others}),
        "the key of tokens": cookie_of(app, {**who, sessions.COOKIE_KEY: tokens}),
        "a key that is no text": cookie_of(app, {**who, sessions.COOKIE_KEY: [1]}),
        "no number": cookie_of(app, {**who, "_user_id": "1 or 1=1"}),
        "a huge number": cookie_of(app, {**who, "_user_id": f"{10**40}.x"}),
        "very long": "x" * 6000,
    }
    before = state()
    for what, value in bent.items():
        client = browser(None)
        client.set_cookie("session", value, domain="localhost")
        assert client.get(OWN_PAGE).status_code == 302, what
        assert client.get("/api/v1/customer/").status_code == 401, what
        assert client.post("/customer/add", data={"name": "x"}).status_code in (302, 400), what
    assert differing(before, state()) == {"audit_entry"}  # that forms came without a token


def test_the_pages_token_belongs_to_its_session(app: Any, browser: Any) -> None:
    """Somebody's own token, sent along with another's cookie, is as good as none."""
    attacker = app.test_client()
    attacker.get("/login/")
    with attacker.session_transaction() as session:
        secret = session.get("csrf_token") or "f" * 40
    foreign = URLSafeTimedSerializer(app.secret_key, salt="wtf-csrf-token").dumps(secret[::-1])
    forged = URLSafeTimedSerializer("another key", salt="wtf-csrf-token").dumps("0" * 40)
    client, before = browser("admin"), state()
    for token in (foreign, forged, "", "null"):
        for sent in (
            {"headers": {"X-CSRFToken": token}},
            {"headers": {"X-CSRFToken": ""}, "data": {"csrf_token": token}},
        ):
            answer = client.post("/customer/add", **sent)
            assert answer.status_code == 400
    assert differing(before, state()) == {"audit_entry"}  # that it was refused


ELSEWHERE = (
    "https://evil.example/", "//evil.example", "/\\evil.example", "\\\\evil.example", "http:evil.example",
    "javascript:alert(1)", "data:text/html,x", "/\t/evil.example", "https://localhost@evil.example", "///evil.example",
    "/\n/evil.example", "https:///evil.example", "%2f%2fevil.example",
)  # fmt: skip


@pytest.mark.parametrize("target", ELSEWHERE)
def test_nothing_leads_away(browser: Any, target: str) -> None:
    customer = given("Customer")
    client = browser("admin")
    answers = [
        browser(None).post(
            "/login/",
            query_string={"next": target},
            data={"username": "sales", "password": factories.PASSWORD},
        ),
        client.get("/lang/en", query_string={"next": target}),
        client.get(
            "/back", query_string={"next": target}, headers={"Referer": " ".join(target.split())}
        ),
        client.post(f"/customer/{customer.id}/approve", query_string={"next": target}),
        client.post("/notifications/read", data={"next": target}),
        client.get("/login/", query_string={"next": target}),
    ]
    for answer in answers:
        place = answer.headers.get("Location", "/")
        assert place.startswith("/"), place
        assert place[1:2] not in ("/", "\\"), place
        assert "evil.example" not in place.partition("?")[0], place


@pytest.mark.parametrize(
    "host",
    ["evil.example", "evil.example:8000", "localhost.evil.example", "localhost@evil.example"],
)
def test_a_foreign_host_name(app: Any, browser: Any, monkeypatch: Any, host: str) -> None:
    """Redirects never name a host; where the operator has said which are ours, no other is answered."""
    answer = browser(None).get("/customer/", headers={"Host": host})
    assert answer.status_code in (302, 400)
    assert "evil" not in answer.headers.get("Location", "")
    settings: Settings = app.config["STEWARD"]
    named = dataclasses.replace(settings, public_url="https://crm.example.com")
    monkeypatch.setitem(app.config, "STEWARD", named)
    refused = browser(None).get("/login/", headers={"Host": host})
    assert refused.status_code == 400
    assert "evil" not in refused.text
    for known in ("crm.example.com", "crm.example.com:443", "localhost", "127.0.0.1:8000"):
        assert browser(None).get("/login/", headers={"Host": known}).status_code == 200
    assert browser(None).get("/healthz", headers={"Host": host}).status_code == 200


def test_the_proxys_headers_count_for_nothing_by_themselves(browser: Any) -> None:
    answer = browser(None).get(
        "/customer/",
        headers={
            "X-Forwarded-Host": "evil.example",
            "X-Forwarded-Proto": "https",
            "Forwarded": "host=evil.example;proto=https",
            "X-Original-URL": "/users/list/",
            "X-Rewrite-URL": "/users/list/",
            "X-HTTP-Method-Override": "DELETE",
        },
    )
    assert answer.location == "/login/?next=/customer/"
    assert "Strict-Transport-Security" not in answer.headers


def test_a_method_is_not_bent(browser: Any) -> None:
    """A GET stays one, whatever header or parameter names another method."""
    customer = given("Customer")
    client = browser("admin")
    before = state()
    for headers, query in (
        ({"X-HTTP-Method-Override": "DELETE"}, {}),
        ({"X-HTTP-Method": "DELETE"}, {}),
        ({}, {"_method": "DELETE"}),
    ):
        answer = client.get(f"/api/v1/customer/{customer.id}", headers=headers, query_string=query)
        assert answer.status_code in (200, 400)
    assert differing(before, state()) == set()
