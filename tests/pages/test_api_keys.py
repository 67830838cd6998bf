"""API keys: made by a person, shown once, narrower than the person, dead when they should be."""

from __future__ import annotations

import datetime
import re

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import given as for_all
from hypothesis import strategies as st
from sqlalchemy import select, update

from app.engine import policy, registry
from app.engine.adapters.appbuilder import accounts, api_keys
from app.engine.adapters.appbuilder.api_keys import ApiKey
from app.engine.adapters.database import db, now
from app.engine.audit import AuditEntry
from app.engine.policy import Narrowing, narrowed
from tests import factories
from tests.pages.support import counted, given


def made(browser, username="sales", **form):
    """A key made on the page, as its owner reads it there."""
    data = {"name": "Website", "scope": "read", "days": "90", **form}
    answer = browser(username).post("/apikeys/add", data=data)
    assert answer.status_code == 200, answer.text
    assert "no-store" in answer.headers["Cache-Control"]
    return re.search(r'id="secret">(stw_[\w-]+)<', answer.text)[1]


def asks(visitor, token, address="/api/v1/customer/", method="GET", **options):
    headers = {"Authorization": f"Bearer {token}"}
    return visitor().open(address, method=method, headers=headers, **options)


def the_key():
    db.session.rollback()
    return db.session.scalars(select(ApiKey).order_by(ApiKey.id.desc())).first()


def change_key(**values):
    db.session.execute(update(ApiKey).values(**values))
    db.session.commit()


def test_it_is_shown_once_and_kept_as_a_digest(browser, visitor):
    token = made(browser)
    page = browser("sales").get("/apikeys/").text
    assert "Website" in page
    assert token not in page
    assert token[:12] in page
    kept = [str(value) for value in vars(the_key()).values()]
    assert not any(token in value for value in kept)
    assert asks(visitor, token).status_code == 200


def test_its_owners_rows_and_nothing_more(browser, visitor):
    record = given("Customer")
    mine = given("Customer", account_manager=factories.user_id("sales"))
    for username in ("admin", "sales"):
        by_cookie = browser(username).get("/api/v1/customer/").get_json()["ids"]
        by_key = asks(visitor, made(browser, username)).get_json()["ids"]
        assert by_key == by_cookie
    assert mine.id in by_key
    assert record.id not in by_key


def test_one_for_reading_writes_nothing(browser, visitor):
    token = made(browser, "admin")
    record = given("Parcel")
    one = f"/api/v1/parcel/{record.id}"
    body = {"name": "A new name", "version": record.version}
    for method, address, json in (
        ("POST", "/api/v1/parcel/", {"name": "One more"}),
        ("PUT", one, body),
        ("DELETE", one, None),
        ("GET", "/api/v1/parcel/trash", None),
    ):
        assert asks(visitor, token, address, method, json=json).status_code == 403, (
            method,
            address,
        )
    assert asks(visitor, token, one).get_json()["result"]["name"] == record.name
    described = asks(visitor, token, "/api/v1/_openapi").get_json()
    assert set(described["paths"]["/api/v1/parcel/"]) == {"get"}


def test_one_for_writing_writes_as_its_owner(browser, visitor):
    token = made(browser, "admin", scope="write")
    answer = asks(visitor, token, "/api/v1/shelf/", "POST", json={"name": "By a program"})
    assert answer.status_code == 201
    shown = browser("admin").get(f"/api/v1/shelf/{answer.get_json()['id']}").get_json()["result"]
    assert shown["created_by"]["id"] == factories.user_id("admin")


def test_one_for_some_entities_opens_no_other(browser, visitor):
    given("Contact")
    token = made(browser, "admin", entities=["Customer", "Contact"])
    for key, status in (("contact", 200), ("customer", 200), ("parcel", 403), ("department", 403)):
        answer = asks(visitor, token, f"/api/v1/{key}/")
        assert answer.status_code == status, key
        assert status != 200 or answer.get_json()["result"]
    paths = asks(visitor, token, "/api/v1/_openapi").get_json()["paths"]
    assert "/api/v1/contact/" in paths
    assert "/api/v1/parcel/" not in paths


