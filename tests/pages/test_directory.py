"""Passwords of the company's directory, against a server of ours that speaks LDAP over TCP."""

from __future__ import annotations

import dataclasses
import subprocess
import sys

import pytest
from sqlalchemy import func, select

from app.commands import checks
from app.engine import policy
from app.engine.adapters.appbuilder import accounts, attempts, linked_accounts
from app.engine.adapters.database import db, now
from app.engine.audit.models import AuditEntry
from config import Settings, SettingsError
from tests import factories
from tests.factories import PASSWORD
from tests.pages.conftest import take_token

pytestmark = pytest.mark.once  # what is said to and fro with the directory

BASE = "ou=people,dc=example,dc=org"
ASKER, ASKERS_WORD = "cn=steward,dc=example,dc=org", "asker-word"
WORD = "directory word 7"

TREE = f"""\
dn: dc=org
objectClass: top
dc: org

dn: dc=example,dc=org
objectClass: top
dc: example

dn: {ASKER}
objectClass: person
cn: steward
userPassword: {ASKERS_WORD}

dn: {BASE}
objectClass: organizationalUnit
ou: people

dn: uid=sales,{BASE}
objectClass: person
uid: sales
cn: Someone
mail: sales@example.org
entryUUID: 7b0c3e1a-0001
userPassword: {WORD}

dn: uid=zhangwei,{BASE}
objectClass: person
objectClass: clerk
uid: zhangwei
cn: Zhang Wei
mail: zhangwei@example.org
entryUUID: 7b0c3e1a-0002
memberOf: CN=CRM,ou=groups,dc=example,dc=org
userPassword: {WORD}

dn: uid=twin,{BASE}
objectClass: person
uid: twin
uid: pair
userPassword: {WORD}

dn: uid=pair,{BASE}
objectClass: person
uid: pair
userPassword: {WORD}

"""


class Server:
    """The directory in a process of its own."""

    def __init__(self, folder):
        tree, self._asked = folder / "tree.ldif", folder / "asked"
        tree.write_text(TREE)
        self.forget()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.pages.directory_stand_in", str(tree), str(self._asked)],
            stdout=subprocess.PIPE,
            text=True,
        )
        self.url = f"ldap://127.0.0.1:{int(self._process.stdout.readline())}"

    @property
    def asked(self):
        """What it was asked; written before it answers, so nothing is under way."""
        return self._asked.read_text().splitlines()

    def forget(self):
        self._asked.write_text("")

    def close(self):
        self._process.terminate()
        self._process.wait(10)
        self._process.stdout.close()


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    standing = Server(tmp_path_factory.mktemp("directory"))
    yield standing
    standing.close()


@pytest.fixture
def directory(server, app):
    """Set up; `change(**settings)` sets more."""
    before = app.config["STEWARD"]

    def change(**more):
        given = Settings.from_environment(
            {
                "LDAP_URL": server.url,
                "LDAP_BIND_USER": ASKER,
                "LDAP_BIND_PASSWORD": ASKERS_WORD,
                "LDAP_SEARCH_BASE": BASE,
                "PROVIDER_MATCH": "user_id",
                **more,
            }
        )
        values = {
            one.name: getattr(given, one.name)
            for one in dataclasses.fields(Settings)
            if one.name.startswith(("ldap", "provider"))
        }
        app.config["STEWARD"] = dataclasses.replace(before, **values)

    server.change = change
    server.forget()
    change()
    yield server
    app.config["STEWARD"] = before


def sign_in(client, name, password, target="/login/"):
    take_token(client)
    return client.post(target, data={"username": name, "password": password})


def is_in(client):
    return client.get("/users/userinfo/").status_code == 200


def test_the_directorys_password_signs_in_and_ours_still_does(directory, visitor):
    for password in (WORD, PASSWORD):
        client = visitor()
        assert (
            sign_in(client, "sales", password, "/login/?next=/users/userinfo/").status_code == 302
        )
        assert "sales@example.org" in client.get("/users/userinfo/").text
    client = visitor()
    assert sign_in(client, "admin", PASSWORD).status_code == 302


def test_a_password_that_is_ours_is_not_shown_to_the_directory(directory, visitor):
    sign_in(visitor(), "sales", PASSWORD)
    assert directory.asked == []
    sign_in(visitor(), "sales", WORD)
    assert directory.asked == [f"bind {ASKER}", f"search {BASE}", f"bind uid=sales,{BASE}"]


