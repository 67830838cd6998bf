"""Sessions: seen, ended, timed out; cookies and tokens that count no longer."""

from __future__ import annotations

import datetime
import re

import pytest
from sqlalchemy import select, update

from app.engine import policy
from app.engine.adapters.appbuilder import accounts, sessions
from app.engine.adapters.appbuilder.sessions import SignedIn
from app.engine.adapters.database import db, now, write_transaction
from tests import factories
from tests.pages.conftest import take_token
from tests.pages.test_signing_in import bearer, sign_in, token

PROFILE = "/users/userinfo/"
EDGE = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/120 Safari/537.36 Edg/120"
)


def rows(username):
    statement = select(SignedIn).where(SignedIn.user_id == factories.user_id(username))
    return list(db.session.scalars(statement.order_by(SignedIn.id)))


def change(**values):
    with write_transaction() as session:
        session.execute(update(SignedIn).values(**values))
    db.session.expire_all()


def signed_in(visitor, username="sales"):
    client = visitor()
    assert sign_in(client, username).status_code == 302
    take_token(client)
    return client


def test_each_sign_in_is_a_row_of_its_own(visitor):
    client = visitor()
    client.post(
        "/login/",
        data={"username": "sales", "password": factories.PASSWORD},
        headers={"User-Agent": EDGE},
        environ_base={"REMOTE_ADDR": "192.0.2.7"},
    )
    page = client.get(PROFILE).text
    assert "Edge · Windows" in page
    assert "192.0.2.7" in page
    assert "This one" in page
    signed_in(visitor)
    assert len(rows("sales")) == 2


def test_ones_own_other_session_is_ended(visitor):
    here, there = signed_in(visitor), signed_in(visitor)
    first, second = rows("sales")
    assert here.post(f"/sessions/{second.id}/end").location == f"{PROFILE}#sessions"
    assert there.get(PROFILE).status_code == 302
    assert here.get(PROFILE).status_code == 200
    db.session.refresh(second)
    assert second.ended_by == second.user_id
    assert first.ended_at is None


def test_all_others_are_ended_at_once(visitor):
    here, there, tokened = signed_in(visitor), signed_in(visitor), token(visitor())
    here.post(f"/sessions/of/{factories.user_id('sales')}/end")
    assert here.get(PROFILE).status_code == 200
    assert there.get(PROFILE).status_code == 302
    assert visitor().get(PROFILE, headers=bearer(tokened)).status_code == 401


def test_others_sessions_are_seen_and_ended_by_who_manages_users_only(browser, visitor):
    client = signed_in(visitor)
    (row,) = rows("sales")
    other = browser("sales2")
    assert other.post(f"/sessions/{row.id}/end").status_code == 404
    assert other.post(f"/sessions/of/{row.user_id}/end").status_code == 404
    assert visitor().post(f"/sessions/{row.id}/end").status_code in (302, 401)
    assert client.get(PROFILE).status_code == 200
    admin = browser("admin")
    assert f"/sessions/{row.id}/end" in admin.get(f"/users/edit/{row.user_id}").text
    answer = admin.post(f"/sessions/{row.id}/end")
    assert answer.location == f"/users/edit/{row.user_id}#sessions"
    assert client.get(PROFILE).status_code == 302


def test_an_administrators_sessions_are_not_ended_by_a_lesser_one(app, browser, visitor):
    manager = app.appbuilder.sm
    role = manager.find_role("SystemAdmin")
    manager.add_user("keeper", "系", "统", "keeper@example.org", role, factories.PASSWORD)
    client = signed_in(visitor, "admin")
    (row,) = rows("admin")
    assert browser("keeper").post(f"/sessions/{row.id}/end").status_code == 403
    assert client.get(PROFILE).status_code == 200


@pytest.mark.parametrize("number", [0, 999_999, 2**40])
def test_what_is_no_session_is_not_found(browser, number):
    assert browser("admin").post(f"/sessions/{number}/end").status_code == 404


def test_ending_takes_the_pages_token(app, visitor):
    client = signed_in(visitor)
    (row,) = rows("sales")
    answer = client.post(f"/sessions/{row.id}/end", headers={"X-CSRFToken": "wrong"})
    assert answer.status_code == 400


def test_unused_for_long_it_ends(visitor):
    client = signed_in(visitor)
    change(seen_at=now() - sessions.idle_limit() + datetime.timedelta(minutes=2))
    assert client.get(PROFILE).status_code == 200
    change(seen_at=now() - sessions.idle_limit())
    assert client.get(PROFILE).status_code == 302
    assert not sessions.of(factories.user_id("sales"))


def test_at_last_it_ends_however_much_it_is_used(visitor):
    client = signed_in(visitor)
    (row,) = rows("sales")
    assert row.ends_at - row.begun_at == sessions.whole_limit()
    change(ends_at=now())
    assert client.get(PROFILE).status_code == 302


