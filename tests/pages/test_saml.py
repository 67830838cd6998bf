"""Sign-in by SAML 2.0, against an identity provider of our own that speaks it over HTTP."""

from __future__ import annotations

import base64
import copy
import dataclasses
import functools
import html
import json
import re
import sys

import pyotp
import pytest
import requests
import xmlsec
from flask.testing import FlaskClient
from lxml import etree
from onelogin.saml2.idp_metadata_parser import OneLogin_Saml2_IdPMetadataParser
from sqlalchemy import func, select

from app.commands import checks
from app.engine import policy
from app.engine.adapters import sealing
from app.engine.adapters.appbuilder import accounts, saml_answers, second_factor
from app.engine.adapters.appbuilder.saml_answers import SamlAnswer
from app.engine.adapters.appbuilder.second_factor import SecondFactor
from app.engine.adapters.appbuilder.user import StewardUser
from app.engine.adapters.database import db, now
from app.engine.audit.models import AuditEntry
from config import Settings, SettingsError
from tests import factories
from tests.pages.saml_stand_in import (
    ACS,
    HERE,
    NAMES,
    SAML,
    STEWARD,
    Pair,
    SamlStandIn,
    encrypt,
    sign,
    stamp,
)

pytestmark = pytest.mark.once  # what is said to and fro with the provider

PATH = "/providers/saml/acs"
NOT_TRUSTED = "be trusted, so nobody was signed in"
NOT_CONFIRMED = "did not confirm this sign-in"
NOT_BEGUN = "was not begun here"


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    standing = SamlStandIn(tmp_path_factory.mktemp("saml"))
    yield standing
    standing.close()


@pytest.fixture
def provider(server, app):
    """Set up; `change(**settings)` sets more."""
    before = app.config["STEWARD"]

    def change(**more):
        given = {"PUBLIC_URL": HERE, "PROVIDER_MATCH": "user_id", **server.settings(), **more}
        asked = Settings.from_environment({name: value for name, value in given.items() if value})
        values = {
            one.name: getattr(asked, one.name)
            for one in dataclasses.fields(Settings)
            if one.name.startswith(("saml", "provider", "public"))
        }
        app.config["STEWARD"] = dataclasses.replace(before, **values)

    server.clean()
    server.change = change
    change()
    yield server
    app.config["STEWARD"] = before


def form_of(page):
    """What the provider's page would have the browser post."""
    inputs = re.findall(r'name="(\w+)" value="([^"]*)"', page)
    return {name: html.unescape(value) for name, value in inputs}


def at_provider(answer):
    there = requests.get(answer.location, timeout=10)
    assert there.status_code == 200, there.text
    return form_of(there.text)


def post(app, form):
    """As from the provider's site: without our cookie, and with no token."""
    with app.app_context():
        return FlaskClient(app, app.response_class).post(PATH, data=form)


def begun(client, target=None):
    query = {"next": target} if target else None
    return at_provider(client.get("/providers/saml/go", query_string=query))


def comes_back(client, form):
    posted = post(client.application, form)
    assert posted.status_code == 303, posted.text
    assert "Set-Cookie" not in posted.headers
    assert posted.location.startswith("/providers/saml/back?")
    return client.get(posted.location)


def signs_in(client, target=None):
    return comes_back(client, begun(client, target))


def is_in(client):
    return client.get("/users/userinfo/").status_code == 200


def told(client):
    return client.get("/login/").text


def refused(client, words=NOT_TRUSTED):
    assert signs_in(client).location == "/login/"
    assert words in told(client)
    assert not is_in(client)


def test_signed_in_and_sent_where_they_wanted(provider, visitor):
    client = visitor()
    assert "Example SAML" in client.get("/login/").text
    assert signs_in(client, "/users/userinfo/?a=1").location == "/users/userinfo/?a=1"
    assert "sales@example.org" in client.get("/users/userinfo/").text


@pytest.mark.parametrize("wanted", ["https://evil.example/", "//evil.example", "/\\evil.example"])
def test_it_never_leads_away(provider, visitor, wanted):
    assert signs_in(visitor(), wanted).location == "/"