@pytest.mark.parametrize(
    ("name", "password"),
    [
        ("sales", "wrong password"),
        ("sales", WORD + " "),
        ("nobody", WORD),
        ("*", WORD),
        ("sal*", WORD),
        ("sales)(uid=*", WORD),
        ("sales\\2a", WORD),
        ("pair", WORD),
    ],
)
def test_wrong_names_and_passwords_are_answered_alike(directory, visitor, name, password):
    client = visitor()
    answer = sign_in(client, name, password)
    assert answer.status_code == 422
    assert "User name or password is wrong" in answer.text
    assert not is_in(client)


def test_an_empty_password_is_nobodys(directory, visitor, app):
    from app.engine.adapters.appbuilder.directory import identity

    with app.app_context():
        assert identity(app.config["STEWARD"], "sales", "") is None
    assert sign_in(visitor(), "sales", "").status_code == 422
    assert directory.asked == []


def test_only_who_fits_the_filter(directory, visitor):
    directory.change(LDAP_SEARCH_FILTER="(objectClass=clerk)")
    assert sign_in(visitor(), "sales", WORD).status_code == 422


def test_nobody_is_made_without_the_setting(directory, visitor):
    client = visitor()
    answer = sign_in(client, "zhangwei", WORD)
    assert "you have no account here" in answer.text
    assert not is_in(client)


def test_made_with_the_default_role_and_the_roles_of_groups(directory, visitor):
    groups = '{"cn=crm,ou=groups,dc=example,dc=org": ["Sales"]}'
    directory.change(PROVIDER_DEFAULT_ROLE="Guest", PROVIDER_GROUP_ROLES=groups)
    client = visitor()
    assert sign_in(client, "zhangwei", WORD).status_code == 302
    assert is_in(client)
    person = factories.person("ldap.zhangwei")
    assert {role.name for role in person.roles} == {"Guest", "Sales"}
    assert person.email == "zhangwei@example.org"
    assert not person.password
    again = visitor()
    assert sign_in(again, "ZhangWei", WORD).status_code == 302
    assert "zhangwei@example.org" in again.get("/users/userinfo/").text


def test_matched_by_e_mail(directory, visitor):
    directory.change(PROVIDER_MATCH="email")
    client = visitor()
    assert sign_in(client, "sales", WORD).status_code == 302
    assert "sales@example.org" in client.get("/users/userinfo/").text


def test_whoever_was_switched_off_stays_out(directory, visitor):
    with policy.acting_as(policy.SYSTEM_VIEWER):
        accounts.save_user(factories.user_id("sales"), {"active": False})
    answer = sign_in(visitor(), "sales", WORD)
    assert "switched off" in answer.text


def test_the_second_factor_is_asked_all_the_same(directory, visitor):
    person = factories.person("sales")
    person.second_factor_since = now()
    db.session.commit()
    client = visitor()
    assert sign_in(client, "sales", WORD).location == "/login/code/"
    assert not is_in(client)


def test_guessing_is_counted_and_then_asks_the_directory_no_more(directory, visitor):
    client = visitor()
    for _turn in range(attempts.LIMITS["pair"].free):
        sign_in(client, "sales", "wrong password")
    directory.forget()
    assert sign_in(client, "sales", WORD).status_code == 429
    assert directory.asked == []


def test_sign_ins_and_failures_are_in_the_audit_log(directory, visitor):
    def count(kind):
        statement = select(func.count()).where(AuditEntry.kind == kind)
        return db.session.scalar(statement)

    before = count("sign_in"), count("sign_in.failed")
    sign_in(visitor(), "sales", WORD)
    sign_in(visitor(), "sales", "wrong password")
    assert (count("sign_in"), count("sign_in.failed")) == (before[0] + 1, before[1] + 1)


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ({"LDAP_URL": "ldap://127.0.0.1:9"}, "be reached at the moment"),
        ({"LDAP_BIND_PASSWORD": "another"}, "not set up rightly"),
        ({"LDAP_SEARCH_BASE": "ou=nowhere,dc=example,dc=org"}, "not set up rightly"),
        ({"LDAP_STARTTLS": "1"}, "be reached at the moment"),
    ],
)
def test_a_directory_that_does_not_answer_is_told_plainly(
    directory, visitor, caplog, setting, words
):
    directory.change(**setting)
    answer = sign_in(visitor(), "sales", WORD)
    assert words in answer.text
    assert sign_in(visitor(), "admin", PASSWORD).status_code == 302
    assert WORD not in caplog.text
    assert ASKERS_WORD not in caplog.text


def linked(visitor, name):
    client = visitor()
    sign_in(client, name, WORD)
    take_token(client)
    return client


def test_the_link_is_shown_and_can_be_undone(directory, visitor):
    client = linked(visitor, "sales")
    assert "Company directory" in client.get("/users/userinfo/").text
    page = client.get("/providers/").text
    assert "Company directory" in page
    assert "/providers/ldap/go" not in page
    client.post("/providers/ldap/unlink")
    assert "no longer linked" in client.get("/providers/").text
    assert "ldap" not in linked_accounts.links_of(factories.user_id("sales"))