def test_what_hangs_on_another_entity_takes_that_too(browser):
    data = {"name": "x", "scope": "read", "days": "90", "entities": ["Contact"]}
    answer = browser("admin").post("/apikeys/add", data=data)
    assert answer.status_code == 422
    assert "Contacts can only be seen together with Customers" in answer.text


def test_one_gives_no_right_that_its_owner_lacks(browser, visitor):
    token = made(browser, "guest", scope="write")
    answer = asks(visitor, token, "/api/v1/customer/", "POST", json={"name": "x"})
    assert answer.status_code == 403
    answer = browser("guest").post(
        "/apikeys/add",
        data={"name": "x", "scope": "read", "days": "90", "entities": ["CustomField"]},
    )
    assert answer.status_code == 422


@pytest.mark.parametrize("address", ["/", "/users/list/", "/apikeys/", "/customer/"])
def test_it_opens_no_page(browser, visitor, address):
    answer = asks(visitor, made(browser, "admin"), address)
    assert answer.status_code == 401 or answer.location.startswith("/login/")


def test_it_makes_no_token(browser, visitor):
    answer = asks(visitor, made(browser, "admin"), "/api/v1/security/refresh", "POST")
    assert answer.status_code == 401


def test_revoked_and_expired_ones_say_so(browser, visitor):
    token = made(browser)
    change_key(expires_at=now() - datetime.timedelta(seconds=1))
    expired = asks(visitor, token)
    assert (expired.status_code, expired.get_json()["message"]) == (
        401,
        "This API key has expired.",
    )
    change_key(expires_at=now() + datetime.timedelta(days=1))
    assert asks(visitor, token).status_code == 200
    browser("sales").post(f"/apikeys/revoke/{the_key().id}")
    revoked = asks(visitor, token)
    assert (revoked.status_code, revoked.get_json()["message"]) == (
        401,
        "This API key was revoked.",
    )


def test_nobody_revokes_anothers_but_who_manages_users(browser, visitor):
    token = made(browser)
    pk = the_key().id
    assert browser("sales2").post(f"/apikeys/revoke/{pk}").status_code == 404
    assert browser("sales2").post(f"/apikeys/all/revoke/{pk}").status_code == 403
    assert browser("sales2").get("/apikeys/all/").status_code == 403
    assert asks(visitor, token).status_code == 200
    page = browser("admin").get("/apikeys/all/").text
    assert "张伟" in page
    assert token[:12] in page
    assert browser("admin").post(f"/apikeys/all/revoke/{pk}").status_code == 302
    assert asks(visitor, token).status_code == 401
    assert the_key().revoked_by == factories.person("admin").full_name


def test_making_and_revoking_are_in_the_audit_log(browser):
    token = made(browser)
    browser("admin").post(f"/apikeys/all/revoke/{the_key().id}")
    entries = list(
        db.session.scalars(
            select(AuditEntry).where(AuditEntry.kind.like("key.%")).order_by(AuditEntry.id)
        )
    )
    assert [(entry.kind, entry.user_id) for entry in entries] == [
        ("key.created", factories.user_id("sales")),
        ("key.revoked", factories.user_id("admin")),
    ]
    assert {entry.person_id for entry in entries} == {factories.user_id("sales")}
    assert not any(token in entry.details for entry in entries)


def test_it_ends_with_its_owners_account_for_good(browser, visitor):
    token = made(browser)
    for active in (False, True):
        with policy.acting_as(policy.SYSTEM_VIEWER):
            accounts.save_user(factories.user_id("sales"), {"active": active})
        assert asks(visitor, token).status_code == 401
        assert the_key().state == "revoked"