@pytest.mark.parametrize(
    "state", ["https://evil.example/", "//evil.example", "x" * 5000, "\r\nx: y"]
)
def test_a_relay_state_leads_nowhere(provider, visitor, state):
    client = visitor()
    form = {**begun(client), "RelayState": state}
    assert comes_back(client, form).location == "/login/"
    assert not is_in(client)


@pytest.mark.parametrize("signs", ["assertion", "response", "both"])
@pytest.mark.parametrize("encrypts", [False, True])
def test_either_signature_suffices_and_it_may_be_encrypted(provider, visitor, signs, encrypts):
    provider.change(**provider.own_key())
    provider.wants_signed_requests = True
    provider.signs, provider.encrypts = signs, encrypts
    client = visitor()
    signs_in(client)
    assert is_in(client)


def test_what_is_encrypted_can_only_be_read_with_a_key(provider, visitor):
    provider.encrypts = True
    refused(visitor())


def test_an_encrypted_assertion_needs_a_signature_all_the_same(provider, visitor):
    """Our certificate is public: anybody can encrypt for us."""
    provider.change(**provider.own_key())
    provider.signs, provider.encrypts = "nothing", True
    refused(visitor())


@pytest.mark.parametrize(
    ("transport", "block"),
    [(xmlsec.Transform.RSA_PKCS1, None), (None, xmlsec.Transform.AES128)],
    ids=["by PKCS #1 v1.5", "by CBC"],
)
def test_key_transport_with_a_padding_that_tells_is_refused(provider, visitor, transport, block):
    provider.change(**provider.own_key())

    def put_away(root):
        encrypt(root, provider.ours, transport, block)
        return root

    provider.forge = put_away
    client = visitor()
    signs_in(client)
    assert is_in(client) is (transport is None)


def test_the_old_and_the_new_certificate_count_while_both_are_there(provider, visitor):
    provider.signer = provider.other
    refused(visitor())
    provider.certificates(provider.pair, provider.other)
    provider.change()
    for signer in (provider.pair, provider.other):
        provider.signer = signer
        client = visitor()
        signs_in(client)
        assert is_in(client)
    provider.certificates(provider.other)
    provider.change()
    provider.signer = provider.pair
    refused(visitor())


def by_metadata(provider, *pairs, **more):
    path = provider.metadata(*pairs)
    nothing = dict.fromkeys(("SAML_IDP_SSO_URL", "SAML_IDP_CERTIFICATES", "SAML_IDP_ENTITY_ID"), "")
    provider.change(SAML_IDP_METADATA=str(path), **nothing, **more)
    return path


@pytest.mark.parametrize("number", [1, 2])
def test_set_up_by_the_providers_metadata(provider, visitor, number):
    by_metadata(provider, *[provider.other, provider.pair][-number:])
    client = visitor()
    signs_in(client)
    assert is_in(client)


def test_a_new_certificate_in_the_file_counts_without_a_restart(provider, visitor):
    path = by_metadata(provider, provider.pair)
    provider.signer = provider.other
    refused(visitor())
    path.write_text(provider.metadata(provider.other).read_text())
    client = visitor()
    signs_in(client)
    assert is_in(client)


# Forged


def test_without_a_signature(provider, visitor):
    provider.signs = "nothing"
    refused(visitor())


def test_a_signature_by_a_key_that_comes_along(provider, visitor):
    provider.signer = Pair()
    refused(visitor())


def test_a_signature_by_sha_1(provider, visitor):
    provider.signs = "nothing"

    def weakly(root):
        sign(root.find("saml:Assertion", NAMES), provider.pair, xmlsec.Transform.RSA_SHA1)
        return root

    provider.forge = weakly
    refused(visitor())


def assertion_of(root):
    return root.find("saml:Assertion", NAMES)


