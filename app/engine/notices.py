"""Notifications: what a person is told when they are not looking, kept until they have read it."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from flask_login import current_user
from sqlalchemy import Index, Integer, ScalarSelect, String, Table, func, insert, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column
from sqlalchemy.orm.attributes import set_committed_value

from app.engine.adapters.database import (
    Identifier,
    Json,
    Model,
    UtcDateTime,
    db,
    now,
    write_transaction,
)
from app.engine.messages import freeze

GOOD, BAD, WARN, NEUTRAL = "good", "bad", "warn", "neutral"

MOST_COUNTED = 100
"""More unread ones than this are not counted."""

KEPT = datetime.timedelta(days=90)
_REMOVED_AT_ONCE = 500


class Notification(Model):
    """Something that a person should know, with the page that it is about."""

    __tablename__ = "notification"
    __table_args__ = (
        Index("ix_notification_unread", "user_id", "read_at"),
        Index("ix_notification_user", "user_id", "id"),
    )

    id: Mapped[int] = mapped_column(Identifier, primary_key=True, autoincrement=True)
    user_id: Mapped[int] = mapped_column(Integer)
    at: Mapped[datetime.datetime] = mapped_column(UtcDateTime, index=True)
    tone: Mapped[str] = mapped_column(String(10))
    message: Mapped[Any] = mapped_column(Json)
    detail: Mapped[Any] = mapped_column(Json, nullable=True)
    href: Mapped[str] = mapped_column(String(300))
    read_at: Mapped[datetime.datetime | None] = mapped_column(UtcDateTime)


_NOTIFICATIONS = Notification.metadata.tables[Notification.__tablename__]
assert isinstance(_NOTIFICATIONS, Table)


def notify(
    session: Session,
    user_id: int,
    message: Any,
    href: str,
    detail: Any = None,
    tone: str = NEUTRAL,
) -> Notification:
    """Tell a person something, in the session's transaction. `href` is a page of ours."""
    told = Notification(
        user_id=user_id,
        at=now(),
        tone=tone,
        message=freeze(message),
        detail=freeze(detail),
        href=href,
    )
    session.add(told)
    return told


@dataclass(frozen=True)
class Notice:
    """Something to tell a person; see `notify`."""

    user_id: int
    message: Any
    href: str
    detail: Any = None
    tone: str = NEUTRAL


def notify_all(session: Session, notices: Sequence[Notice]) -> None:
    """Tell people many things with one statement, in the session's transaction."""
    moment = now()
    rows = [
        {
            "user_id": notice.user_id,
            "at": moment,
            "tone": notice.tone,
            "message": freeze(notice.message),
            "detail": freeze(notice.detail),
            "href": notice.href,
        }
        for notice in notices
    ]
    if rows:
        session.connection().execute(insert(_NOTIFICATIONS), rows)


def unread_by(user_id: Any) -> ScalarSelect[int]:
    """How many a person has not read, as a part of the statement that loads them; on an index."""
    unread = (Notification.user_id == user_id) & Notification.read_at.is_(None)
    few = select(Notification.id).where(unread).correlate_except(Notification).limit(MOST_COUNTED)
    return select(func.count()).select_from(few.subquery()).scalar_subquery()


def mark_read(user_id: int, **only: Any) -> int:
    """Note that a person has read their notifications; `only`: those with these values, as `href`.

    How many were unread.
    """
    wanted = [getattr(Notification, name) == value for name, value in only.items()]
    with write_transaction() as session:
        marked = session.execute(
            update(Notification)
            .where(Notification.user_id == user_id, Notification.read_at.is_(None), *wanted)
            .values(read_at=now()),
            execution_options={"synchronize_session": False},
        )
    return int(getattr(marked, "rowcount", 0))


def seen(href: str) -> None:
    """Whoever is signed in is looking at this page: what was to be told about it is read."""
    unread = getattr(current_user, "unread", 0)
    if unread and (marked := mark_read(current_user.id, href=href)):
        set_committed_value(current_user._get_current_object(), "unread", max(unread - marked, 0))


def remove_old() -> int:
    """Take away what was told long ago, some hundred at a time; how many."""
    old = select(Notification.id).where(Notification.at < now() - KEPT).limit(_REMOVED_AT_ONCE)
    ids = list(db.session.scalars(old))
    if ids:
        with write_transaction() as session:
            for found in ids:
                session.delete(session.get_one(Notification, found))
    return len(ids)
