"""Between the provider's post, which brings no cookie of ours, and the browser that comes with one.

Whom the provider vouched for waits here, sealed, for a code that counts once and for a short time. The
row stays as long as the assertion could be played again.
"""

from __future__ import annotations

import datetime
import hashlib
import hmac
import json
import secrets
from dataclasses import asdict
from typing import Any

from sqlalchemy import String, Text, delete, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, mapped_column

from app.engine.adapters import sealing
from app.engine.adapters.appbuilder.providers import Identity
from app.engine.adapters.database import Model, UtcDateTime, db, now, write_transaction

CODE_LASTS = datetime.timedelta(minutes=2)
"""From the provider's post to the browser that follows it at once."""

MARGIN = datetime.timedelta(minutes=10)
"""How far clocks may differ, and more."""

PURPOSE = "saml answer"


class SamlAnswer(Model):
    """An assertion that was taken: it counts no second time."""

    __tablename__ = "saml_answer"

    assertion: Mapped[str] = mapped_column(String(64), primary_key=True)
    code: Mapped[str] = mapped_column(String(64), unique=True)
    sealed: Mapped[str | None] = mapped_column(Text)
    """Whom it is about; nothing once that was fetched."""
    code_until: Mapped[datetime.datetime] = mapped_column(UtcDateTime, index=True)
    kept_until: Mapped[datetime.datetime] = mapped_column(UtcDateTime, index=True)


def keep(
    assertion: str, counts_until: datetime.datetime, identity: Identity, state: str
) -> str | None:
    """The code for which this identity is told once, to the sign-in of that state; None: played again."""
    code = secrets.token_urlsafe(32)
    told = {"identity": asdict(identity), "state": _digest(state)}
    row = SamlAnswer(
        assertion=_digest(assertion),
        code=_digest(code),
        sealed=sealing.seal(PURPOSE, json.dumps(told)),
        code_until=now() + CODE_LASTS,
        kept_until=max(counts_until, now()) + MARGIN,
    )
    try:
        with write_transaction() as session:
            session.add(row)
    except IntegrityError:
        return None
    return code


def take(code: str, state: str) -> Identity | None:
    """Who waited for the code; None when that is over, was before, or for another sign-in."""
    with write_transaction() as session:
        statement = select(SamlAnswer).where(SamlAnswer.code == _digest(code))
        row = session.scalars(statement.with_for_update()).one_or_none()
        if row is None or row.sealed is None:
            return None
        sealed, row.sealed = row.sealed, None
        in_time = now() < row.code_until
    try:
        told: dict[str, Any] = json.loads(sealing.unseal(PURPOSE, sealed))
    except sealing.Unreadable:
        return None
    if not in_time or not hmac.compare_digest(told["state"], _digest(state)):
        return None
    groups = told["identity"].pop("groups")
    return Identity(**told["identity"], groups=None if groups is None else tuple(groups))


def remove_old(limit: int = 500) -> int:
    """Take away what can't be played again, and whom nobody came for; how many."""
    past = select(SamlAnswer.assertion).where(SamlAnswer.kept_until < now()).limit(limit)
    left = (
        select(SamlAnswer.assertion)
        .where(SamlAnswer.code_until < now(), SamlAnswer.sealed.is_not(None))
        .limit(limit)
    )
    gone, waiting = list(db.session.scalars(past)), list(db.session.scalars(left))
    if not gone and not waiting:
        return 0
    with write_transaction() as session:
        for row in session.scalars(select(SamlAnswer).where(SamlAnswer.assertion.in_(waiting))):
            row.sealed = None
        session.execute(delete(SamlAnswer).where(SamlAnswer.assertion.in_(gone)))
    return len({*gone, *waiting})


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