def evil(provider, root):
    """A copy of the assertion for the administrator, without a signature."""
    copied = copy.deepcopy(assertion_of(root))
    signature = copied.find("ds:Signature", NAMES)
    copied.remove(signature)
    copied.set("ID", "_evil")
    copied.find(".//saml:AttributeValue", NAMES).text = "admin"
    copied.find(".//saml:NameID", NAMES).text = "p-admin"
    return copied


def changed(provider, root):
    assertion_of(root).find(".//saml:AttributeValue", NAMES).text = "admin"
    return root


def evil_before(provider, root):
    root.insert(list(root).index(assertion_of(root)), evil(provider, root))
    return root


def evil_behind(provider, root):
    root.append(evil(provider, root))
    return root


def signed_in_extensions(provider, root):
    """The signed one where nobody looks, the evil one in its place."""
    genuine = assertion_of(root)
    root.replace(genuine, evil(provider, root))
    extensions = etree.SubElement(root, f"{{{NAMES['samlp']}}}Extensions")
    root.remove(extensions)
    root.insert(1, extensions)
    extensions.append(genuine)
    return root


def signed_in_the_evil_one(provider, root):
    genuine = assertion_of(root)
    wrapper = evil(provider, root)
    root.replace(genuine, wrapper)
    wrapper.append(genuine)
    return root


def signature_in_the_evil_one(provider, root):
    """The signature goes along, what it covers hangs in its own Object."""
    genuine = assertion_of(root)
    wrapper = evil(provider, root)
    signature = genuine.find("ds:Signature", NAMES)
    genuine.remove(signature)
    root.replace(genuine, wrapper)
    wrapper.insert(1, signature)
    held = etree.SubElement(signature, f"{{{NAMES['ds']}}}Object")
    held.append(genuine)
    return root


def of_the_same_id(provider, root):
    genuine = assertion_of(root)
    wrapper = evil(provider, root)
    wrapper.set("ID", genuine.get("ID"))
    signature = copy.deepcopy(genuine.find("ds:Signature", NAMES))
    root.replace(genuine, wrapper)
    wrapper.insert(1, signature)
    extensions = etree.SubElement(root, f"{{{NAMES['samlp']}}}Extensions")
    root.remove(extensions)
    root.insert(1, extensions)
    extensions.append(genuine)
    return root


def response_in_a_response(provider, root):
    outer = copy.deepcopy(root)
    outer.set("ID", "_outer")
    genuine = assertion_of(outer)
    outer.replace(genuine, evil(provider, root))
    extensions = etree.SubElement(outer, f"{{{NAMES['samlp']}}}Extensions")
    outer.remove(extensions)
    outer.insert(1, extensions)
    extensions.append(root)
    return outer


def transformed(provider, root):
    """A transformation that would leave out what was put in."""
    transforms = root.find(".//ds:Transforms", NAMES)
    added = etree.SubElement(transforms, f"{{{NAMES['ds']}}}Transform")
    added.set("Algorithm", "http://www.w3.org/TR/1999/REC-xpath-19991116")
    path = etree.SubElement(added, f"{{{NAMES['ds']}}}XPath")
    path.text = "not(ancestor-or-self::*[local-name()='AttributeStatement'])"
    return root


def referring_to_nothing(provider, root):
    root.find(".//ds:Reference", NAMES).set("URI", "")
    return root


def with_a_plain_mac(provider, root):
    method = root.find(".//ds:SignatureMethod", NAMES)
    method.set("Algorithm", "http://www.w3.org/2001/04/xmldsig-more#hmac-sha256")
    return root


ATTACKS = [
    changed, evil_before, evil_behind, signed_in_extensions, signed_in_the_evil_one,
    signature_in_the_evil_one, of_the_same_id, response_in_a_response, transformed,
    referring_to_nothing, with_a_plain_mac,
]  # fmt: skip


def test_a_wrapped_or_changed_signature(provider, visitor, subtests):
    for attack in ATTACKS:
        with subtests.test(attack.__name__):
            provider.forge = functools.partial(attack, provider)
            refused(visitor())