def test_it_is_dead_while_its_owner_has_a_lent_password(browser, visitor):
    token = made(browser)
    with policy.acting_as(policy.SYSTEM_VIEWER):
        accounts.set_password(factories.user_id("sales"), "lent to you 1", must_change=True)
    lent = asks(visitor, token)
    assert lent.status_code == 401
    assert "password" in lent.get_json()["message"]


def test_its_rights_follow_the_owners_at_once(app, browser, visitor):
    token = made(browser, "guest")
    assert asks(visitor, token, "/api/v1/customer/").status_code == 200
    guest = app.appbuilder.sm.find_role("Guest").id
    policy.replace_role(db.session(), guest, {"grants": {"Contact": {"read": "all"}}})
    registry.raise_version(db.session(), registry.RIGHTS)
    db.session.commit()
    assert asks(visitor, token, "/api/v1/customer/").status_code == 403
    assert asks(visitor, token, "/api/v1/contact/").status_code == 200


def test_the_last_use_is_written_once_a_minute(browser, visitor):
    token = made(browser)
    assert the_key().used_at is None
    asks(visitor, token)
    first = the_key().used_at
    assert first is not None
    with counted() as statements:
        asks(visitor, token)
    assert not [s for s in statements if s.startswith("UPDATE")]
    assert the_key().used_at == first
    change_key(used_at=now() - datetime.timedelta(minutes=2))
    asks(visitor, token)
    assert the_key().used_at >= first


@pytest.mark.parametrize("token", ["stw_", "stw_nonsense", "stw_" + "é" * 9, "stw_" + "a" * 4000])
def test_guesses_open_nothing(visitor, token):
    answer = asks(visitor, token.encode().decode("latin-1"))
    assert answer.status_code == 401
    assert answer.get_json()["message"]


def test_a_cookie_does_not_help_a_wrong_key(browser):
    answer = browser("admin").get("/api/v1/parcel/", headers={"Authorization": "Bearer stw_wrong"})
    assert answer.status_code == 401


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": ""},
        {"name": "x" * 101},
        {"days": "36500"},
        {"scope": "all"},
        {"entities": ["User"]},
    ],
)
def test_what_cannot_be_made(browser, wrong):
    data = {"name": "x", "scope": "read", "days": "90", **wrong}
    assert browser("sales").post("/apikeys/add", data=data).status_code == 422
    assert the_key() is None


def test_there_is_a_limit(browser, monkeypatch):
    monkeypatch.setattr(api_keys, "MOST_KEYS", 2)
    made(browser)
    made(browser)
    answer = browser("sales").post(
        "/apikeys/add", data={"name": "x", "scope": "read", "days": "30"}
    )
    assert answer.status_code == 422
    assert "Revoke one" in answer.text


def test_visitors_are_led_to_signing_in(visitor):
    for address in ("/apikeys/", "/apikeys/add", "/apikeys/all/"):
        assert visitor().get(address).status_code == 302


ENTITY_NAMES = ("Customer", "Contact", "Parcel", "Shelf", "CustomField", policy.USERS, policy.ANY)


@settings(
    max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@for_all(
    who=st.sampled_from(("admin", "sales", "guest")),
    writes=st.booleans(),
    only=st.none() | st.sets(st.sampled_from(ENTITY_NAMES[:5])),
    entity=st.sampled_from(ENTITY_NAMES),
    action=st.sampled_from((*policy.ACTIONS, policy.ANY)),
)
def test_a_narrowed_viewer_never_may_more(app, who, writes, only, entity, action):
    whole = factories.viewer(who)
    less = narrowed(whole, Narrowing.of(writes, only))
    inside = (only is None or entity in only) and (writes or action == "read")
    assert less.grants(entity, action) == (whole.grants(entity, action) if inside else ())
    for field in registry.current().entity("Customer").fields.values():
        before, after = whole.access("Customer", field), less.access("Customer", field)
        assert policy.ACCESS.index(after) <= policy.ACCESS.index(before)
        if only is not None and "Customer" not in only:
            assert after == "hidden"
        elif not writes:
            assert after != "write"
