"""Counting the statements that a page of Steward's sends to the database."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask import Flask
from sqlalchemy import event, select

from tests.bench.client import Failed


def statements(app: Flask, username: str, paths: Sequence[str]) -> dict[str, int]:
    """For each page the number of statements, once the process is warm."""
    from app.engine.adapters.appbuilder import sessions
    from app.engine.adapters.appbuilder.user import StewardUser
    from app.engine.adapters.database import db

    with app.app_context():
        person = db.session.scalar(select(StewardUser).where(StewardUser.username == username))
        if person is None:
            raise Failed(f"no such person: {username}")
        session_id, key = person.get_id(), sessions.begin(person.id)
        engine = db.engine
        db.session.remove()
    client = app.test_client()
    with client.session_transaction() as session:
        session["_user_id"], session["_fresh"] = session_id, True
        session[sessions.COOKIE_KEY] = key
    seen: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        if statement not in ("BEGIN", "BEGIN IMMEDIATE"):
            seen.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    found = {}
    try:
        for path in paths:
            for _turn in range(2):
                seen.clear()
                answer = client.get(path)
                if answer.status_code != 200:
                    raise Failed(f"{path}: {answer.status_code}")
            found[path] = len(seen)
    finally:
        event.remove(engine, "before_cursor_execute", note)
    return found
