"""What the tests of pages share."""

from __future__ import annotations

import contextlib

import pytest
from sqlalchemy import event

from app.engine.adapters.database import db
from tests.conftest import _CSRF_SECRET as CSRF_SECRET


@pytest.fixture
def visitor(browser):
    """`visitor()`: somebody who has opened a page and is not signed in."""

    def make():
        client = browser(None)
        take_token(client)
        return client

    return make


def take_token(client):
    """As by loading a page: signing in began a new session, with a new token."""
    with client.session_transaction() as session:
        session["csrf_token"] = CSRF_SECRET


@pytest.fixture
def statements(app):
    """A context manager whose value lists the SQL sent inside."""

    @contextlib.contextmanager
    def collect():
        made = []

        def note(_connection, _cursor, statement, *_rest):
            made.append(" ".join(statement.split()))

        event.listen(db.engine, "before_cursor_execute", note)
        try:
            yield made
        finally:
            event.remove(db.engine, "before_cursor_execute", note)

    return collect
