"""The moment at which somebody is signed in or out: what their session then holds."""

from __future__ import annotations

from typing import Any

from flask import session
from flask_login import login_user, logout_user

from app.engine.adapters.appbuilder import attempts

PASSED = "second_factor"
"""In the session of who gave a code: whose second factor it was of, and since when that is on."""

KEPT = ("locale", PASSED)
"""What outlives signing in and out in a session; everything else is begun anew."""


def begin_session(user: Any) -> None:
    """Sign a person in with a session that nobody can have prepared for them."""
    kept = {name: session[name] for name in KEPT if name in session}
    session.clear()
    session.update(kept)
    login_user(user, remember=False)
    attempts.know_device(user.id)


def end_session() -> None:
    """Sign out and forget what the session held."""
    kept = {name: session[name] for name in KEPT if name in session}
    logout_user()
    session.clear()
    session.update(kept)
    session.pop(PASSED, None)


def note_passed(user: Any) -> None:
    """A code of this person's second factor was given in this session."""
    session[PASSED] = _passed(user)


def has_passed(user: Any) -> bool:
    """Whether that is so; true where there is no second factor."""
    return user.second_factor_since is None or session.get(PASSED) == _passed(user)


def _passed(user: Any) -> str:
    return f"{user.id} {user.second_factor_since.isoformat()}"
