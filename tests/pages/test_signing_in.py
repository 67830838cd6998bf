"""Signing in and out: sessions, tokens, forced change of password, where one comes out."""

from __future__ import annotations

import re

import pytest

from app.engine import policy
from app.engine.adapters.appbuilder import accounts, sessions
from app.engine.adapters.database import db
from tests import factories
from tests.pages.conftest import take_token


def sign_in(client, username="sales", password=factories.PASSWORD, address="/login/"):
    return client.post(address, data={"username": username, "password": password})


def token(client, username="sales", password=factories.PASSWORD):
    answer = client.post(
        "/api/v1/security/login", json={"username": username, "password": password}
    )
    return answer.get_json()["access_token"]


def bearer(value):
    return {"Authorization": f"Bearer {value}"}


def give_password(username, password="lent to you 1", must_change=True):
    with policy.acting_as(policy.SYSTEM_VIEWER):
        accounts.set_password(factories.user_id(username), password, must_change)
    return password


def test_by_user_name_and_by_address(visitor):
    for name in ("sales", "SALES", "sales@example.org", " sales "):
        client = visitor()
        assert sign_in(client, name).status_code == 302
        assert client.get("/users/userinfo/").status_code == 200


def test_wrong_password_says_so_and_counts(visitor):
    answer = sign_in(visitor(), password="something else")
    assert answer.status_code == 422
    assert "User name or password is wrong." in answer.text
    db.session.rollback()
    assert factories.person("sales").fail_login_count == 1


def test_unknown_and_switched_off_people_get_the_same_answer(visitor):
    with policy.acting_as(policy.SYSTEM_VIEWER):
        accounts.save_user(factories.user_id("sales2"), {"active": False})
    answers = [sign_in(visitor(), name) for name in ("nobody", "sales2")]
    assert all("User name or password is wrong." in answer.text for answer in answers)
    # Tokens hold the second in which they were made.
    plain = {
        re.sub(r'"[\w.-]{60,}"', "", answer.text.replace("nobody", "sales2")) for answer in answers
    }
    assert len(plain) == 1


@pytest.mark.parametrize(
    ("wanted", "reached"),
    [
        ("/users/userinfo/", "/users/userinfo/"),
        ("/users/list/?q=a%26b", "/users/list/?q=a%26b"),
        ("//evil.example", "/"),
        ("/\\evil.example", "/"),
        ("https://evil.example/", "/"),
        ("javascript:alert(1)", "/"),
        ("/\tevil", "/"),
        ("", "/"),
    ],
)
def test_next_never_leads_away(visitor, wanted, reached):
    answer = visitor().post(
        "/login/",
        query_string={"next": wanted},
        data={"username": "sales", "password": factories.PASSWORD},
    )
    assert answer.status_code == 302
    assert answer.location == reached


def test_a_prepared_session_is_not_taken_over(visitor):
    client = visitor()
    with client.session_transaction() as session:
        session["planted"] = "by somebody else"
        session["locale"] = "en"
    sign_in(client)
    with client.session_transaction() as session:
        assert "planted" not in session
        assert session["locale"] == "en"


def test_signing_out_takes_a_post(browser):
    client = browser("sales")
    asked = client.get("/logout/")
    assert asked.status_code == 200
    assert client.get("/users/userinfo/").status_code == 200
    assert client.post("/logout/").status_code == 302
    assert client.get("/users/userinfo/").status_code == 302


def test_visitors_are_led_to_signing_in_and_back(visitor):
    answer = visitor().get("/users/list/?q=x")
    assert answer.status_code == 302
    assert answer.location == "/login/?next=/users/list/?q%3Dx"


def test_a_lent_password_has_to_be_changed_before_anything_else(visitor):
    client, lent = visitor(), give_password("sales")
    sign_in(client, password=lent)
    for address in ("/", "/users/userinfo/", "/customer/list/"):
        assert client.get(address).location == "/resetmypassword/form"
    refused = client.get("/api/v1/customer/")
    assert refused.status_code == 403
    assert "password" in refused.get_json()["message"]
    by_token = visitor().get("/api/v1/customer/", headers=bearer(token(visitor(), "sales", lent)))
    assert by_token.status_code == 401
    assert "password" in by_token.get_json()["message"]
    page = client.get("/resetmypassword/form")
    assert page.status_code == 200
    assert "current-password" not in page.text

    take_token(client)
    answer = client.post(
        "/resetmypassword/form", data={"password": "my own words", "again": "my own words"}
    )
    assert answer.location == "/"
    assert client.get("/users/userinfo/").status_code == 200
    assert sign_in(visitor(), password="my own words").status_code == 302