def test_a_changed_answer_that_is_signed_as_a_whole(provider, visitor, subtests):
    provider.signs = "both"
    for attack in (evil_before, evil_behind, changed):
        with subtests.test(attack.__name__):
            provider.forge = functools.partial(attack, provider)
            refused(visitor())


def test_a_comment_cuts_no_name(provider, visitor):
    """Signatures do not cover comments: with some readers a name ends where one begins."""
    provider.person["uid"] = ["admin.evil"]
    provider.raw = lambda written: written.replace(b"admin.evil", b"admin<!---->.evil")
    refused(visitor())
    provider.raw = lambda written: written.replace(b"p-248289", b"p-<?x?>248289")
    refused(visitor())


def test_what_an_attacker_encrypted_is_looked_at_alike(provider, visitor, subtests):
    """Our certificate is public: whoever has a signed assertion can change and then encrypt it."""
    provider.change(**provider.own_key())

    def with_a_comment(root):
        name = root.find(".//saml:AttributeValue", NAMES)
        name.text = name.text[:3]
        name.append(etree.Comment("x"))
        name[0].tail = "es"
        return root

    for change in (with_a_comment, functools.partial(changed, provider)):
        with subtests.test(getattr(change, "__name__", "changed")):

            def put_away(root, change=change):
                encrypt(change(root), provider.ours)
                return root

            provider.forge = put_away
            refused(visitor())


BOMB = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;">]>'
FILE = '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>'


@pytest.mark.parametrize("declared", [BOMB, FILE, "<!DOCTYPE x>"])
def test_nothing_is_declared_and_nothing_fetched(provider, visitor, declared):
    provider.raw = lambda written: declared.encode() + written
    refused(visitor())


def test_what_is_no_answer_at_all(provider, visitor):
    for posted in ("", "%%%", "ä", "PHg+", base64.b64encode(b"<x/>").decode(), "A" * 440_000):
        client = visitor()
        form = {**begun(client), "SAMLResponse": posted}
        assert comes_back(client, form).location == "/login/"
        assert NOT_TRUSTED in told(client)


# Genuine, but not for us, or not now


def set_to(path, name, value):
    def spoil(root):
        found = root.find(path, NAMES) if path else root
        if name is None:
            found.text = value
        elif value is None:
            del found.attrib[name]
        else:
            found.set(name, value)

    return spoil


def without(path):
    def spoil(root):
        found = root.find(path, NAMES)
        found.getparent().remove(found)

    return spoil


CONFIRMATION = ".//saml:SubjectConfirmationData"
CONDITIONS = ".//saml:Conditions"


UNFIT = {
    "audience": set_to(".//saml:Audience", None, "https://other.example"),
    "audience like ours": set_to(".//saml:Audience", None, STEWARD + "x"),
    "no audience": without(".//saml:AudienceRestriction"),
    "a second restriction": lambda root: root.find(CONDITIONS, NAMES).append(
        SAML.AudienceRestriction(SAML.Audience("https://other.example"))
    ),
    "destination": set_to(None, "Destination", "https://other.example/acs"),
    "destination like it": set_to(None, "Destination", ACS + ".evil.example"),
    "empty destination": set_to(None, "Destination", ""),
    "recipient": set_to(CONFIRMATION, "Recipient", "https://other.example"),
    "recipient like it": set_to(CONFIRMATION, "Recipient", ACS + "x"),
    "no recipient": set_to(CONFIRMATION, "Recipient", None),
    "expired": set_to(CONFIRMATION, "NotOnOrAfter", stamp(minutes=-1)),
    "never expires": set_to(CONFIRMATION, "NotOnOrAfter", None),
    "not yet": set_to(CONFIRMATION, "NotBefore", stamp(hours=9)),  # also when the test comes late
    "conditions over": set_to(CONDITIONS, "NotOnOrAfter", stamp(minutes=-9)),
    "conditions not yet": set_to(CONDITIONS, "NotBefore", stamp(hours=9)),
    "no conditions": without(CONDITIONS),
    "another request": set_to(CONFIRMATION, "InResponseTo", "_another"),
    "no request, in the subject": set_to(CONFIRMATION, "InResponseTo", None),
    "no request, on the envelope": set_to(None, "InResponseTo", None),
    "another, on the envelope": set_to(None, "InResponseTo", "_another"),
    "issuer": set_to("saml:Issuer", None, "https://other.example"),
    "issuer within": set_to("saml:Assertion/saml:Issuer", None, "x"),
    "no bearer": set_to(
        ".//saml:SubjectConfirmation", "Method", "urn:oasis:names:tc:SAML:2.0:cm:x"
    ),
    "nobody signed in there": without(".//saml:AuthnStatement"),
    "version": set_to(None, "Version", "1.1"),
    "a name for once": set_to(
        ".//saml:NameID", "Format", "urn:oasis:names:tc:SAML:2.0:nameid-format:transient"
    ),
}


