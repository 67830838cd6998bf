"""Who is signed in where: a row for each sign-in, whose key is in the signed cookie or in the token.

Ending a row signs that browser or program out at its next request. A person is loaded together with
their row, so that looking at it costs no statement; that it was used is written at most once a minute.
"""

from __future__ import annotations

import datetime
import secrets
from typing import Any

from flask import Flask, current_app, g, request, session
from flask_login import user_logged_in, user_logged_out
from sqlalchemy import ForeignKey, Integer, String, delete, select, update
from sqlalchemy.orm import Mapped, Session, joinedload, mapped_column
from werkzeug.wrappers import Response

from app.engine.adapters.appbuilder.user import StewardUser
from app.engine.adapters.database import (
    Identifier,
    Model,
    UtcDateTime,
    db,
    now,
    write_if_free,
    write_transaction,
)

PAGES, PROGRAM = "pages", "program"
"""What a sign-in is for: a browser with its cookie, or a program with its tokens."""

COOKIE_KEY = "signed_in"
"""The name in the session cookie, and in tokens, of the row's key."""

TOUCHED_EVERY = datetime.timedelta(minutes=1)
KEPT = datetime.timedelta(days=30)
"""How long the row of a sign-in that is over stays."""


class SignedIn(Model):
    """One sign-in of a person, until it ends or is ended."""

    __tablename__ = "signed_in"

    id: Mapped[int] = mapped_column(Identifier, primary_key=True, autoincrement=True)
    key: Mapped[str] = mapped_column(String(43), unique=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("ab_user.id", ondelete="CASCADE"), index=True)
    kind: Mapped[str] = mapped_column(String(10))
    address: Mapped[str] = mapped_column(String(45))
    agent: Mapped[str] = mapped_column(String(200))
    begun_at: Mapped[datetime.datetime] = mapped_column(UtcDateTime)
    seen_at: Mapped[datetime.datetime] = mapped_column(UtcDateTime)
    ends_at: Mapped[datetime.datetime] = mapped_column(UtcDateTime, index=True)
    """At the latest, however much it is used."""
    ended_at: Mapped[datetime.datetime | None] = mapped_column(UtcDateTime)
    ended_by: Mapped[int | None] = mapped_column(Integer)

    def lasts(self, at: datetime.datetime) -> bool:
        """Whether it counts at that moment."""
        if self.ended_at is not None or at >= self.ends_at:
            return False
        return self.kind == PROGRAM or at < self.seen_at + idle_limit()


def init(app: Flask) -> None:
    """Have every way of signing in make a row, and every answer note that it was used."""
    user_logged_in.connect(_begun, app)
    user_logged_out.connect(_ended, app)
    app.after_request(_touch)


def idle_limit() -> datetime.timedelta:
    """So long a browser stays signed in without being used."""
    return datetime.timedelta(minutes=current_app.config["STEWARD"].session_idle_minutes)


def whole_limit() -> datetime.timedelta:
    """So long a browser stays signed in at most."""
    return datetime.timedelta(hours=current_app.config["STEWARD"].session_hours)


def begin(user_id: int, kind: str = PAGES, lasts: datetime.timedelta | None = None) -> str:
    """A new row for a sign-in; returns its key."""
    moment = now()
    row = SignedIn(
        key=secrets.token_urlsafe(32),
        user_id=user_id,
        kind=kind,
        address=(request.remote_addr or "")[:45] if request else "",
        agent=(request.user_agent.string or "")[:200] if request else "",
        begun_at=moment,
        seen_at=moment,
        ends_at=moment + (lasts or whole_limit()),
    )
    with write_transaction() as writing:
        writing.add(row)
    return row.key


def person_of(key: Any, kind: str, user_id: int | None = None) -> StewardUser | None:
    """Whoever signed in with this key, with their roles, one query; None when that is over."""
    if not isinstance(key, str) or not key:
        return None
    statement = (
        select(StewardUser, SignedIn)
        .join(SignedIn, SignedIn.user_id == StewardUser.id)
        .where(SignedIn.key == key, SignedIn.kind == kind)
        .options(joinedload(StewardUser.roles))
    )
    found = db.session.execute(statement).unique().one_or_none()
    if found is None:
        return None
    user, row = found
    if not user.active or not row.lasts(now()) or user_id not in (None, user.id):
        return None
    g.signed_in = row
    return user  # type: ignore[no-any-return]


def of(user_id: int) -> list[SignedIn]:
    """What a person is signed in with now, the last used first."""
    statement = (
        select(SignedIn)
        .where(SignedIn.user_id == user_id, SignedIn.ended_at.is_(None))
        .where(SignedIn.ends_at > now())
        .order_by(SignedIn.seen_at.desc(), SignedIn.id.desc())
    )
    moment = now()
    return [row for row in db.session.scalars(statement) if row.lasts(moment)]


def current_id() -> int | None:
    """The row of this request."""
    row = g.get("signed_in")
    return row.id if row is not None else None


def end(writing: Session, by: int | None, **which: Any) -> int:
    """End sign-ins, in the transaction that is under way: by `id`, `key` or `user_id`; how many.

    `but`: the id of one that stays.
    """
    statement = update(SignedIn).where(SignedIn.ended_at.is_(None))
    but = which.pop("but", None)
    if but is not None:
        statement = statement.where(SignedIn.id != but)
    statement = statement.filter_by(**which).values(ended_at=now(), ended_by=by)
    return int(writing.execute(statement).rowcount)  # type: ignore[attr-defined]


def remove_old(limit: int = 500) -> int:
    """Take rows away that have been over for long; how many."""
    past = select(SignedIn.id).where(SignedIn.ends_at < now() - KEPT).limit(limit)
    ids = list(db.session.scalars(past))
    if ids:
        with write_transaction() as writing:
            writing.execute(delete(SignedIn).where(SignedIn.id.in_(ids)))
    return len(ids)


def _begun(_app: Flask, user: StewardUser, **_more: Any) -> None:
    session[COOKIE_KEY] = begin(user.id)


def _ended(_app: Flask, user: Any, **_more: Any) -> None:
    key = session.pop(COOKIE_KEY, None)
    if isinstance(key, str):
        with write_transaction() as writing:
            end(writing, getattr(user, "id", None), key=key)


def _touch(response: Response) -> Response:
    """Not while somebody else writes: the next request will do."""
    row = g.get("signed_in")
    if row is None or now() - row.seen_at < TOUCHED_EVERY:
        return response
    with write_if_free() as writing:
        if writing is not None:
            writing.execute(update(SignedIn).where(SignedIn.id == row.id).values(seen_at=now()))
    return response
