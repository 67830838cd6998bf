"""Sign-in by OpenID Connect, against a provider of our own that speaks it over HTTP."""

from __future__ import annotations

import base64
import dataclasses
import hmac
import json
import time
from urllib.parse import parse_qs, urlsplit

import jwt
import pyotp
import pytest
import requests
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from sqlalchemy import select

from app.engine import policy
from app.engine.adapters import sealing
from app.engine.adapters.appbuilder import accounts, second_factor
from app.engine.adapters.appbuilder.openid import OpenId
from app.engine.adapters.appbuilder.second_factor import SecondFactor
from app.engine.adapters.appbuilder.user import StewardUser
from app.engine.adapters.database import db, now
from app.engine.audit.models import AuditEntry
from config import Settings, SettingsError
from tests import factories
from tests.pages.openid_stand_in import CLIENT, SECRET, OpenIdStandIn, signing_key

pytestmark = pytest.mark.once  # what is said to and fro with the provider


@pytest.fixture(scope="module")
def server():
    standing = OpenIdStandIn()
    yield standing
    standing.close()


@pytest.fixture
def provider(server, app):
    """Set up; `change(**settings)` sets more."""
    before = app.config["STEWARD"]

    def change(**more):
        given = Settings.from_environment(
            {"PUBLIC_URL": "http://localhost", **server.settings(), **more}
        )
        values = {
            one.name: getattr(given, one.name)
            for one in dataclasses.fields(Settings)
            if one.name.startswith(("oidc", "provider", "public"))
        }
        app.config["STEWARD"] = dataclasses.replace(before, **values)

    server.clean()
    server.change = change
    OpenId._kept.clear()
    change(PROVIDER_MATCH="user_id")
    server.person["preferred_username"] = "sales"
    yield server
    app.config["STEWARD"] = before
    OpenId._kept.clear()


def at_provider(answer):
    there = requests.get(answer.location, allow_redirects=False, timeout=10)
    assert there.status_code == 302, there.text
    back = urlsplit(there.headers["Location"])
    return f"{back.path}?{back.query}"


def comes_back(client, target=None):
    query = {"next": target} if target else None
    return client.get(at_provider(client.get("/providers/oidc/go", query_string=query)))


def is_in(client):
    return client.get("/users/userinfo/").status_code == 200


def who(client):
    return client.get("/users/userinfo/").text


def told(client):
    return client.get("/login/").text


def refused(client, words):
    assert comes_back(client).location == "/login/"
    assert words in told(client)
    assert not is_in(client)


def test_the_sign_in_page_offers_it_beside_the_password(provider, visitor):
    page = visitor().get("/login/").text
    assert "/providers/oidc/go" in page
    assert "Example ID" in page
    assert 'name="password"' in page


def test_signed_in_and_sent_where_they_wanted(provider, visitor):
    client = visitor()
    assert comes_back(client, "/users/userinfo/?a=1").location == "/users/userinfo/?a=1"
    assert "sales@example.org" in who(client)


@pytest.mark.parametrize("wanted", ["https://evil.example/", "//evil.example", "/\\evil.example"])
def test_it_never_leads_away(provider, visitor, wanted):
    assert comes_back(visitor(), wanted).location == "/"


def test_nonce_and_challenge_are_others_each_time(provider, visitor):
    seen = set()
    for _turn in range(2):
        asked = parse_qs(urlsplit(visitor().get("/providers/oidc/go").location).query)
        seen |= {asked[name][0] for name in ("state", "nonce", "code_challenge")}
    assert len(seen) == 6


def test_the_secret_goes_in_the_form_where_the_provider_wants_it_there(provider, visitor):
    provider.by_post = True
    client = visitor()
    comes_back(client)
    assert is_in(client)


def test_another_secret_is_refused(provider, visitor):
    provider.change(PROVIDER_MATCH="user_id", OIDC_CLIENT_SECRET="another")
    refused(visitor(), "did not confirm this sign-in")


