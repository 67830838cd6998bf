"""API keys: a program acts on a person's behalf, with their rights narrowed by what the key is for.

A key is shown once, when it is made, and kept as its SHA-256 digest: it is drawn from 256 random
bits, so there is nothing to guess that a slow hash would have to hide.
"""

from __future__ import annotations

import datetime
import hashlib
import secrets
from collections.abc import Collection
from typing import Any

from flask import g, request
from flask_babel import lazy_gettext as _
from sqlalchemy import Boolean, ForeignKey, Integer, String, func, or_, select, update
from sqlalchemy.orm import Mapped, Session, joinedload, mapped_column, relationship

from app.engine import audit
from app.engine.adapters.appbuilder.second_factor_roles import SET_UP_FIRST, is_missing
from app.engine.adapters.appbuilder.user import StewardUser
from app.engine.adapters.database import Json, Model, UtcDateTime, db, now, write_transaction
from app.engine.errors import InvalidInput, NotFound
from app.engine.policy import USERS, Narrowing, current_viewer

PREFIX = "stw_"
"""What every key begins with, so that a key left lying about is known for one."""

SHOWN = 8
"""How much of a key stays readable, to tell it from others."""

PLACES = "/api/v1/"
"""Where keys count; nowhere else, so that none makes another key or changes a password."""

MOST_KEYS = 20
"""Live keys of one person."""

LIVES = (30, 90, 180, 365)
"""For how many days a key can be made."""

NOTED_EVERY = datetime.timedelta(minutes=1)
"""How exact the time of the last use is: reading by a key does not write each time."""

KEPT_LISTED = datetime.timedelta(days=90)
"""For how long a key that has ended is still listed."""


class ApiKey(Model):
    """A key of a person: what it is called, what it lets a program do, and until when."""

    __tablename__ = "api_key"

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("ab_user.id", ondelete="CASCADE"), index=True)
    name: Mapped[str] = mapped_column(String(100))
    digest: Mapped[str] = mapped_column(String(64), unique=True)
    begins: Mapped[str] = mapped_column(String(20))
    writes: Mapped[bool] = mapped_column(Boolean)
    entities: Mapped[list[str] | None] = mapped_column(Json)
    """Names of the only entities that it opens; None for all that its owner may see."""

    made_at: Mapped[datetime.datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime.datetime] = mapped_column(UtcDateTime)
    used_at: Mapped[datetime.datetime | None] = mapped_column(UtcDateTime)
    revoked_at: Mapped[datetime.datetime | None] = mapped_column(UtcDateTime)
    revoked_by: Mapped[str | None] = mapped_column(String(130))
    owner: Mapped[StewardUser] = relationship(StewardUser, lazy="raise")

    @property
    def state(self) -> str:
        """`live`, `revoked` or `expired`."""
        if self.revoked_at is not None:
            return "revoked"
        return "live" if self.expires_at > now() else "expired"


def make(
    user_id: int, name: str, writes: bool, entities: Collection[str] | None, days: int
) -> tuple[ApiKey, str]:
    """A new key; the second value is the key itself, known from here on only to its owner."""
    token = PREFIX + secrets.token_urlsafe(32)
    key = ApiKey(
        user_id=user_id,
        name=name,
        digest=_digest(token),
        begins=token[: len(PREFIX) + SHOWN],
        writes=writes,
        entities=None if entities is None else sorted(entities),
        made_at=now(),
        expires_at=now() + datetime.timedelta(days=days),
    )
    with write_transaction() as session:
        session.execute(select(StewardUser.id).where(StewardUser.id == user_id).with_for_update())
        live = select(func.count()).where(*_live(), ApiKey.user_id == user_id)
        if (session.scalar(live) or 0) >= MOST_KEYS:
            raise InvalidInput.of(
                None,
                _("You have %(number)s keys. Revoke one that is not used.", number=MOST_KEYS),
            )
        session.add(key)
        session.flush()
        about = {"key": key.id, "name": name, "writes": writes, "entities": key.entities}
        audit.record("key.created", person_id=user_id, details=about)
    return key, token