@pytest.mark.parametrize(
    ("password", "again", "message"),
    [
        ("short", "short", "at least 10 characters"),
        ("long enough", "long enoygh", "The two passwords differ."),
        ("", "", "Fill in this field."),
        ("            ", "            ", "blanks"),
        ("x" * 201, "x" * 201, "at most 200 characters"),
        (factories.PASSWORD, factories.PASSWORD, "Choose another."),
    ],
)
def test_what_cannot_be_a_password(browser, password, again, message):
    answer = browser("sales").post(
        "/resetmypassword/form",
        data={"current": factories.PASSWORD, "password": password, "again": again},
    )
    assert answer.status_code == 422
    assert message in answer.text


def test_changing_the_own_password_takes_the_old_one(browser):
    data = {"current": "guessed", "password": "my own words", "again": "my own words"}
    answer = browser("sales").post("/resetmypassword/form", data=data)
    assert answer.status_code == 422
    assert "This is not your password." in answer.text


def test_a_new_password_ends_other_sessions_and_tokens(browser, visitor):
    here, elsewhere = browser("sales"), browser("sales")
    old = token(visitor())
    data = {"current": factories.PASSWORD, "password": "my own words", "again": "my own words"}
    assert here.post("/resetmypassword/form", data=data).status_code == 302
    assert here.get("/users/userinfo/").status_code == 200
    assert elsewhere.get("/users/userinfo/").status_code == 302
    assert visitor().get("/users/userinfo/", headers=bearer(old)).status_code == 401


def test_switching_an_account_off_ends_its_sessions_and_tokens(browser, visitor):
    client, old = browser("sales"), token(visitor())
    with policy.acting_as(policy.SYSTEM_VIEWER):
        accounts.save_user(factories.user_id("sales"), {"active": False})
    assert client.get("/users/userinfo/").status_code == 302
    assert visitor().get("/users/userinfo/", headers=bearer(old)).status_code == 401


def test_rest_sign_in_and_refresh(visitor):
    client = visitor()
    answer = client.post(
        "/api/v1/security/login",
        json={
            "username": "sales",
            "password": factories.PASSWORD,
            "provider": "db",
            "refresh": True,
        },
    )
    assert answer.status_code == 200
    assert "Set-Cookie" not in answer.headers
    refreshed = client.post(
        "/api/v1/security/refresh", headers=bearer(answer.get_json()["refresh_token"])
    )
    assert refreshed.status_code == 200
    assert refreshed.get_json()["access_token"]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"username": "sales", "password": "wrong"}, 401),
        ({"username": "sales"}, 400),
        ({"username": ["sales"], "password": "x"}, 400),
        (["sales"], 400),
        ({"username": "sales", "password": factories.PASSWORD, "provider": "ldap"}, 401),
        ({"username": "sales", "password": factories.PASSWORD, "provider": 7}, 401),
    ],
)
def test_rest_sign_in_refuses_in_words(visitor, body, status):
    answer = visitor().post("/api/v1/security/login", json=body)
    assert answer.status_code == status
    assert answer.get_json()["message"]


def test_a_wrong_token_is_not_covered_by_the_cookie(browser, visitor):
    client = browser("admin")
    assert client.get("/users/list/").status_code == 200
    for value in ("nonsense", "", "a.b.c"):
        answer = client.get("/users/list/", headers={"Authorization": f"Bearer {value}"})
        assert answer.status_code == 401, value
    other = token(visitor(), "sales")
    assert client.get("/users/list/", headers=bearer(other)).status_code == 403


def test_writes_by_cookie_take_the_pages_token(app):
    client = app.test_client()
    person = factories.person("sales")
    with client.session_transaction() as session:
        session["_user_id"] = person.get_id()
        session[sessions.COOKIE_KEY] = sessions.begin(person.id)
    for address, options in (
        ("/users/userinfo/", {"data": {"first_name": "x"}}),
        ("/api/v1/customer/", {"json": {"name": "x"}}),
        ("/logout/", {}),
    ):
        answer = client.post(address, **options)
        assert answer.status_code == 400, address
    assert client.get("/users/userinfo/").status_code == 200


def test_loading_the_person_takes_one_query(app, browser, statements):
    client = browser("sales")
    with statements() as made:
        client.get("/users/userinfo/")
    assert sum("FROM ab_user " in statement for statement in made) == 1
