"""Guessing passwords: slowed down by account and by address, without locking out whose account it is."""

from __future__ import annotations

import datetime
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select, update

from app.engine.adapters.appbuilder import attempts
from app.engine.adapters.appbuilder.attempts import LIMITS, FailedAttempts
from app.engine.adapters.database import db, now, write_transaction
from app.engine.audit.models import AuditEntry
from tests import factories
from tests.pages.conftest import take_token

HERE, ELSEWHERE = "192.0.2.1", "198.51.100.9"


def guess(client, name="sales", address=HERE, password="wrong"):
    return client.post(
        "/login/",
        data={"username": name, "password": password},
        environ_base={"REMOTE_ADDR": address},
    )


def program(client, name="sales", address=HERE, password="wrong"):
    return client.post(
        "/api/v1/security/login",
        json={"username": name, "password": password},
        environ_base={"REMOTE_ADDR": address},
    )


def later(**span):
    """As if so much time had passed since."""
    with write_transaction() as session:
        for row in session.scalars(select(FailedAttempts)):
            row.last_at -= datetime.timedelta(**span)
            if row.held_until:
                row.held_until -= datetime.timedelta(**span)


def statuses(visitor, number, ask=guess, **more):
    return [ask(visitor(), **more).status_code for _number in range(number)]


@pytest.mark.parametrize("name", ["sales", "nobody", "sales@example.org"])
def test_after_some_failures_it_has_to_be_waited_whoever_it_is(visitor, name):
    free = LIMITS["pair"].free
    assert statuses(visitor, free + 1, name=name) == [422] * free + [429]
    answer = guess(visitor(), name=name, password=factories.PASSWORD)
    assert answer.status_code == 429
    assert "Too many attempts. Try again in 1 minute." in answer.text
    assert 0 < int(answer.headers["Retry-After"]) <= 30
    assert program(visitor(), name=name).status_code == 429


def test_names_are_counted_however_they_are_written(visitor):
    for name in ("sales", "SALES", " sales ", "ｓａｌｅｓ", "Sales"):
        guess(visitor(), name)
    assert guess(visitor()).status_code == 429


def test_the_wait_grows_and_is_over_some_time(visitor):
    statuses(visitor, LIMITS["pair"].free)
    waits = []
    for _turn in range(3):
        waits.append(int(guess(visitor()).headers["Retry-After"]))
        later(seconds=waits[-1])
        assert guess(visitor()).status_code == 422
    assert waits == sorted(waits)
    assert waits[2] > 3 * waits[0]
    later(hours=2)
    assert guess(visitor(), password=factories.PASSWORD).status_code == 302


def test_the_right_password_forgets_the_failures(visitor):
    statuses(visitor, LIMITS["pair"].free - 1)
    assert guess(visitor(), password=factories.PASSWORD).status_code == 302
    assert statuses(visitor, LIMITS["pair"].free) == [422] * LIMITS["pair"].free


def test_from_many_addresses_one_account_is_closed(visitor):
    free = LIMITS["account"].free
    for number in range(free):
        assert guess(visitor(), address=f"203.0.113.{number}").status_code == 422
    assert guess(visitor(), address="203.0.113.200").status_code == 429
    assert guess(visitor(), "sales2", address="203.0.113.200").status_code == 422


def test_from_one_address_many_accounts_are_closed(visitor):
    free = LIMITS["address"].free
    for number in range(free):
        assert guess(visitor(), f"somebody{number}").status_code == 422
    assert guess(visitor(), "guest").status_code == 429
    assert guess(visitor(), "guest", address=ELSEWHERE).status_code == 422


def test_nobody_is_kept_out_by_others_guessing(visitor):
    mine = visitor()
    assert guess(mine, password=factories.PASSWORD, address=ELSEWHERE).status_code == 302
    mine.delete_cookie("session")
    with write_transaction() as session:  # as after days of it, from everywhere
        for kind, text in (("account", "sales"), ("address", ELSEWHERE)):
            row = FailedAttempts(
                key=attempts.key(kind, text), failures=10_000, last_at=now(),
                held_until=now() + datetime.timedelta(hours=1),
            )  # fmt: skip
            session.merge(row)
    assert guess(visitor(), password=factories.PASSWORD, address=ELSEWHERE).status_code == 429
    take_token(mine)
    assert guess(mine, password=factories.PASSWORD, address=ELSEWHERE).status_code == 302


