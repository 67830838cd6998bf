"""What can be a password, and how passwords are kept."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from flask import Flask
from flask_babel import force_locale
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.security import generate_password_hash

from app.commands import users
from app.engine import policy
from app.engine.adapters.appbuilder import accounts, hashing, passwords
from app.engine.adapters.appbuilder.user import StewardUser
from app.engine.adapters.database import db, write_transaction
from app.engine.errors import InvalidInput
from tests import factories

pytestmark = pytest.mark.once  # how passwords are judged

OWNER = SimpleNamespace(
    username="zhangwei", first_name="伟", last_name="张", email="zhang.wei@runke-tech.example"
)


@pytest.mark.parametrize(
    ("password", "reason"),
    [
        ("short", "at least 10 characters"),
        ("x" * 201, "at most 200 characters"),
        (" " * 12, "blanks"),
        ("a\0b" * 5, "blanks"),
        ("qq123456789", "lists of known passwords"),
        ("P@ssw0rd123", "lists of known passwords"),
        ("1qaz2wsx3edc", "lists of known passwords"),
        ("zhangwei1988", "the name, user name"),
        ("Zhangwei@2026", "the name, user name"),
        ("张伟张伟张伟张伟", "at least 10 characters"),
        ("weizhang2025", "the name, user name"),
        ("runke-tech2026", "the name, user name"),
        ("Steward@2026", "the name, user name"),
        ("aaaaaaaaaaaaaaaa", "Repetitions"),
        ("abcdefghijklm", "Sequences"),
        ("2026-11-251988", "Dates"),
    ],
)
def test_what_is_easy_to_guess_is_refused_with_the_reason(
    app: Flask, password: str, reason: str
) -> None:
    with force_locale("en"):
        assert reason in str(passwords.problem(password, OWNER))
    with force_locale("zh"):
        said = str(passwords.problem(password, OWNER))
        assert not any(word in said for word in ("password", "guess", "tried"))


@pytest.mark.parametrize(
    "password",
    [
        "correct horse 7",
        "四个互不相干的词语放一起",
        "Quiet-Harbour-27",
        "zhangwei likes purple rain",
    ],
)
def test_long_ones_need_no_digits_and_no_signs(app: Flask, password: str) -> None:
    assert passwords.problem(password, OWNER) is None


def test_generated_ones_are_always_good(app: Flask) -> None:
    made = {passwords.generate() for _number in range(50)}
    assert len(made) == 50
    assert all(passwords.problem(password, OWNER) is None for password in made)


def test_kept_with_argon2id_at_the_recommended_cost(app: Flask) -> None:
    with policy.acting_as(policy.SYSTEM_VIEWER):
        accounts.set_password(factories.user_id("sales"), "one that nobody had")
    kept = factories.person("sales").password
    assert kept.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert hashing.matches(kept, "one that nobody had")
    assert not hashing.outdated(kept)


@given(st.text(max_size=80), st.text(max_size=80))
def test_only_the_same_password_fits(one: str, other: str) -> None:
    old = generate_password_hash(one, "pbkdf2:sha256:1")
    assert hashing.matches(old, one)
    assert hashing.outdated(old)
    assert hashing.matches(old, other) == (one == other)


@pytest.mark.parametrize("kept", [None, "", "!", "$argon2id$nonsense", "plain"])
def test_what_is_no_hash_fits_nothing(kept: str | None) -> None:
    assert not any(hashing.matches(kept, guess) for guess in ("", "!", "the password of nobody"))


def test_the_terminal_keeps_the_rules_too(app: Flask, as_admin: policy.Viewer) -> None:
    with pytest.raises(InvalidInput):
        users.add("newcomer", ["Sales"], password="newcomer2026")
    db.session.rollback()
    with pytest.raises(InvalidInput):
        users.reset("sales", "password1234")
    users.add("newcomer", ["Sales"], password="four words of mine")
    assert factories.person("newcomer").must_change_password


@pytest.mark.parametrize(
    ("password", "must_change"), [("given by the operator", False), ("admin12345", True)]
)
def test_an_operators_weak_password_is_for_the_first_sign_in_only(
    app: Flask, capsys: pytest.CaptureFixture[str], password: str, must_change: bool
) -> None:
    with policy.acting_as(policy.SYSTEM_VIEWER):
        with write_transaction() as session:
            session.delete(session.get(StewardUser, factories.user_id("admin")))
        assert users.first_administrator("admin", password) is None
    person = factories.person("admin")
    assert hashing.matches(person.password, password)
    assert person.must_change_password is must_change
    assert ("ADMIN_PASSWORD" in capsys.readouterr().err) is must_change
