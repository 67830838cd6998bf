"""One application on one prepared database; each test gets a fresh copy of it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from itsdangerous import URLSafeTimedSerializer

import tests.engine.toys  # noqa: F401  (declares the toy entities before any application is made)
from app import create_app
from app.engine import policy, registry
from app.engine.adapters import i18n
from app.engine.adapters.appbuilder import sessions
from app.engine.adapters.database import db
from config import Settings
from tests import factories
from tests.database import PostgresqlDatabase, SqliteDatabase, chosen_database

Database = SqliteDatabase | PostgresqlDatabase

pytest_plugins = ["tests.kinds"]


def pytest_report_header() -> str:
    return f"database: {os.environ.get('DATABASE_URL') or 'SQLite'}"


@pytest.fixture(scope="session")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    database = chosen_database(tmp_path_factory.mktemp("database"))
    database.create()
    yield database
    database.drop()


@pytest.fixture(scope="session")
def settings(database: Database, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return Settings(
        data_dir=tmp_path_factory.mktemp("data"),
        database_url=database.url,
        redis_url=os.environ.get("REDIS_URL") or None,
        secret_key="for tests only, and long enough for that",
        demo=False,
    )


@pytest.fixture(scope="session")
def prepared_app(settings: Settings, database: Database) -> Flask:
    """The application on a database with tables, reference data, roles and four people."""
    i18n.compile_catalogs()
    app = create_app(settings)
    app.config["TESTING"] = True
    with app.app_context():
        factories.prepare_database(app)
        database.keep()
    return app


KEPT_BY_THE_PROCESS = ("registry", "rights", "organisation", "refusals")
"""What the process remembers of the database, or of the last minute's askers: another test's, here."""


@pytest.fixture
def app(prepared_app: Flask, database: Database) -> Iterator[Flask]:
    """The application on a fresh copy of the prepared database."""
    with prepared_app.app_context():
        database.refresh()
        for kept in KEPT_BY_THE_PROCESS:
            prepared_app.extensions.pop(f"steward.{kept}", None)
        registry.refresh()
        yield prepared_app
        db.session.remove()


@pytest.fixture
def acting(app: Flask) -> Iterator[Callable[[str], policy.Viewer]]:
    """`acting("sales")`: from here on everything is read and written on this person's behalf."""
    import contextlib

    with contextlib.ExitStack() as stack:

        def become(name: str) -> policy.Viewer:
            return stack.enter_context(policy.acting_as(factories.viewer(name)))

        yield become


@pytest.fixture
def as_admin(acting: Callable[[str], policy.Viewer]) -> policy.Viewer:
    """Everything in the test is done by the administrator."""
    return acting("admin")


class Browser(FlaskClient):
    """A client that sends the token against forged requests, as pages do."""

    def sign_in(self, username: str) -> Browser:
        """Be signed in as this person, without the cost of checking the password."""
        person = factories.person(username)
        key = sessions.begin(person.id)
        with self.session_transaction() as session:
            session["_user_id"] = person.get_id()
            session[sessions.COOKIE_KEY] = key
            session["_fresh"] = True
            session["csrf_token"] = _CSRF_SECRET
        return self

    def open(self, *args: Any, **kwargs: Any) -> Any:
        token = URLSafeTimedSerializer(self.application.secret_key, salt="wtf-csrf-token").dumps(
            _CSRF_SECRET
        )
        headers = dict(kwargs.pop("headers", None) or {})
        headers.setdefault("X-CSRFToken", token)
        headers.setdefault("Accept-Language", "en")
        # A context of its own, as in life: else the test's `g`, and with it whoever asked last, stays.
        with self.application.app_context():
            answer = super().open(*args, headers=headers, **kwargs)
        db.session.commit()  # ends the test's own reading transaction: it sees what was written
        return answer


_CSRF_SECRET = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture
def browser(app: Flask) -> Callable[[str | None], Browser]:
    """`browser("sales")`: a client signed in as this person; `browser(None)`: nobody."""
    app.test_client_class = Browser

    def make(username: str | None) -> Browser:
        client: Any = app.test_client()
        return client.sign_in(username) if username else client

    return make


@pytest.fixture
def client(browser: Callable[[str | None], Browser]) -> Browser:
    """Signed in as the administrator."""
    return browser("admin")
