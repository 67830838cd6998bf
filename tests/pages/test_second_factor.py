"""The second factor: set up with a code, asked after the password, at every door, each code once."""

from __future__ import annotations

import datetime
import html
import re

import pyotp
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import given as for_all
from hypothesis import strategies as st
from sqlalchemy import select, update

from app.engine import policy
from app.engine.adapters import sealing
from app.engine.adapters.appbuilder import accounts, api_keys, second_factor
from app.engine.adapters.appbuilder.second_factor import RecoveryCode, SecondFactor
from app.engine.adapters.database import db, now
from app.engine.audit import AuditEntry
from tests import factories
from tests.pages.conftest import take_token
from tests.pages.support import counted

WRONG = "The code is wrong, or was used before."


def code(secret, steps=0):
    """What the app shows, so many half minutes from now."""
    return pyotp.TOTP(secret).at(now(), counter_offset=steps)


def forget_use(username="sales"):
    """As if half a minute had passed since the last code."""
    db.session.execute(
        update(SecondFactor)
        .where(SecondFactor.user_id == factories.user_id(username))
        .values(last_step=0, failures=0)
    )
    db.session.commit()


@pytest.fixture
def set_up(browser):
    """`set_up("sales")`: the secret and the recovery codes of somebody who did it on the pages."""

    def do(username="sales"):
        client = browser(username)
        begun = client.post("/secondfactor/begin", data={"password": factories.PASSWORD})
        assert begun.location == "/secondfactor/confirm"
        page = client.get("/secondfactor/confirm")
        secret = re.search(r"<code>([A-Z2-7 ]+)</code>", page.text)[1].replace(" ", "")
        done = client.post("/secondfactor/confirm", data={"code": code(secret)})
        assert "no-store" in done.headers["Cache-Control"]
        codes = re.findall(r"<li><code>([a-z0-9-]+)</code>", done.text)
        assert client.get("/users/userinfo/").status_code == 200
        forget_use(username)
        return secret, codes

    return do


def first_step(visitor, username="sales", target=None):
    client = visitor()
    answer = client.post(
        "/login/",
        query_string={"next": target} if target else None,
        data={"username": username, "password": factories.PASSWORD},
    )
    assert answer.location == "/login/code/"
    return client


def second_step(client, given):
    take_token(client)
    return client.post("/login/code/", data={"code": given})


def is_in(client):
    return client.get("/users/userinfo/").status_code == 200


def by_program(visitor, **more):
    body = {"username": "sales", "password": factories.PASSWORD, **more}
    return visitor().post("/api/v1/security/login", json=body)


def require_for(role):
    with policy.acting_as(policy.SYSTEM_VIEWER):
        from app.engine.adapters.appbuilder import second_factor_roles

        ids = [one.id for one in accounts.all_roles() if one.name == role]
        second_factor_roles.set_roles(ids)


def test_setting_it_up_draws_the_code_here(browser):
    client = browser("sales")
    client.post("/secondfactor/begin", data={"password": factories.PASSWORD})
    page = client.get("/secondfactor/confirm")
    assert "no-store" in page.headers["Cache-Control"]
    assert "<svg" in page.text
    assert "style=" not in page.text
    assert factories.person("sales").second_factor_since is None
    wrong = client.post("/secondfactor/confirm", data={"code": "000000"})
    assert wrong.status_code == 422
    assert WRONG in wrong.text


def test_what_is_kept_tells_nothing_by_itself(set_up):
    secret, codes = set_up()
    assert len(set(codes)) == second_factor.RECOVERY_CODES
    factor = db.session.get(SecondFactor, factories.user_id("sales"))
    assert secret not in factor.sealed
    assert sealing.unseal(second_factor.PURPOSE, factor.sealed) == secret
    kept = set(db.session.scalars(select(RecoveryCode.digest)))
    assert len(kept) == len(codes)
    assert not kept & {second_factor.plain_code(one) for one in codes}


def test_setting_it_up_takes_the_password(browser):
    answer = browser("sales").post("/secondfactor/begin", data={"password": "guessed"})
    assert answer.status_code == 422
    assert db.session.get(SecondFactor, factories.user_id("sales")) is None