def test_that_it_was_used_is_written_once_a_minute(visitor, statements):
    client = signed_in(visitor)
    with statements() as made:
        client.get(PROFILE)
    assert not [statement for statement in made if statement.startswith("UPDATE")]
    change(seen_at=now() - datetime.timedelta(minutes=3))
    with statements() as made:
        client.get(PROFILE)
        client.get(PROFILE)
    assert len([s for s in made if s.startswith("UPDATE signed_in")]) == 1
    db.session.rollback()
    assert now() - rows("sales")[0].seen_at < datetime.timedelta(minutes=1)


def test_nobody_waits_for_a_writer_to_note_that(app, visitor):
    client = signed_in(visitor)
    change(seen_at=now() - datetime.timedelta(minutes=3))
    if db.engine.dialect.name == "sqlite":
        with write_transaction():
            answer = client.get(PROFILE)
        assert answer.status_code == 200


def test_a_session_costs_no_statement_of_its_own(visitor, statements):
    client = signed_in(visitor)
    with statements() as made:
        client.get("/customer/list/")
    assert len([statement for statement in made if "signed_in" in statement]) == 1
    assert any("ab_user" in s and "signed_in" in s for s in made)


def test_signing_out_ends_the_row(visitor):
    client = signed_in(visitor)
    with client.session_transaction() as session:
        copied = dict(session)
    client.post("/logout/")
    thief = visitor()
    with thief.session_transaction() as session:
        session.update(copied)
    assert thief.get(PROFILE).status_code == 302
    assert rows("sales")[0].ended_at is not None


def test_a_cookie_that_was_tampered_with_is_refused(visitor):
    client = signed_in(visitor)
    cookie = client.get_cookie("session").value
    for wrong in (cookie[:-2] + "xx", "." + cookie, cookie.replace(".", "", 1), "x"):
        thief = visitor()
        thief.set_cookie("session", wrong)
        assert thief.get(PROFILE).status_code == 302


def test_a_key_is_good_for_its_own_person_and_use_only(visitor):
    signed_in(visitor)
    (row,) = rows("sales")
    for user_id, key in (
        (factories.user_id("admin"), row.key),
        (row.user_id, "x"),
        (row.user_id, None),
        (row.user_id, ["x"]),
        ("1.x", row.key),
    ):
        thief = visitor()
        with thief.session_transaction() as session:
            session["_user_id"] = str(user_id)
            session[sessions.COOKIE_KEY] = key
        assert thief.get(PROFILE).status_code == 302
    token(visitor())
    program = rows("sales")[-1]
    thief = visitor()
    with thief.session_transaction() as session:
        session["_user_id"], session[sessions.COOKIE_KEY] = str(row.user_id), program.key
    assert thief.get(PROFILE).status_code == 302


def test_a_programs_tokens_end_with_its_session(visitor, browser):
    answer = visitor().post(
        "/api/v1/security/login",
        json={"username": "sales", "password": factories.PASSWORD, "refresh": True},
    )
    both = answer.get_json()
    fresh = visitor().post("/api/v1/security/refresh", headers=bearer(both["refresh_token"]))
    second = fresh.get_json()["access_token"]
    for one in (both["access_token"], second):
        assert visitor().get("/api/v1/customer/", headers=bearer(one)).status_code == 200
    (row,) = rows("sales")
    assert row.kind == sessions.PROGRAM
    browser("admin").post(f"/sessions/{row.id}/end")
    for one in (both["access_token"], second):
        assert visitor().get("/api/v1/customer/", headers=bearer(one)).status_code == 401
    again = visitor().post("/api/v1/security/refresh", headers=bearer(both["refresh_token"]))
    assert again.status_code == 401


@pytest.mark.parametrize("how", ["switched off", "new password"])
def test_tokens_end_with_the_account_and_with_its_password(visitor, how):
    old, client = token(visitor()), signed_in(visitor)
    with policy.acting_as(policy.SYSTEM_VIEWER):
        if how == "new password":
            accounts.set_password(factories.user_id("sales"), "another one altogether")
        else:
            accounts.save_user(factories.user_id("sales"), {"active": False})
            accounts.save_user(factories.user_id("sales"), {"active": True})
    assert visitor().get("/api/v1/customer/", headers=bearer(old)).status_code == 401
    assert client.get(PROFILE).status_code == 302


def test_old_rows_are_taken_away(visitor):
    signed_in(visitor)
    assert sessions.remove_old() == 0
    change(ends_at=now() - sessions.KEPT - datetime.timedelta(days=1))
    assert sessions.remove_old() == 1


def test_both_languages(visitor, client):
    for language, word in (("zh", "会话"), ("en", "Sessions")):
        page = client.get(PROFILE, headers={"Accept-Language": language}).text
        assert re.search(rf'id="sessions-title">{word}<', page)
