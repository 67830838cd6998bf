"""Sign-in by 企业微信, 钉钉 and 飞书, against a server that speaks as they do, over HTTP."""

from __future__ import annotations

import dataclasses
from urllib.parse import parse_qs, urlsplit

import pyotp
import pytest
import requests
from sqlalchemy import select

from app.engine import policy
from app.engine.adapters import sealing
from app.engine.adapters.appbuilder import accounts, second_factor
from app.engine.adapters.appbuilder.linked_accounts import LinkedAccount
from app.engine.adapters.appbuilder.providers import WeCom
from app.engine.adapters.appbuilder.second_factor import SecondFactor
from app.engine.adapters.appbuilder.user import StewardUser
from app.engine.adapters.database import db, now
from config import Settings, SettingsError
from tests import factories
from tests.pages.conftest import take_token
from tests.pages.stand_in import COMPANY, StandIn

pytestmark = pytest.mark.once  # what is said to and fro with the provider

KEYS = ("wecom", "dingtalk", "feishu")
every_provider = pytest.mark.parametrize("key", KEYS)


@pytest.fixture(scope="module")
def server():
    standing = StandIn()
    yield standing
    standing.close()


@pytest.fixture
def stand_in(server, app):
    """The three set up; `change(**settings)` sets more."""
    before = app.config["STEWARD"]

    def change(**more):
        given = Settings.from_environment(
            {"PUBLIC_URL": "http://localhost", **server.settings(), **more}
        )
        chosen = [
            one.name
            for one in dataclasses.fields(Settings)
            if one.name.startswith(("wecom", "dingtalk", "feishu", "provider", "public"))
        ]
        values = {name: getattr(given, name) for name in chosen}
        app.config["STEWARD"] = dataclasses.replace(before, **values)

    server.change = change
    server.down, server.company = False, COMPANY
    server.person = {"id": "zhangwei", "name": "张伟（外部）"}
    server.asked.clear()
    WeCom._tokens.clear()
    change()
    yield server
    app.config["STEWARD"] = before


def at_provider(answer):
    """Where the provider sends the browser, after it sent it there."""
    assert answer.status_code == 302, answer.text
    there = requests.get(answer.location, allow_redirects=False, timeout=10)
    assert there.status_code == 302, there.text
    back = urlsplit(there.headers["Location"])
    return f"{back.path}?{back.query}"


def comes_back(client, key, target=None):
    asked = client.get(f"/providers/{key}/go", query_string={"next": target} if target else None)
    return client.get(at_provider(asked))


def link(browser, key, username="sales"):
    client = browser(username)
    assert comes_back(client, key).location == f"/providers/{key}/link"
    return client.post(f"/providers/{key}/link")


def is_in(client):
    return client.get("/users/userinfo/").status_code == 200


def told(client):
    """The message that waits for the next page."""
    return client.get("/login/").text


@every_provider
def test_linked_by_its_owner_then_signed_in_by(stand_in, browser, visitor, key):
    assert link(browser, key).location == "/providers/"
    page = browser("sales").get("/providers/").text
    assert "张伟（外部）" in page
    client = visitor()
    assert comes_back(client, key, "/users/userinfo/?a=1").location == "/users/userinfo/?a=1"
    assert is_in(client)
    page = client.get("/users/userinfo/").text
    assert "sales@example.org" in page


@every_provider
def test_an_unknown_account_is_told_what_to_do_and_none_is_made(stand_in, visitor, key):
    before = len(list(db.session.scalars(select(StewardUser.id))))
    client = visitor()
    assert comes_back(client, key).location == "/login/"
    assert "linked to nobody here" in told(client)
    assert not is_in(client)
    assert len(list(db.session.scalars(select(StewardUser.id)))) == before


@every_provider
def test_linking_asks_first(stand_in, browser, key):
    client = browser("sales")
    comes_back(client, key)
    page = client.get(f"/providers/{key}/link").text
    assert "张伟（外部）" in page
    assert db.session.scalar(select(LinkedAccount.id)) is None
    other = browser("sales2")
    assert other.post(f"/providers/{key}/link").location == "/providers/"
    assert db.session.scalar(select(LinkedAccount.id)) is None


@every_provider
def test_an_account_there_belongs_to_one_here(stand_in, browser, visitor, key):
    link(browser, key)
    client = browser("sales2")
    comes_back(client, key)
    client.post(f"/providers/{key}/link")
    assert "already linked to somebody else" in client.get("/providers/").text
    signed_in = visitor()
    comes_back(signed_in, key)
    assert "sales@example.org" in signed_in.get("/users/userinfo/").text