def test_the_code_is_asked_after_the_password(set_up, visitor):
    secret, _codes = set_up()
    client = first_step(visitor, target="/users/userinfo/?a=1")
    assert not is_in(client)
    assert client.get("/api/v1/customer/").status_code == 401
    wrong = second_step(client, "123456" if code(secret) != "123456" else "654321")
    assert wrong.status_code == 422
    assert not is_in(client)
    assert second_step(client, code(secret)).location == "/users/userinfo/?a=1"
    assert is_in(client)


def test_a_code_counts_once(set_up, visitor):
    secret, _codes = set_up()
    given = code(secret)
    assert second_step(first_step(visitor), given).status_code == 302
    replayed = first_step(visitor)
    assert second_step(replayed, given).status_code == 422
    assert not is_in(replayed)
    assert by_program(visitor, otp=given).status_code == 401
    earlier = second_step(first_step(visitor), code(secret, -1))
    assert earlier.status_code == 422
    assert second_step(first_step(visitor), code(secret, 1)).status_code == 302


@pytest.mark.parametrize(("steps", "status"), [(-1, 302), (1, 302), (-3, 422), (3, 422)])
def test_clocks_may_differ_a_little(set_up, visitor, steps, status):
    secret, _codes = set_up()
    assert second_step(first_step(visitor), code(secret, steps)).status_code == status


def test_a_recovery_code_works_once(set_up, visitor):
    _secret, codes = set_up()
    typed = codes[3].upper().replace("-", " ")
    client = first_step(visitor)
    assert second_step(client, typed).status_code == 302
    assert is_in(client)
    assert second_step(first_step(visitor), codes[3]).status_code == 422
    assert second_step(first_step(visitor), codes[4]).status_code == 302
    assert second_factor.codes_left(factories.user_id("sales")) == 8


def test_full_width_digits_and_blanks_are_fine(set_up, visitor):
    secret, _codes = set_up()
    digits = code(secret)
    typed = (
        digits[:3].translate({ord("0") + n: ord("０") + n for n in range(10)}) + " " + digits[3:]
    )
    assert second_step(first_step(visitor), typed).status_code == 302


def test_guessing_is_slowed_down_for_everybody(set_up, visitor):
    secret, codes = set_up()
    client = first_step(visitor)
    for _try in range(4):
        assert second_step(client, "000000").status_code == 422
    fifth = second_step(client, "000000")
    assert fifth.location == "/login/"
    assert second_step(client, code(secret)).location == "/login/"
    later = second_step(first_step(visitor), code(secret))
    assert later.status_code == 429
    assert "Too many wrong codes." in later.text
    assert second_step(first_step(visitor), codes[0]).status_code == 429
    assert by_program(visitor, otp=code(secret)).status_code == 429
    db.session.execute(update(SecondFactor).values(failed_at=now() - datetime.timedelta(minutes=3)))
    db.session.commit()
    assert second_step(first_step(visitor), code(secret)).status_code == 302


def test_the_wait_grows(set_up):
    set_up()
    user_id = factories.user_id("sales")
    for failures, minutes in ((5, 1), (6, 2), (8, 8), (11, 60), (500, 60)):
        for past, waits in ((minutes * 60 - 5, True), (minutes * 60 + 5, False)):
            db.session.execute(
                update(SecondFactor).values(
                    failures=failures, failed_at=now() - datetime.timedelta(seconds=past)
                )
            )
            db.session.commit()
            with policy.acting_as(policy.SYSTEM_VIEWER):
                if waits:
                    with pytest.raises(second_factor.TooManyCodes):
                        second_factor.check(user_id, "000000")
                else:
                    assert second_factor.check(user_id, "000000") is False


def test_the_second_step_does_not_wait_for_ever(set_up, visitor, monkeypatch):
    secret, _codes = set_up()
    monkeypatch.setattr("app.engine.adapters.appbuilder.second_step.SECONDS", -1)
    client = first_step(visitor)
    assert second_step(client, code(secret)).location == "/login/"
    assert not is_in(client)


def test_the_second_step_falls_with_a_new_password(set_up, visitor):
    secret, _codes = set_up()
    client = first_step(visitor)
    with policy.acting_as(policy.SYSTEM_VIEWER):
        accounts.set_password(factories.user_id("sales"), "quite another one 9")
    assert second_step(client, code(secret)).location == "/login/"
    assert not is_in(client)


def test_without_the_first_step_there_is_no_second(set_up, visitor):
    secret, _codes = set_up()
    client = visitor()
    assert second_step(client, code(secret)).location == "/login/"
    assert not is_in(client)