def set_to(**values):
    return lambda claims: claims.update(values)


def without(name):
    return lambda claims: claims.pop(name)


@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param(set_to(nonce="another"), id="wrong nonce"),
        pytest.param(without("nonce"), id="no nonce"),
        pytest.param(set_to(aud="another"), id="wrong audience"),
        pytest.param(set_to(aud=["another"]), id="wrong audiences"),
        pytest.param(without("aud"), id="no audience"),
        pytest.param(set_to(aud=[CLIENT, "another"]), id="several audiences, no party"),
        pytest.param(set_to(azp="another"), id="another party"),
        pytest.param(set_to(iss="https://evil.example"), id="wrong issuer"),
        pytest.param(set_to(exp=int(time.time()) - 3600), id="expired"),
        pytest.param(without("exp"), id="never expires"),
        pytest.param(set_to(iat=int(time.time()) + 3600), id="of the future"),
        pytest.param(without("sub"), id="nobody"),
    ],
)
def test_an_id_token_that_does_not_hold_is_refused(provider, visitor, spoil):
    provider.spoil = spoil
    refused(visitor(), "be trusted, so nobody was signed in")


def unsigned(claims):
    parts = ({"alg": "none", "typ": "JWT"}, claims)
    coded = [base64.urlsafe_b64encode(json.dumps(one).encode()).rstrip(b"=") for one in parts]
    return b".".join([*coded, b""]).decode()


def by_a_foreign_key(claims):
    return jwt.encode(claims, signing_key(), "RS256", headers={"kid": "one"})


def by_the_public_key_as_a_secret(kind, key):
    """As an attacker does who writes HS256 above what anybody may read; PyJWT would not."""

    def sign(claims):
        header = {"alg": "HS256", "typ": "JWT", "kid": "one"}
        body = ".".join(base64url(json.dumps(part).encode()) for part in (header, claims))
        shown = key.public_key().public_bytes(kind, PublicFormat.SubjectPublicKeyInfo)
        return f"{body}.{base64url(hmac.digest(shown, body.encode(), 'sha256'))}"

    return sign


def base64url(given):
    return base64.urlsafe_b64encode(given).rstrip(b"=").decode()


def test_forged_signatures_are_refused(provider, visitor):
    key = provider.keys["one"]
    forged = (
        unsigned,
        by_a_foreign_key,
        lambda claims: jwt.encode(claims, SECRET.ljust(32), "HS256", headers={"kid": "one"}),
        by_the_public_key_as_a_secret(Encoding.PEM, key),
        by_the_public_key_as_a_secret(Encoding.DER, key),
        lambda claims: provider.signed(claims)[:-8] + "AAAAAAAA",
        lambda claims: "no token at all",
    )
    for sign in forged:
        provider.sign = sign
        refused(visitor(), "be trusted, so nobody was signed in")


def test_a_new_key_of_the_providers_is_found(provider, visitor):
    comes_back(visitor())
    provider.keys["two"] = signing_key()
    try:
        client = visitor()
        comes_back(client)
        assert is_in(client)
    finally:
        del provider.keys["two"]


def test_a_state_counts_once_and_only_where_it_was_begun(provider, visitor):
    client = visitor()
    address = at_provider(client.get("/providers/oidc/go"))
    stranger = visitor()
    assert stranger.get(address).location == "/login/"
    assert "not begun here" in told(stranger)
    with client.session_transaction() as session:
        begun = session["provider_sign_in"]
    assert client.get(address).location == "/"
    again = visitor()
    with again.session_transaction() as session:
        session["provider_sign_in"] = begun
    provider.asked.clear()
    assert again.get(address).location == "/login/"
    assert not is_in(again)
    assert "/token" not in provider.asked


