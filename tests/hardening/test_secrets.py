"""No secret in what the processes write down: logs, tracebacks, jobs, the representation of the settings."""

from __future__ import annotations

import dataclasses
import io
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import MetaData, create_engine, select, text
from sqlalchemy.exc import DBAPIError

from app.engine.adapters import logs, mail
from app.engine.adapters.database import db, engine_options
from app.engine.job import faults
from config import Settings, without_password
from tests import factories
from tests.pages.support import given

pytestmark = pytest.mark.once

CANARIES = {
    "SECRET_KEY": "canary-of-the-key-0123456789-abcdefg",
    "ADMIN_PASSWORD": "canary-of-admin",
    "DATABASE_URL": "postgresql://u:canary-of-db@127.0.0.1:1/d",
    "REDIS_URL": "redis://:canary-of-queue@127.0.0.1:1/0",
    "FILES_URL": "s3://key:canary-of-files@bucket/x",
    "MAIL_URL": "smtps://u:canary-of-mail@mail.example",
    "MAIL_FROM": "a@example.com",
    "PUBLIC_URL": "https://crm.example.com",
}


@pytest.fixture
def written() -> Iterator[io.StringIO]:
    """Everything that is logged meanwhile, down to the smallest, as our handlers write it."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.addFilter(logs.Redacting())
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield stream
    root.removeHandler(handler)
    root.setLevel(level)


def test_settings_show_no_secret() -> None:
    settings = Settings.from_environment(CANARIES)
    for shown in (repr(settings), str(settings), f"{settings}"):
        assert "canary" not in shown


@pytest.mark.parametrize(
    "line",
    [
        "Authorization: Bearer canary-abcdefghijk",
        "headers {'Authorization': 'Basic canaryabc=='}",
        "Cookie: session=canary; other=canary",
        "{'Set-Cookie': 'session=canary.abc.def; HttpOnly'}",
        'body {"password": "canary, and more", "username": "x"}',
        "form password=canary&username=x",
        "ImmutableMultiDict([('password', 'canary')])",
        "password: 'canary'",
        "new_password=canary",
        "api_key=canary",
        "SECRET_KEY=canary",
        "https://user:canary@host/x",
        "could not reach redis://:canary@host:6379/0",
        "token eyJhbGciOiJIUzI1NiJ9.eyJjYW5hcnkiOiJ4In0.canarycanary",
        "csrf_token='canary'",
        'access_token: "canary"',
    ],
)
def test_what_looks_like_a_secret_is_hidden(line: str) -> None:
    assert "canary" not in logs.redacted(line)
    assert logs.HIDDEN in logs.redacted(line)


@pytest.mark.parametrize(
    "line",
    [
        "job 0b9f86f0-1f2b-4c5e-9d3c-b6b8a0a6c111 failed",
        "the password was changed",
        "http://127.0.0.1:8000/customer/?q=润科",
        "GET /customer/1/edit 200",
        "ValueError: no such token in the index",
        "app.engine.surfaces.custom_fields.something_quite_long_here",
        "2026-03-05T06:30:00.000000+00:00",
    ],
)
def test_ordinary_words_stay(line: str) -> None:
    assert logs.redacted(line) == line


def test_known_secrets_are_hidden_wherever_they_stand() -> None:
    logs.know(Settings.from_environment(CANARIES))
    for canary in ("canary-of-the-key-0123456789-abcdefg", "canary-of-admin", "canary-of-db", "canary-of-queue", "canary-of-files", "canary-of-mail"):  # fmt: skip
        assert "canary" not in logs.redacted(f"odd place {canary}!")


@pytest.mark.parametrize(
    "url", [CANARIES["DATABASE_URL"], "postgresql://h/d?password=canary-x&sslmode=require"]
)
def test_addresses_are_shown_without_password(url: str) -> None:
    assert "canary" not in without_password(url)


def test_signing_in_writes_no_secret(app: Any, browser: Any, written: io.StringIO) -> None:
    client = browser(None)
    wrong = "canary wrong password"
    client.post("/login/", data={"username": "sales", "password": wrong})
    client.post("/api/v1/security/login", json={"username": "sales", "password": wrong})
    good = client.post(
        "/api/v1/security/login", json={"username": "sales", "password": factories.PASSWORD}
    )
    token = good.get_json()["access_token"]
    client.get("/api/v1/customer/", headers={"Authorization": f"Bearer {token}"})
    client.get("/api/v1/customer/", headers={"Authorization": f"Bearer {token}canary"})
    signed_in = browser("admin")
    cookie = signed_in.get_cookie("session").value
    signed_in.get("/customer/")
    app.test_client().post("/customer/add", headers={"X-CSRFToken": "canary-token"})
    for secret in (wrong, factories.PASSWORD, token, cookie, "canary"):
        assert secret not in written.getvalue()


def test_a_crash_writes_no_secret(
    app: Any, browser: Any, written: io.StringIO, monkeypatch: Any
) -> None:
    from flask import request

    from app.engine.query import Records

    def crash(*_arguments: Any, **_named: Any) -> None:
        raise ValueError(f"{dict(request.headers)} {request.cookies} password=canary-in-error")

    monkeypatch.setattr(Records, "page", crash)
    monkeypatch.setitem(app.config, "PROPAGATE_EXCEPTIONS", False)
    client = browser("admin")
    cookie = client.get_cookie("session").value
    answer = client.get(
        "/customer/?q=x", headers={"X-Api-Key": "canary", "Proxy-Authorization": "Basic canary12"}
    )
    assert answer.status_code == 500
    said = written.getvalue()
    assert "ValueError" in said  # the traceback itself is there
    assert "crash" in said
    for secret in (cookie, "canary-in-error", "canary12"):
        assert secret not in said
        assert secret not in answer.text


def test_a_statement_that_fails_shows_no_values(app: Any, written: io.StringIO) -> None:
    engine = create_engine(
        app.config["SQLALCHEMY_DATABASE_URI"],
        **engine_options(app.config["SQLALCHEMY_DATABASE_URI"]),
    )
    with pytest.raises(DBAPIError) as caught, engine.connect() as connection:
        connection.execute(text("SELECT * FROM nowhere WHERE x = :x"), {"x": "canary-value"})
    assert "canary" not in str(caught.value)
    engine.dispose()


def test_a_mail_server_that_repeats_the_password(app: Any, monkeypatch: Any) -> None:
    logs.know(dataclasses.replace(app.config["STEWARD"], mail_url="smtp://u:canary-mail-pw@h"))
    with pytest.raises(mail.MailRefused) as refused:
        mail._expect(535, b"5.7.8 bad credentials u canary-mail-pw")
    assert "canary" not in str(refused.value)
    assert "535" in str(refused.value)
    assert "canary" not in faults.said(OSError("redis://:canary-mail-pw@h refused"))


def test_no_table_holds_a_password_or_a_token(app: Any, browser: Any) -> None:
    """Jobs, history, notifications: what signing in and changing a password leave behind."""
    client = browser("sales")
    client.post(
        "/resetmypassword/form",
        data={"current": factories.PASSWORD, "password": "canary new password 1", "conf_password": "canary new password 1"},
    )  # fmt: skip
    browser("admin").post(
        "/users/add",
        data={"username": "canary1", "first_name": "a", "last_name": "b", "email": "c@example.org", "password": "canary given pw 2", "conf_password": "canary given pw 2"},
    )  # fmt: skip
    given("Customer")
    metadata = MetaData()
    metadata.reflect(db.engine)
    with db.engine.connect() as connection:
        for table in metadata.sorted_tables:
            if table.columns and not table.name.startswith("sqlite_"):
                rows = repr(connection.execute(select(table)).all())
                assert "canary new password" not in rows, table.name
                assert "canary given pw" not in rows, table.name


def test_no_command_line_carries_a_secret() -> None:
    """Every process sees every command line: settings come by the environment alone."""
    source = (Path(__file__).parents[2] / "run.py").read_text(encoding="utf-8")
    for option in ("password", "secret", "secret-key", "encryption-key", "token"):
        assert f'"--{option}"' not in source