def test_a_session_without_its_code_is_sent_to_the_code(set_up, browser):
    secret, _codes = set_up()
    client = browser("sales")  # signed in by some way that asked for no code
    assert client.get("/api/v1/customer/").status_code == 403
    assert client.get("/customer/?q=a").location == "/login/code/"
    assert not is_in(client)
    assert second_step(client, code(secret)).location == "/customer/?q=a"
    assert is_in(client)


def test_a_program_sends_the_code_along(set_up, visitor):
    secret, codes = set_up()
    assert by_program(visitor).status_code == 401
    assert "otp" in by_program(visitor).get_json()["message"]
    for wrong in ("", "000000", 123456, ["x"], None, "x" * 5000):
        assert by_program(visitor, otp=wrong).status_code == 401
        forget_use()
    answer = by_program(visitor, otp=code(secret), refresh=True)
    assert answer.status_code == 200
    assert by_program(visitor, otp=codes[0]).status_code == 200
    token = answer.get_json()["access_token"]
    headers = {"Authorization": f"Bearer {token}"}
    assert visitor().get("/api/v1/customer/", headers=headers).status_code == 200


def test_a_wrong_password_says_nothing_of_the_code(set_up, visitor):
    secret, _codes = set_up()
    answer = by_program(visitor, password="wrong", otp=code(secret))
    assert answer.get_json()["message"] == "User name or password is wrong."
    assert second_step(first_step(visitor), code(secret)).status_code == 302


def test_turning_it_on_ends_other_sessions_and_tokens(browser, visitor, set_up):
    elsewhere = browser("sales")
    token = by_program(visitor).get_json()["access_token"]
    set_up()
    assert not is_in(elsewhere)
    headers = {"Authorization": f"Bearer {token}"}
    assert visitor().get("/api/v1/customer/", headers=headers).status_code == 401


def passed(browser, secret):
    client = browser("sales")
    client.get("/customer/")
    second_step(client, code(secret))
    take_token(client)
    forget_use()
    return client


def test_turning_it_off_takes_a_code(set_up, browser, visitor):
    secret, _codes = set_up()
    client = passed(browser, secret)
    assert client.post("/secondfactor/off", data={"code": "000000"}).status_code == 422
    assert factories.person("sales").second_factor_since is not None
    assert client.post("/secondfactor/off", data={"code": code(secret)}).status_code == 302
    assert is_in(client)
    assert second_factor.codes_left(factories.user_id("sales")) == 0
    assert visitor().post(
        "/login/", data={"username": "sales", "password": factories.PASSWORD}
    ).location == "/"  # fmt: skip


def test_new_recovery_codes_end_the_old(set_up, browser, visitor):
    secret, old = set_up()
    client = passed(browser, secret)
    page = client.post("/secondfactor/codes", data={"code": code(secret)})
    new = re.findall(r"<li><code>([a-z0-9-]+)</code>", page.text)
    assert len(new) == 10
    assert second_step(first_step(visitor), old[0]).status_code == 422
    assert second_step(first_step(visitor), new[0]).status_code == 302


def test_it_can_not_be_set_up_over(set_up, browser):
    secret, _codes = set_up()
    client = passed(browser, secret)
    client.post("/secondfactor/begin", data={"password": factories.PASSWORD})
    assert client.get("/secondfactor/confirm").location == "/secondfactor/"
    factor = db.session.get(SecondFactor, factories.user_id("sales"), populate_existing=True)
    assert sealing.unseal(second_factor.PURPOSE, factor.sealed) == secret


def test_an_administrator_resets_anothers(set_up, browser, visitor):
    set_up()
    user_id = factories.user_id("sales")
    assert browser("sales2").post(f"/secondfactors/reset/{user_id}").status_code == 403
    assert "Reset the second factor" in browser("admin").get(f"/users/edit/{user_id}").text
    assert browser("admin").post(f"/secondfactors/reset/{user_id}").status_code == 302
    db.session.rollback()
    assert factories.person("sales").second_factor_since is None
    assert by_program(visitor).status_code == 200
    assert "Second factor" in browser("admin").get(f"/users/edit/{user_id}").text