def test_an_answer_that_does_not_hold_is_refused(provider, visitor, subtests):
    for name, spoil in UNFIT.items():
        with subtests.test(name):
            provider.spoil = spoil
            refused(visitor())


def test_an_answer_that_is_signed_as_a_whole_says_where_it_goes(provider, visitor):
    provider.spoil = set_to(None, "Destination", None)
    client = visitor()
    signs_in(client)
    assert is_in(client)
    provider.signs = "both"
    refused(visitor())


def test_a_provider_that_vouches_for_nobody(provider, visitor):
    provider.spoil = set_to(
        ".//samlp:StatusCode", "Value", "urn:oasis:names:tc:SAML:2.0:status:Responder"
    )
    refused(visitor(), NOT_CONFIRMED)


def test_an_answer_counts_once(provider, visitor, app):
    client = visitor()
    form = begun(client)
    with client.session_transaction() as session:
        kept = dict(session)
    assert comes_back(client, form).location == "/"
    again = visitor()
    with again.session_transaction() as session:
        session.update(kept)
    assert comes_back(again, form).location == "/login/"
    assert not is_in(again)
    assert db.session.scalar(select(func.count()).select_from(SamlAnswer)) == 1


def test_a_code_counts_once_and_keeps_nobody(provider, visitor, app):
    client = visitor()
    address = post(app, begun(client)).location
    with client.session_transaction() as session:
        kept = dict(session)
    waiting = db.session.scalars(select(SamlAnswer)).one()
    assert "sales" not in waiting.sealed
    client.get(address)
    assert is_in(client)
    db.session.expire_all()
    assert db.session.scalars(select(SamlAnswer)).one().sealed is None
    again = visitor()
    with again.session_transaction() as session:
        session.update(kept)
    assert again.get(address).location == "/login/"
    assert not is_in(again)


def test_an_answer_signs_in_only_where_it_was_begun(provider, visitor, app):
    """Somebody has another's browser bring an answer that is their own, or takes another's."""
    attacker, victim = visitor(), visitor()
    address = post(app, begun(attacker)).location
    assert victim.get(address).location == "/login/"
    assert NOT_BEGUN in told(victim)
    assert not is_in(victim)


def test_an_answer_fits_no_other_sign_in_that_is_under_way(provider, visitor, app):
    """The victim did begin; the attacker's answer, or code, is put in place of theirs."""
    attacker, victim = visitor(), visitor()
    theirs, own = begun(attacker), begun(victim)
    form = {**theirs, "RelayState": own["RelayState"]}
    assert comes_back(victim, form).location == "/login/"
    assert not is_in(victim)
    own = begun(victim)
    code = re.search(r"code=([^&]+)", post(app, theirs).location)[1]
    query = {"code": code, "state": own["RelayState"]}
    assert victim.get("/providers/saml/back", query_string=query).location == "/login/"
    assert not is_in(victim)


def test_a_code_is_good_for_two_minutes(provider, visitor, app, monkeypatch):
    client = visitor()
    address = post(app, begun(client)).location
    later = now() + saml_answers.CODE_LASTS
    monkeypatch.setattr(saml_answers, "now", lambda: later)
    assert client.get(address).location == "/login/"
    assert not is_in(client)