@every_provider
def test_unlinked_it_no_longer_signs_in(stand_in, browser, visitor, key):
    link(browser, key)
    assert browser("sales2").post(f"/providers/{key}/unlink").status_code == 404
    assert browser("sales").post(f"/providers/{key}/unlink").status_code == 302
    client = visitor()
    comes_back(client, key)
    assert not is_in(client)


@every_provider
def test_a_state_counts_once_and_only_where_it_was_begun(stand_in, browser, visitor, key):
    link(browser, key)
    client = visitor()
    address = at_provider(client.get(f"/providers/{key}/go"))
    stranger = visitor()
    assert stranger.get(address).location == "/login/"
    assert "not begun here" in told(stranger)
    with client.session_transaction() as session:
        begun = session["provider_sign_in"]
    assert client.get(address).location == "/"
    client.post("/logout/")
    again = visitor()
    with again.session_transaction() as session:
        session["provider_sign_in"] = begun  # the cookie of before, played again
    fresh = at_provider(visitor().get(f"/providers/{key}/go"))
    code_name = "authCode" if key == "dingtalk" else "code"
    code = parse_qs(urlsplit(fresh).query)[code_name][0]
    replayed = again.get(
        f"/providers/{key}/back", query_string={code_name: code, "state": begun["state"]}
    )
    assert replayed.location == "/login/"
    assert not is_in(again)


@every_provider
@pytest.mark.parametrize("state", ["", "x", None])
def test_a_forged_state_is_refused_before_the_code_is_used(stand_in, visitor, key, state):
    client = visitor()
    at_provider(client.get(f"/providers/{key}/go"))
    stand_in.asked.clear()
    query = {"code": "x", "authCode": "x"} | ({} if state is None else {"state": state})
    assert client.get(f"/providers/{key}/back", query_string=query).location == "/login/"
    assert not stand_in.asked


@every_provider
def test_a_used_or_invented_code_is_told_plainly(stand_in, browser, visitor, key):
    link(browser, key)
    for spoil in (lambda: stand_in.codes.clear(), lambda: None):
        client = visitor()
        address = at_provider(client.get(f"/providers/{key}/go"))
        spoil()
        if stand_in.codes:
            address = address.replace("ode=", "ode=0")
        assert client.get(address).location == "/login/"
        assert "did not confirm this sign-in" in told(client)
        assert not is_in(client)


@every_provider
def test_refused_at_the_provider(stand_in, visitor, key):
    client = visitor()
    state = parse_qs(urlsplit(at_provider(client.get(f"/providers/{key}/go"))).query)["state"][0]
    answer = client.get(f"/providers/{key}/back?error=access_denied&state={state}")
    assert answer.location == "/login/"
    assert "did not confirm this sign-in" in told(client)


@every_provider
def test_a_provider_that_is_down_is_told_plainly(stand_in, browser, visitor, key, caplog):
    link(browser, key)
    WeCom._tokens.clear()
    client = visitor()
    address = at_provider(client.get(f"/providers/{key}/go"))
    stand_in.down = True
    with caplog.at_level("INFO", logger="app"):
        client.get(address)
    assert "be reached at the moment" in told(client)
    ours = [one.getMessage() for one in caplog.records if one.name.startswith("app")]
    assert ours
    assert not any("secret" in line or "code=" in line for line in ours)
    stand_in.change(**{f"{key.upper()}_URL": "http://127.0.0.1:9"})
    stand_in.down = False
    client = visitor()
    comes_back(client, key)
    assert "be reached at the moment" in told(client)


@every_provider
@pytest.mark.parametrize("wanted", ["https://evil.example/", "//evil.example", "/\\evil.example"])
def test_it_never_leads_away(stand_in, browser, visitor, key, wanted):
    link(browser, key)
    assert comes_back(visitor(), key, wanted).location == "/"


@every_provider
def test_the_address_back_follows_the_setting_and_no_header(stand_in, visitor, key):
    stand_in.change(PUBLIC_URL="https://steward.example.com")
    answer = visitor().get(f"/providers/{key}/go")
    back = parse_qs(urlsplit(answer.location).query)["redirect_uri"][0]
    assert back == f"https://steward.example.com/providers/{key}/back"


@every_provider
def test_the_second_factor_is_asked_all_the_same(stand_in, browser, visitor, key):
    link(browser, key)
    secret = pyotp.random_base32()
    sealed = sealing.seal(second_factor.PURPOSE, secret)
    person = factories.person("sales")
    person.second_factor_since = now()
    db.session.add(SecondFactor(user_id=person.id, sealed=sealed, begun_at=now()))
    db.session.commit()
    client = visitor()
    assert comes_back(client, key).location == "/login/code/"
    assert not is_in(client)
    take_token(client)
    client.post("/login/code/", data={"code": pyotp.TOTP(secret).now()})
    assert is_in(client)