def test_only_an_administrator_resets_an_administrators(set_up, app, browser):
    set_up("admin")
    manager = app.appbuilder.sm.find_role("SystemAdmin")
    with policy.acting_as(policy.SYSTEM_VIEWER):
        accounts.save_user(factories.user_id("guest"), {}, [manager.id])
    answer = browser("guest").post(f"/secondfactors/reset/{factories.user_id('admin')}")
    assert answer.status_code == 403
    assert factories.person("admin").second_factor_since is not None


def test_a_role_can_take_one(browser, visitor):
    token = by_program(visitor).get_json()["access_token"]
    _key, key = api_keys.make(factories.user_id("sales"), "x", False, None, 30)
    client = browser("sales")
    assert client.get("/customer/").status_code == 200
    page = browser("admin").get("/secondfactors/roles")
    value = re.search(r'value="(\d+)"[^>]*>\s*<label[^>]*>Sales representative', page.text)[1]
    assert browser("admin").post("/secondfactors/roles", data={"roles": value}).status_code == 302

    assert client.get("/customer/").location == "/secondfactor/"
    assert client.get("/api/v1/customer/").status_code == 403
    assert by_program(visitor).status_code == 403
    for bearer in (token, key):
        headers = {"Authorization": f"Bearer {bearer}"}
        answer = visitor().get("/api/v1/customer/", headers=headers)
        assert answer.status_code == 401
        assert "second factor" in answer.get_json()["message"]
    assert "Your role takes a second factor" in html.unescape(client.get("/secondfactor/").text)
    assert browser("guest").get("/customer/").status_code == 200
    assert browser("sales2").get("/secondfactors/roles").status_code == 302
    assert browser("guest").get("/secondfactors/roles").status_code == 403


def test_whoever_has_it_set_up_goes_on_as_before(set_up, browser, visitor):
    secret, _codes = set_up()
    require_for("Sales")
    client = passed(browser, secret)
    assert client.get("/customer/").status_code == 200
    assert by_program(visitor, otp=code(secret)).status_code == 200


def test_asking_for_it_costs_no_statement(browser):
    client = browser("sales")
    client.get("/users/userinfo/")
    with counted() as statements:
        client.get("/notifications/")
    assert not [s for s in statements if "second_factor" in s and "ab_user" not in s]


def test_all_of_it_is_in_the_audit_log(set_up, visitor, browser):
    secret, codes = set_up()
    second_step(first_step(visitor), "000000")
    second_step(first_step(visitor), codes[0])
    browser("admin").post(f"/secondfactors/reset/{factories.user_id('sales')}")
    require_for("Sales")
    entries = list(db.session.scalars(select(AuditEntry).order_by(AuditEntry.id)))
    told = [e.details for e in entries if e.kind == "account.second_factor"]
    assert told == ['{"on": true}', '{"recovery_codes": "one used"}', '{"on": false}']
    assert any(e.kind == "sign_in.failed" and "second_factor" in e.details for e in entries)
    assert any(e.kind == "role.changed" and "second_factor" in e.details for e in entries)
    assert not any(secret in e.details or codes[0] in e.details for e in entries)


def test_under_another_secret_key_recovery_codes_still_work(set_up, visitor, app, monkeypatch):
    secret, codes = set_up()
    db.session.execute(update(SecondFactor).values(sealed="gAAAA-of-another-key"))
    db.session.commit()
    assert second_step(first_step(visitor), code(secret)).status_code == 422
    assert second_step(first_step(visitor), codes[0]).status_code == 302


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@for_all(steps=st.lists(st.integers(-4, 4), min_size=1, max_size=6))
def test_codes_only_ever_go_forward(app, steps):
    """Against an oracle: a code is taken within a step of now, and later than every one before."""
    user_id = factories.user_id("guest")
    secret = pyotp.random_base32()
    sealed = sealing.seal(second_factor.PURPOSE, secret)
    with policy.acting_as(policy.SYSTEM_VIEWER):
        db.session.merge(
            SecondFactor(user_id=user_id, sealed=sealed, begun_at=now(), last_step=0, failures=0)
        )
        db.session.commit()
        moment = now()
        last = None
        for step in steps:
            expected = abs(step) <= second_factor.SLACK and (last is None or step > last)
            db.session.execute(update(SecondFactor).values(failures=0))
            db.session.commit()
            given = pyotp.TOTP(secret).at(moment, counter_offset=step)
            if int(now().timestamp()) // 30 != int(moment.timestamp()) // 30:
                return  # the half minute ended meanwhile
            assert second_factor.check(user_id, given) is expected
            last = step if expected else last