def test_nobody_asked_for_it(provider, visitor):
    """Begun at the provider: there is no browser that it could be compared with."""
    client = visitor()
    form = form_of(provider.page(None, None))
    assert comes_back(client, form).location == "/login/"
    assert NOT_BEGUN in told(client)
    form = form_of(provider.page(None, "https://evil.example/"))
    assert comes_back(client, form).location == "/login/"
    assert not is_in(client)


def test_a_post_from_elsewhere_signs_nobody_out(provider, browser):
    client = browser("sales")
    answer = client.post("/providers/saml/acs", data={"SAMLResponse": "x", "RelayState": "x"})
    assert "Set-Cookie" not in answer.headers
    assert client.get("/users/userinfo/").status_code == 200


def test_what_was_taken_is_cleared_away_once_it_can_not_be_played_again(
    provider, visitor, app, monkeypatch
):
    client = visitor()
    post(app, begun(client))
    assert saml_answers.remove_old() == 0
    moment = now()
    monkeypatch.setattr(saml_answers, "now", lambda: moment + saml_answers.CODE_LASTS)
    assert saml_answers.remove_old() == 1
    assert saml_answers.remove_old() == 0
    assert db.session.scalars(select(SamlAnswer)).one().sealed is None
    monkeypatch.setattr(saml_answers, "now", lambda: moment + 2 * saml_answers.MARGIN)
    assert saml_answers.remove_old() == 1
    assert db.session.scalars(select(SamlAnswer)).all() == []


# Whose account it is


def test_linked_by_a_question_of_ours(provider, browser, visitor):
    provider.change(PROVIDER_MATCH="")
    provider.person = {"displayName": ["张伟"]}
    refused(visitor(), "linked to nobody here")
    client = browser("sales")
    assert signs_in(client).location == "/providers/saml/link"
    page = client.get("/providers/saml/link").text
    assert "张伟" in page
    client.post("/providers/saml/link")
    other = visitor()
    signs_in(other)
    assert "sales@example.org" in other.get("/users/userinfo/").text


def test_made_with_the_default_role_and_the_roles_of_groups(provider, visitor):
    groups = {"crm-sales": ["Sales"], "crm-managers": ["Sales Manager"]}
    provider.change(PROVIDER_DEFAULT_ROLE="Guest", PROVIDER_GROUP_ROLES=json.dumps(groups))
    provider.person = {
        "uid": ["zhangwei"],
        "displayName": ["张伟"],
        "mail": ["zhangwei@example.org"],
        "groups": ["crm-sales", "others"],
    }
    client = visitor()
    signs_in(client)
    assert is_in(client)
    person = factories.person("saml.zhangwei")
    assert {role.name for role in person.roles} == {"Guest", "Sales"}
    assert (person.first_name, person.email) == ("张伟", "zhangwei@example.org")
    del provider.person["groups"]
    provider.person["http://schemas.microsoft.com/claims/groups.link"] = ["https://graph.example"]
    signs_in(visitor())
    assert len(factories.person("saml.zhangwei").roles) == 2
    provider.person.popitem()
    signs_in(visitor())
    db.session.expire_all()
    assert [role.name for role in factories.person("saml.zhangwei").roles] == ["Guest"]


def test_attributes_are_called_as_the_operator_says(provider, visitor):
    address = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress"
    provider.change(
        PROVIDER_MATCH="email", SAML_EMAIL_ATTRIBUTE=address, SAML_ID_ATTRIBUTE="objectid"
    )
    provider.format = "urn:oasis:names:tc:SAML:2.0:nameid-format:transient"
    provider.person = {address: ["Sales@example.org"], "objectid": ["7"]}
    client = visitor()
    signs_in(client)
    assert "sales@example.org" in client.get("/users/userinfo/").text


def test_the_subjects_name_may_be_the_user_name(provider, visitor):
    provider.change(SAML_USER_ATTRIBUTE="NameID")
    provider.subject, provider.person = "sales", {}
    client = visitor()
    signs_in(client)
    assert "sales@example.org" in client.get("/users/userinfo/").text