def test_a_known_browser_has_its_own_count_for_its_own_people(visitor):
    mine = visitor()
    guess(mine, password=factories.PASSWORD)
    mine.delete_cookie("session")
    take_token(mine)
    answers = [guess(mine).status_code for _number in range(LIMITS["device"].free + 1)]
    assert answers == [422] * LIMITS["device"].free + [429]
    others = [guess(mine, "sales2").status_code for _number in range(LIMITS["pair"].free + 1)]
    assert others == [422] * LIMITS["pair"].free + [429]


@pytest.mark.parametrize("cookie", ["", "x", "e30.x.y"])
def test_a_forged_cookie_makes_no_browser_known(visitor, cookie):
    for _number in range(LIMITS["pair"].free):
        client = visitor()
        client.set_cookie(attempts.DEVICE_COOKIE, cookie)
        guess(client)
    client = visitor()
    client.set_cookie(attempts.DEVICE_COOKIE, cookie)
    assert guess(client).status_code == 429


def test_the_cookie_is_kept_from_scripts(visitor):
    answer = guess(visitor(), password=factories.PASSWORD)
    (cookie,) = [c for c in answer.headers.getlist("Set-Cookie") if c.startswith("device=")]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie


def test_an_administrator_unlocks(browser, visitor):
    sales = factories.user_id("sales")
    for number in range(LIMITS["account"].free + 1):
        guess(visitor(), address=f"203.0.113.{number}")
    statuses(visitor, 3, name="sales@example.org")
    admin = browser("admin")
    assert "closed until" in admin.get(f"/users/edit/{sales}").text
    assert browser("sales2").post(f"/sessions/of/{sales}/unlock").status_code == 403
    assert admin.post(f"/sessions/of/{sales}/unlock").location == f"/users/edit/{sales}"
    assert "closed until" not in admin.get(f"/users/edit/{sales}").text
    assert guess(visitor(), password=factories.PASSWORD).status_code == 302
    left = {key.partition(":")[0] for key in db.session.scalars(select(FailedAttempts.key))}
    assert left == {"address"}


def test_names_that_were_typed_are_not_kept(visitor):
    for _number in range(LIMITS["pair"].free + 1):
        guess(visitor(), "password-by-mistake")
    kept = " ".join(db.session.scalars(select(FailedAttempts.key)))
    kept += " ".join(str(entry.who) for entry in db.session.scalars(select(AuditEntry)))
    assert "mistake" not in kept
    assert HERE not in kept


@pytest.mark.parametrize(
    ("address", "name"), [("/resetmypassword/form", "current"), ("/secondfactor/begin", "password")]
)
def test_a_browser_left_open_is_no_place_to_guess_at(browser, address, name):
    client, new = browser("sales"), {"password": "long enough 7", "again": "long enough 7"}
    tries = range(LIMITS["device"].free + 1)
    tried = [client.post(address, data={**new, name: "wrong"}).status_code for _try in tries]
    assert (tried[0], tried[-1]) == (422, 429)
    assert client.post(address, data={**new, name: factories.PASSWORD}).status_code == 429
    assert client.get("/users/userinfo/").status_code == 200


def test_so_many_at_once_try_no_more(app, visitor):
    """Counted before the password is looked at: threads gain nothing."""
    clients = [visitor() for _number in range(12)]

    def ask(client):
        with app.app_context():
            return program(client).status_code

    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(ask, clients))
    assert answers.count(401) == LIMITS["pair"].free
    assert set(answers) == {401, 429}


def test_unknown_names_cost_the_same_statements(visitor, statements):
    counts = []
    for name, address in (("sales", HERE), ("nobody", ELSEWHERE)):
        client = visitor()
        with statements() as made:
            guess(client, name, address)
        counts.append([statement.split("WHERE")[0] for statement in made])
    assert counts[0] == counts[1]


def test_counts_are_forgotten(visitor):
    statuses(visitor, 2)
    assert attempts.remove_old() == 0
    with write_transaction() as session:
        session.execute(update(FailedAttempts).values(last_at=now() - datetime.timedelta(days=2)))
    assert attempts.remove_old() == 3


@given(st.integers(0, 5000), st.sampled_from(sorted(LIMITS)))
def test_the_wait_never_shrinks_and_has_an_end(failures, kind):
    limit = LIMITS[kind]
    assert limit.wait(failures) <= limit.wait(failures + 1) <= limit.longest
    assert bool(limit.wait(failures)) == (failures >= limit.free)