def test_a_code_of_another_sign_in_does_not_fit(provider, visitor):
    """Somebody gets a victim's code: the verifier is that of another browser."""
    code = parse_qs(urlsplit(at_provider(visitor().get("/providers/oidc/go"))).query)["code"][0]
    client = visitor()
    state = parse_qs(urlsplit(at_provider(client.get("/providers/oidc/go"))).query)["state"][0]
    client.get("/providers/oidc/back", query_string={"code": code, "state": state})
    assert "did not confirm this sign-in" in told(client)
    assert not is_in(client)


def test_a_provider_that_is_down_or_another_is_told_plainly(provider, visitor):
    provider.down = True
    client = visitor()
    assert client.get("/providers/oidc/go").location == "/login/"
    assert "be reached at the moment" in told(client)
    provider.down = False
    for spoiled in (
        {"issuer": "https://evil.example"},
        {"authorization_endpoint": "javascript:alert(1)"},
        {"token_endpoint": ""},
    ):
        OpenId._kept.clear()
        provider.metadata = spoiled
        client = visitor()
        assert client.get("/providers/oidc/go").location == "/login/"
        assert "be reached at the moment" in told(client)


def test_an_address_counts_only_when_the_provider_verified_it(provider, visitor):
    provider.change(PROVIDER_MATCH="email")
    provider.person["email"] = "sales@example.org"
    for spoil in (lambda _claims: None, set_to(email_verified=False)):
        provider.spoil = spoil
        refused(visitor(), "linked to nobody here")
    provider.spoil = set_to(email_verified=True)
    client = visitor()
    comes_back(client)
    assert "sales@example.org" in who(client)


def test_a_verified_address_does_not_vouch_for_another(provider, visitor):
    """The ID token names one address, the user address says of another that it is verified."""
    provider.change(PROVIDER_MATCH="email")
    provider.person["email"] = "sales@example.org"
    provider.person.pop("preferred_username")
    provider.further = {"sub": "248289", "email": "mine@example.org", "email_verified": True}
    refused(visitor(), "linked to nobody here")


def test_trusted_all_the_same_where_the_operator_says_so(provider, visitor):
    provider.change(PROVIDER_MATCH="email", OIDC_TRUST_EMAIL="1")
    provider.person["email"] = "sales@example.org"
    client = visitor()
    comes_back(client)
    assert is_in(client)


def test_what_stands_only_at_the_user_address_is_taken_from_there(provider, visitor):
    provider.change(PROVIDER_MATCH="email")
    provider.further = {"sub": "248289", "email": "sales@example.org", "email_verified": True}
    client = visitor()
    comes_back(client)
    assert is_in(client)
    provider.further = {**provider.further, "sub": "another"}
    refused(visitor(), "be trusted, so nobody was signed in")


def test_nobody_is_made_without_the_setting(provider, visitor):
    provider.person["preferred_username"] = "zhangwei"
    before = len(list(db.session.scalars(select(StewardUser.id))))
    refused(visitor(), "linked to nobody here")
    assert len(list(db.session.scalars(select(StewardUser.id)))) == before


def test_made_with_the_default_role_and_the_roles_of_groups(provider, visitor):
    groups = {"crm-sales": ["Sales"], "crm-managers": ["Sales Manager"]}
    provider.change(PROVIDER_DEFAULT_ROLE="Guest", PROVIDER_GROUP_ROLES=json.dumps(groups))
    provider.person |= {"preferred_username": "zhangwei", "groups": ["crm-sales", "others"]}
    client = visitor()
    comes_back(client)
    assert is_in(client)
    roles = {role.name for role in factories.person("oidc.zhangwei").roles}
    assert roles == {"Guest", "Sales"}
    provider.person["groups"] = []
    comes_back(visitor())
    assert [role.name for role in factories.person("oidc.zhangwei").roles] == ["Guest"]


def test_roles_given_here_stay_and_no_groups_told_changes_nothing(provider, visitor):
    provider.change(PROVIDER_MATCH="user_id", PROVIDER_GROUP_ROLES='{"g": ["Guest"]}')
    before = {role.name for role in factories.person("sales").roles}
    comes_back(visitor())
    assert {role.name for role in factories.person("sales").roles} == before
    provider.person["groups"] = "g"
    comes_back(visitor())
    assert {role.name for role in factories.person("sales").roles} == before | {"Guest"}