def test_whoever_was_switched_off_stays_out(provider, visitor):
    with policy.acting_as(policy.SYSTEM_VIEWER):
        accounts.save_user(factories.user_id("sales"), {"active": False})
    refused(visitor(), "switched off")


def test_the_second_factor_is_asked_all_the_same(provider, visitor):
    sealed = sealing.seal(second_factor.PURPOSE, pyotp.random_base32())
    person = factories.person("sales")
    person.second_factor_since = now()
    db.session.add(SecondFactor(user_id=person.id, sealed=sealed, begun_at=now()))
    db.session.commit()
    client = visitor()
    assert signs_in(client).location == "/login/code/"
    assert not is_in(client)


def test_nobody_is_made_by_a_refusal_and_each_is_in_the_audit_log(provider, visitor):
    def kinds():
        return [entry.kind for entry in db.session.scalars(select(AuditEntry))]

    def people():
        return db.session.scalar(select(func.count()).select_from(StewardUser))

    before, number = len(kinds()), people()
    signs_in(visitor())
    provider.change(PROVIDER_DEFAULT_ROLE="Guest")
    provider.person["uid"] = ["somebody"]
    provider.signs = "nothing"
    signs_in(visitor())
    made = kinds()[before:]
    assert made.count("sign_in") == 1
    assert made.count("sign_in.failed") == 1
    assert people() == number
    assert db.session.scalar(select(func.count()).select_from(SamlAnswer)) == 1


def test_refusals_are_counted_for_the_address(provider, visitor, app):
    form = begun(visitor())
    for _turn in range(51):
        post(app, {"SAMLResponse": "x", "RelayState": "x"})
    assert "code=refused" in post(app, form).location
    client = visitor()
    signs_in(client)
    assert "Too many attempts" in told(client)
    assert db.session.scalars(select(SamlAnswer)).all() == []


def test_refusals_are_in_the_readers_language(provider, visitor):
    provider.signs = "nothing"
    client = visitor()
    client.get("/lang/zh", headers={"Referer": "/"})
    signs_in(client)
    assert "不可信" in told(client)


# Set up


def test_what_the_provider_is_told_of_steward(provider, visitor):
    answer = visitor().get("/providers/saml/metadata")
    assert answer.mimetype == "application/samlmetadata+xml"
    root = etree.fromstring(answer.data)
    assert root.get("entityID") == STEWARD
    assert root.get("validUntil") is None
    service = root.find(".//{*}AssertionConsumerService")
    assert (service.get("Location"), service.get("Binding")[-9:]) == (ACS, "HTTP-POST")
    assert root.find(".//{*}KeyDescriptor") is None
    provider.change(SAML_ENTITY_ID="urn:steward", **provider.own_key())
    told = visitor().get("/providers/saml/metadata").data
    root = etree.fromstring(told)
    assert root.get("entityID") == "urn:steward"
    assert {one.get("use") for one in root.iter("{*}KeyDescriptor")} == {"signing", "encryption"}
    assert provider.ours.plain in "".join(told.decode().split())
    assert b"PRIVATE" not in told
    assert OneLogin_Saml2_IdPMetadataParser.parse(told) is not None


def test_it_is_not_there_until_it_is_set_up(client, app):
    app.config["WTF_CSRF_ENABLED"] = True
    for address, method in (("metadata", "GET"), ("go", "GET"), ("acs", "POST")):
        assert client.open(f"/providers/saml/{address}", method=method).status_code == 404


def test_a_file_that_can_not_be_used_is_told_plainly(provider, visitor, tmp_path):
    broken = tmp_path / "broken.pem"
    broken.write_text("no certificate")
    provider.change(SAML_IDP_CERTIFICATES=str(broken))
    client = visitor()
    assert client.get("/providers/saml/go").location == "/login/"
    assert "is not set up rightly" in told(client)