@every_provider
def test_whoever_was_switched_off_stays_out(stand_in, browser, visitor, key):
    link(browser, key)
    with policy.acting_as(policy.SYSTEM_VIEWER):
        accounts.save_user(factories.user_id("sales"), {"active": False})
    client = visitor()
    comes_back(client, key)
    assert "switched off" in told(client)
    assert not is_in(client)


@every_provider
def test_what_is_not_set_up_is_not_there(app, visitor, browser, key):
    assert visitor().get(f"/providers/{key}/go").status_code in (302, 404)
    assert f"/providers/{key}/go" not in visitor().get("/login/").text
    assert browser("sales").get(f"/providers/{key}/go").status_code == 404


def test_the_sign_in_page_offers_them(stand_in, visitor):
    page = visitor().get("/login/?next=/customer/").text
    for key in KEYS:
        assert f"/providers/{key}/go?next=/customer/" in page


@every_provider
def test_matched_by_e_mail_where_the_setting_says_so(stand_in, visitor, key):
    stand_in.person["email"] = "SALES@example.org"
    client = visitor()
    comes_back(client, key)
    assert not is_in(client)
    stand_in.change(PROVIDER_MATCH="email", DINGTALK_CORP_ID=COMPANY)
    client = visitor()
    comes_back(client, key)
    assert "sales@example.org" in client.get("/users/userinfo/").text
    stand_in.person["email"] = "admin@example.org"
    client = visitor()
    comes_back(client, key)
    assert "sales@example.org" in client.get("/users/userinfo/").text


def test_matched_by_user_id_at_wecom(stand_in, visitor):
    stand_in.change(PROVIDER_MATCH="user_id", DINGTALK_CORP_ID=COMPANY)
    stand_in.person["id"] = "Sales"
    for key, expected in (("wecom", True), ("feishu", False)):
        client = visitor()
        comes_back(client, key)
        assert is_in(client) is expected


@every_provider
def test_made_with_the_default_role_where_there_is_one(stand_in, visitor, key):
    stand_in.change(PROVIDER_DEFAULT_ROLE="Guest", DINGTALK_CORP_ID=COMPANY)
    client = visitor()
    comes_back(client, key)
    assert is_in(client)
    person = factories.person(f"{key}.zhangwei")
    assert [role.name for role in person.roles] == ["Guest"]
    assert not person.password
    again = visitor()
    comes_back(again, key)
    assert f"{key}.zhangwei" in again.get("/users/userinfo/").text


def test_an_unknown_default_role_makes_nobody(stand_in, visitor):
    stand_in.change(PROVIDER_DEFAULT_ROLE="Nobody", DINGTALK_CORP_ID=COMPANY)
    client = visitor()
    comes_back(client, "wecom")
    assert "There is no role" in told(client)
    assert not is_in(client)


def test_somebody_of_another_company_is_refused(stand_in, browser, visitor):
    link(browser, "dingtalk")
    stand_in.change(DINGTALK_CORP_ID=COMPANY)
    stand_in.company = "another"
    client = visitor()
    comes_back(client, "dingtalk")
    assert not is_in(client)


def test_somebody_outside_the_company_is_refused_by_wecom(stand_in, visitor):
    stand_in.person = {"id": "x", "name": "x", "outside": True}
    client = visitor()
    comes_back(client, "wecom")
    assert "did not confirm" in told(client)


def test_the_applications_token_is_kept_and_renewed(stand_in, browser, visitor):
    link(browser, "wecom")
    comes_back(visitor(), "wecom")
    assert stand_in.asked.count("/cgi-bin/gettoken") == 1
    stand_in.corp_token = "ended by them"
    client = visitor()
    comes_back(client, "wecom")
    assert is_in(client)
    assert stand_in.asked.count("/cgi-bin/gettoken") == 2


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"WECOM_CORP_ID": "x", "WECOM_SECRET": "y"}, "WECOM_AGENT_ID"),
        ({"FEISHU_APP_ID": "x"}, "FEISHU_APP_SECRET"),
        ({"DINGTALK_CLIENT_ID": "x", "DINGTALK_CLIENT_SECRET": "y"}, "PUBLIC_URL"),
        ({"PROVIDER_MATCH": "name"}, "PROVIDER_MATCH"),
        ({"FEISHU_URL": "ftp://x"}, "FEISHU_URL"),
        (
            {
                "DINGTALK_CLIENT_ID": "x",
                "DINGTALK_CLIENT_SECRET": "y",
                "PUBLIC_URL": "https://x.example",
                "PROVIDER_MATCH": "email",
            },
            "DINGTALK_CORP_ID",
        ),
    ],
)
def test_settings_that_do_not_suffice_are_named(given, named):
    with pytest.raises(SettingsError, match=named):
        Settings.from_environment(given)