def test_the_last_administrator_keeps_the_role(provider, visitor):
    """Groups may have been forgotten there: nobody could mend it here."""
    groups = '{"g": ["Admin", "Guest"], "s": ["Sales"]}'
    provider.change(PROVIDER_MATCH="user_id", PROVIDER_GROUP_ROLES=groups)
    provider.person |= {"preferred_username": "admin", "groups": ["g"]}
    comes_back(visitor())
    assert {"Admin", "Guest"} <= {role.name for role in factories.person("admin").roles}
    provider.person["groups"] = ["s"]
    client = visitor()
    comes_back(client)
    assert is_in(client)
    db.session.expire_all()
    left = {role.name for role in factories.person("admin").roles}
    assert {"Admin", "Sales"} <= left
    assert "Guest" not in left
    comes_back(visitor())
    with policy.acting_as(policy.SYSTEM_VIEWER):
        roles = [role.id for role in accounts.all_roles() if role.name == "Admin"]
        accounts.save_user(factories.user_id("sales"), {}, roles)
    comes_back(visitor())
    db.session.expire_all()
    assert "Admin" not in {role.name for role in factories.person("admin").roles}


def test_the_second_factor_is_asked_all_the_same(provider, visitor):
    secret = pyotp.random_base32()
    sealed = sealing.seal(second_factor.PURPOSE, secret)
    person = factories.person("sales")
    person.second_factor_since = now()
    db.session.add(SecondFactor(user_id=person.id, sealed=sealed, begun_at=now()))
    db.session.commit()
    client = visitor()
    assert comes_back(client).location == "/login/code/"
    assert not is_in(client)


def test_whoever_was_switched_off_stays_out(provider, visitor):
    with policy.acting_as(policy.SYSTEM_VIEWER):
        accounts.save_user(factories.user_id("sales"), {"active": False})
    refused(visitor(), "switched off")


def test_sign_ins_and_refusals_are_in_the_audit_log(provider, visitor):
    def kinds():
        return [entry.kind for entry in db.session.scalars(select(AuditEntry))]

    before = len(kinds())
    comes_back(visitor())
    provider.spoil = set_to(nonce="another")
    comes_back(visitor())
    made = kinds()[before:]
    assert "sign_in" in made
    assert made[-1] == "sign_in.failed"


def test_refusals_are_counted_for_the_address(provider, visitor):
    client = visitor()
    for _turn in range(51):
        answer = client.get("/providers/oidc/back?code=x&state=x")
    assert answer.location == "/login/"
    assert "Too many attempts" in told(client)
    provider.asked.clear()
    comes_back(client)
    assert not is_in(client)
    assert "/token" not in provider.asked


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"OIDC_ISSUER": "https://id.example.com"}, "OIDC_CLIENT_ID must be set"),
        ({"OIDC_ISSUER": "id.example.com"}, "OIDC_ISSUER must look like"),
        (
            {"OIDC_ISSUER": "https://x", "OIDC_CLIENT_ID": "a", "OIDC_CLIENT_SECRET": "b"},
            "PUBLIC_URL",
        ),
        ({"PROVIDER_GROUP_ROLES": "x=y"}, "PROVIDER_GROUP_ROLES must look like"),
        ({"PROVIDER_GROUP_ROLES": '{"x": "Sales"}'}, "PROVIDER_GROUP_ROLES must look like"),
        (
            {
                "OIDC_ISSUER": "https://x",
                "OIDC_CLIENT_ID": "a",
                "OIDC_CLIENT_SECRET": "b",
                "PUBLIC_URL": "https://y",
                "OIDC_SCOPES": "profile",
            },
            "OIDC_SCOPES must contain openid",
        ),
    ],
)
def test_settings_that_do_not_suffice_are_named(given, named):
    with pytest.raises(SettingsError, match=named):
        Settings.from_environment(given)