def test_files_are_looked_at_before_anything_starts(server, tmp_path):
    def start(**more):
        given = {"PUBLIC_URL": HERE, "PROVIDER_MATCH": "email", **more}
        checks.saml_known(Settings.from_environment(given))

    start(**server.settings(), **server.own_key())
    empty, weak = tmp_path / "x.xml", tmp_path / "weak.pem"
    empty.write_text("<x/>")
    weak.write_text(Pair(1024).pem)
    one, several = server.metadata(server.pair).read_text(), tmp_path / "several.xml"
    group = '<md:EntitiesDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata">{}{}</md:EntitiesDescriptor>'
    several.write_text(group.format(one, one.replace(server.issuer, "urn:other")))
    start(SAML_IDP_METADATA=str(several), SAML_IDP_ENTITY_ID=server.issuer)
    own, mixed = server.own_key(), server.settings()["SAML_IDP_CERTIFICATES"]
    for more, named in (
        ({"SAML_IDP_METADATA": str(empty)}, "holds no identity provider"),
        ({"SAML_IDP_METADATA": mixed}, "is no SAML metadata"),
        ({"SAML_IDP_METADATA": str(several)}, "holds several providers; set SAML_IDP_ENTITY_ID"),
        (
            {"SAML_IDP_METADATA": str(server.metadata(server.pair)), "SAML_IDP_ENTITY_ID": "urn:x"},
            "no identity provider called urn:x",
        ),
        ({**server.settings(), "SAML_IDP_CERTIFICATES": str(weak)}, "2048 bits"),
        ({**server.settings(), **own, "SAML_CERTIFICATE_FILE": mixed}, "are not one RSA key's"),
        ({**server.settings(), **own, "SAML_KEY_FILE": mixed}, "holds no key in PEM"),
    ):
        with pytest.raises(SettingsError, match=named):
            start(**more)


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"SAML_IDP_ENTITY_ID": "urn:x"}, "SAML_IDP_SSO_URL must be set"),
        (
            {"SAML_IDP_ENTITY_ID": "urn:x", "SAML_IDP_SSO_URL": "https://x"},
            "SAML_IDP_CERTIFICATES must be set",
        ),
        ({"SAML_IDP_SSO_URL": "javascript:alert(1)"}, "SAML_IDP_SSO_URL must look like"),
        ({"SAML_IDP_METADATA": "/nowhere/idp.xml"}, "SAML_IDP_METADATA must name a file"),
        ({"SAML_IDP_METADATA": __file__}, "PUBLIC_URL must be set"),
        (
            {
                "SAML_IDP_METADATA": __file__,
                "SAML_IDP_SSO_URL": "https://x",
                "PUBLIC_URL": "https://y",
            },
            "are for where SAML_IDP_METADATA is not set",
        ),
        ({"SAML_ENTITY_ID": 'urn:"x'}, "SAML_ENTITY_ID must be an address or name"),
        ({"SAML_KEY_FILE": __file__}, "SAML_CERTIFICATE_FILE must be set"),
        ({"SAML_CERTIFICATE_FILE": __file__}, "SAML_KEY_FILE must be set"),
    ],
)
def test_settings_that_do_not_suffice_are_named(given, named):
    with pytest.raises(SettingsError, match=named):
        Settings.from_environment(given)


def test_packages_that_do_not_fit_each_other_are_told_at_the_start(monkeypatch, server):
    """Each of xmlsec and lxml brings libxml2 along: where the versions differ, importing fails."""
    monkeypatch.setitem(sys.modules, "xmlsec", None)
    given = {"PUBLIC_URL": HERE, **server.settings()}  # called so as nothing was that is kept
    with pytest.raises(SettingsError, match=r"very versions of requirements-sign-in\.txt"):
        checks.saml_known(Settings.from_environment({**given, "SAML_NAME": "another"}))


def test_the_missing_package_is_named_with_what_installs_it(monkeypatch, server):
    monkeypatch.setattr("config.find_spec", lambda _name: None)
    with pytest.raises(SettingsError, match=r"SAML_IDP_.* requirements-sign-in\.txt"):
        Settings.from_environment({"PUBLIC_URL": HERE, **server.settings()})