def revoke(key_id: int, user_id: int | None) -> ApiKey:
    """End a key: one of this person's; anybody's for None. Raises NotFound."""
    with write_transaction() as session:
        key = session.get(ApiKey, key_id, populate_existing=True)
        if key is None or user_id not in (None, key.user_id):
            raise NotFound(_("There is no such key."))
        _end(key)
    return key


def revoke_all(session: Session, user_id: int) -> None:
    """End all keys of a person in the transaction that is under way: they are not to come back."""
    wanted = select(ApiKey).where(ApiKey.user_id == user_id, ApiKey.revoked_at.is_(None))
    for key in session.scalars(wanted):
        _end(key)


def _end(key: ApiKey) -> None:
    if key.revoked_at is None:
        key.revoked_at = now()
        key.revoked_by = current_viewer().name
        audit.record(
            "key.revoked", person_id=key.user_id, details={"key": key.id, "name": key.name}
        )


def keys_of(user_id: int) -> list[ApiKey]:
    """A person's keys, the newest first; those that ended long ago are left out."""
    statement = select(ApiKey).where(ApiKey.user_id == user_id, *_listed())
    return list(db.session.scalars(statement.order_by(ApiKey.id.desc()).limit(200)))


def live_keys_of(user_id: int) -> int:
    """How many keys of theirs work today."""
    return db.session.scalar(select(func.count()).where(*_live(), ApiKey.user_id == user_id)) or 0


def all_keys(limit: int, before: int | None = None) -> list[ApiKey]:
    """Everybody's keys with their owners, the newest first; for who manages users."""
    current_viewer().require(USERS, "update")
    statement = select(ApiKey).where(*_listed()).options(joinedload(ApiKey.owner))
    if before is not None:
        statement = statement.where(ApiKey.id < before)
    return list(db.session.scalars(statement.order_by(ApiKey.id.desc()).limit(limit)))


def is_key(token: str) -> bool:
    """Whether it looks like a key."""
    return token.startswith(PREFIX)


def person_of(token: str) -> StewardUser | None:
    """Whose key the request carries; what they may do is narrowed for the rest of the request.

    None when it opens nothing; `g.token_refused` then says why to who holds a real key.
    """
    if not request.path.startswith(PLACES):
        return None
    key = _found(token)
    if key is None or not key.owner.active:
        return None
    g.token_refused = _why_refused(key)
    if g.token_refused is not None:
        return None
    _note_use(key)
    g.narrowing = Narrowing.of(key.writes, key.entities)
    g.pop("viewer", None)
    return key.owner


def _found(token: str) -> ApiKey | None:
    statement = (
        select(ApiKey)
        .where(ApiKey.digest == _digest(token))
        .options(joinedload(ApiKey.owner).joinedload(StewardUser.roles))
    )
    key: ApiKey | None = db.session.scalars(statement).unique().one_or_none()
    return key


def _why_refused(key: ApiKey) -> Any | None:
    if key.state == "expired":
        return _("This API key has expired.")
    if key.state == "revoked":
        return _("This API key was revoked.")
    if key.owner.must_change_password:
        return _("Sign in to the pages and change your password first.")
    if is_missing(key.owner):
        return SET_UP_FIRST
    return None


def _note_use(key: ApiKey) -> None:
    """By a session of its own: the request may be reading, or may fail."""
    past = now() - NOTED_EVERY
    if key.used_at is not None and key.used_at > past:
        return
    older = or_(ApiKey.used_at.is_(None), ApiKey.used_at <= past)
    with Session(db.engine) as own, write_transaction(own) as session:
        session.execute(
            update(ApiKey)
            .where(ApiKey.id == key.id, older)
            .values(used_at=now())
            .execution_options(synchronize_session=False)
        )


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def _live() -> tuple[Any, ...]:
    return (ApiKey.revoked_at.is_(None), ApiKey.expires_at > now())


def _listed() -> tuple[Any, ...]:
    past = now() - KEPT_LISTED
    still = or_(ApiKey.revoked_at.is_(None), ApiKey.revoked_at > past)
    return (still, ApiKey.expires_at > past)