def test_the_only_way_in_is_not_undone(directory, visitor):
    directory.change(PROVIDER_DEFAULT_ROLE="Guest")
    client = linked(visitor, "zhangwei")
    client.post("/providers/ldap/unlink")
    assert "could not sign in any more" in client.get("/providers/").text
    assert "ldap" in linked_accounts.links_of(factories.user_id("ldap.zhangwei"))


@pytest.mark.parametrize(
    ("match", "name", "username"),
    [("user_id", "sales", "sales"), ("email", "sales", "sales"), ("", "zhangwei", "ldap.zhangwei")],
)
def test_its_password_confirms_where_one_is_asked_for_again(
    directory, visitor, match, name, username
):
    directory.change(PROVIDER_MATCH=match, PROVIDER_DEFAULT_ROLE="Guest")
    client = linked(visitor, name)
    assert is_in(client)
    directory.forget()
    wrong = client.post("/secondfactor/begin", data={"password": "wrong password"})
    assert "This is not your password" in wrong.text
    answer = client.post("/secondfactor/begin", data={"password": WORD})
    assert answer.location == "/secondfactor/confirm"
    new = "a new word, and a long one"
    data = {"current": WORD, "password": new, "again": new}
    assert client.post("/resetmypassword/form", data=data).status_code == 302
    assert sign_in(visitor(), username, new).status_code == 302


def test_only_the_password_of_who_is_linked_confirms(directory, visitor, browser):
    """Neither without a link, nor as another entry of that name, which is not even tried."""
    client = browser("sales")
    data = {"password": WORD}
    assert "not your password" in client.post("/secondfactor/begin", data=data).text
    assert directory.asked == []
    client = linked(visitor, "sales")
    link = linked_accounts.links_of(factories.user_id("sales"))["ldap"]
    link.subject = "of somebody else"
    db.session.commit()
    directory.forget()
    assert "not your password" in client.post("/secondfactor/begin", data=data).text
    assert not [line for line in directory.asked if line.startswith("bind uid=")]


def test_a_directory_that_is_down_is_told_of_where_the_password_is_asked_for_again(
    directory, visitor
):
    client = linked(visitor, "sales")
    directory.change(LDAP_URL="ldap://127.0.0.1:9")
    answer = client.post("/secondfactor/begin", data={"password": WORD})
    assert answer.status_code == 422
    assert "be reached at the moment" in answer.text
    answer = client.post("/secondfactor/begin", data={"password": PASSWORD})
    assert answer.location == "/secondfactor/confirm"


@pytest.mark.parametrize("provider", ["db", "ldap"])
def test_programs_get_a_token_by_it(directory, visitor, provider):
    body = {"username": "sales", "password": WORD, "provider": provider}
    answer = visitor().post("/api/v1/security/login", json=body)
    assert answer.status_code == 200
    assert answer.json["access_token"]


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"LDAP_URL": "http://x"}, "LDAP_URL must look like"),
        ({"LDAP_URL": "ldaps://x"}, "LDAP_SEARCH_BASE must be set"),
        ({"LDAP_URL": "ldaps://x", "LDAP_SEARCH_BASE": "dc=x"}, "PROVIDER_MATCH or"),
        ({"LDAP_BIND_USER": "cn=x"}, "LDAP_BIND_PASSWORD must be set"),
        ({"LDAP_USER_FIELD": "uid)(x"}, "LDAP_USER_FIELD must be the name"),
        ({"LDAP_CA_FILE": "/nowhere/ca.pem"}, "LDAP_CA_FILE must name a file"),
    ],
)
def test_settings_that_do_not_suffice_are_named(given, named):
    with pytest.raises(SettingsError, match=named):
        Settings.from_environment(given)


def test_the_missing_package_is_named_with_what_installs_it(monkeypatch):
    monkeypatch.setattr("config.find_spec", lambda _name: None)
    given = {"LDAP_URL": "ldaps://x", "LDAP_SEARCH_BASE": "dc=x", "PROVIDER_MATCH": "email"}
    with pytest.raises(SettingsError, match=r"LDAP_URL needs .* requirements-sign-in\.txt"):
        Settings.from_environment(given)


def test_passwords_in_the_clear_are_warned_of():
    given = {"LDAP_URL": "ldap://x", "LDAP_SEARCH_BASE": "dc=x", "PROVIDER_MATCH": "email"}
    assert any("LDAP_URL" in line for line in checks.unsafe(Settings.from_environment(given)))
    given["LDAP_STARTTLS"] = "1"
    assert not any("LDAP_URL" in line for line in checks.unsafe(Settings.from_environment(given)))
