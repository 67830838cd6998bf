"""Guessing is slowed down: failed sign-ins are counted in the database, for all processes together.

Counted are the account from one address, the account from anywhere, and the address for any account.
Whoever has signed in from a browser before is known there by a cookie, and counted by that alone: so
nobody can keep a person out of their own account by guessing at it from elsewhere. Names are counted
as they were typed, whether there is such an account or not, and kept as a keyed hash only.
"""

from __future__ import annotations

import datetime
import hashlib
import hmac
import math
import secrets
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from flask import Flask, current_app, g, request
from flask_babel import lazy_gettext as _
from itsdangerous import BadSignature, URLSafeTimedSerializer
from sqlalchemy import Integer, String, delete, select
from sqlalchemy.orm import Mapped, Session, mapped_column
from werkzeug.wrappers import Response

from app.engine import audit
from app.engine.adapters.database import (
    Model,
    UtcDateTime,
    db,
    in_turn,
    now,
    write_transaction,
)
from app.engine.errors import StewardError
from app.engine.job_words import duration

DEVICE_COOKIE = "device"
DEVICE_KNOWN = datetime.timedelta(days=365)
PEOPLE_A_DEVICE = 20


@dataclass(frozen=True)
class Limit:
    """So many failures are free; each one after that doubles the wait, up to the longest."""

    free: int
    first: datetime.timedelta
    longest: datetime.timedelta
    forgotten: datetime.timedelta
    """After so long without another one."""

    def wait(self, failures: int) -> datetime.timedelta:
        """How long after that many failures."""
        if failures < self.free:
            return datetime.timedelta()
        times: int = 2 ** min(failures - self.free, 20)
        return min(self.longest, self.first * times)


_MINUTE, _HOUR = datetime.timedelta(minutes=1), datetime.timedelta(hours=1)

LIMITS = {
    "pair": Limit(5, _MINUTE / 2, _HOUR, 24 * _HOUR),
    "device": Limit(10, _MINUTE / 2, _HOUR, 24 * _HOUR),
    "account": Limit(20, _MINUTE, _HOUR / 4, 24 * _HOUR),
    "address": Limit(50, _MINUTE / 2, _HOUR, _HOUR),
    "link-account": Limit(3, 10 * _MINUTE, 6 * _HOUR, 24 * _HOUR),
    "link-address": Limit(10, 2 * _MINUTE, _HOUR, 24 * _HOUR),
    "guess-address": Limit(30, _MINUTE / 2, _HOUR, _HOUR),
    "answer-link": Limit(30, _MINUTE / 6, _HOUR / 4, _HOUR),
}
"""`link-…`: links for a new password that are asked for. `guess-address`: public links that there are
not; `answer-link`: answers sent by one link."""


class FailedAttempts(Model):
    """How often something failed in a row, and until when it is refused."""

    __tablename__ = "failed_attempts"

    key: Mapped[str] = mapped_column(String(80), primary_key=True)
    failures: Mapped[int] = mapped_column(Integer)
    last_at: Mapped[datetime.datetime] = mapped_column(UtcDateTime, index=True)
    held_until: Mapped[datetime.datetime | None] = mapped_column(UtcDateTime)


audit.declare("sign_in.unlocked", _("Unlocked after failed attempts"), audit.SIGN_IN)


class TooManyAttempts(StewardError):
    """It has to be waited; says how long."""

    status = 429

    def __init__(self, wait: datetime.timedelta) -> None:
        seconds = math.ceil(wait.total_seconds())
        whole = datetime.timedelta(minutes=math.ceil(seconds / 60))
        super().__init__(_("Too many attempts. Try again in %(time)s.", time=duration(whole)))
        g.retry_after = seconds


def init(app: Flask) -> None:
    """Let a browser keep what it is known by, and programs know how long to wait."""
    app.after_request(_give_cookie)


def begin_sign_in(name: str, person: Any | None) -> tuple[str, ...]:
    """Count an attempt as failed, before it is looked at; returns the keys it is counted by.

    Raises TooManyAttempts. So many at once can try no more passwords than one after the other.
    """
    address = request.remote_addr or ""
    user_id = person.id if person is not None else None
    device = _known_device(user_id)
    if device is not None:
        keys = {"device": f"{device}|{user_id}"}
    else:
        keys = {"pair": f"{_plain(name)}|{address}", "account": _plain(name), "address": address}
    return count({kind: key(kind, text) for kind, text in keys.items()}, name, user_id)


def count(
    keys: Mapping[str, str],
    who: str | None = None,
    user_id: int | None = None,
    closed_kind: str = "sign_in.locked",
) -> tuple[str, ...]:
    """Count one attempt by each key, in one transaction. Raises TooManyAttempts, counting nothing.

    `who`, `user_id`: the account that it is about; that it is closed for a while is put in the audit
    log, as an entry of `closed_kind`.
    """
    moment, closed = now(), []
    with write_transaction() as session:
        in_turn(session, keys.values())
        rows = _rows(session, keys.values())
        _refuse_held(rows.values(), moment)
        for kind, name in keys.items():
            limit, row = LIMITS[kind], rows.get(name)
            if row is None or moment - row.last_at > limit.forgotten:
                row = session.merge(FailedAttempts(key=name, failures=0, last_at=moment))
            row.failures += 1
            row.last_at = moment
            wait = limit.wait(row.failures)
            row.held_until = moment + wait if wait else None
            closed += [kind] if row.failures > limit.free else []
        if closed:
            audit.record(closed_kind, who=who, person_id=user_id, details={"by": closed})
    return tuple(keys.values())


def succeeded(keys: Iterable[str]) -> None:
    """It was the right password: forget what was counted here, and take the attempt off elsewhere."""
    with write_transaction() as session:
        for row in _rows(session, keys).values():
            kind = row.key.partition(":")[0]
            if kind in ("pair", "device") or row.failures <= 1:
                session.delete(row)
                continue
            row.failures -= 1
            wait = LIMITS[kind].wait(row.failures)
            row.held_until = row.last_at + wait if wait else None


def held_until(names: Iterable[str]) -> datetime.datetime | None:
    """Until when an account that is called so is closed to browsers that are not known; or None."""
    keys = [key("account", _plain(name)) for name in names]
    rows = db.session.scalars(select(FailedAttempts).where(FailedAttempts.key.in_(keys)))
    ends = [row.held_until for row in rows if row.held_until and row.held_until > now()]
    return max(ends, default=None)


def unlock(person: Any) -> None:
    """Forget the failures of a person's account, from anywhere and from each address."""
    with write_transaction() as session:
        audit.record("sign_in.unlocked", person_id=person.id)
        for name in (person.username, person.email):
            account = key("account", _plain(name))
            session.execute(delete(FailedAttempts).where(FailedAttempts.key == account))
            pairs = f"pair:{_mark('account', _plain(name))}"
            session.execute(
                delete(FailedAttempts).where(FailedAttempts.key.startswith(pairs, autoescape=True))
            )


def key(kind: str, text: str) -> str:
    """What something is counted by. The keys of an account's pairs begin alike."""
    name, bar, rest = text.partition("|")
    if kind == "pair" and bar:
        return f"pair:{_mark('account', name)}:{_mark('address', rest)}"
    return f"{kind}:{_mark(kind, text)}"


def remove_old(limit: int = 500) -> int:
    """Take counts away that are forgotten; how many."""
    longest = max(limit.forgotten for limit in LIMITS.values())
    past = select(FailedAttempts.key).where(FailedAttempts.last_at < now() - longest).limit(limit)
    keys = list(db.session.scalars(past))
    if keys:
        with write_transaction() as session:
            session.execute(delete(FailedAttempts).where(FailedAttempts.key.in_(keys)))
    return len(keys)


def know_device(user_id: int) -> None:
    """Give this browser, with the answer, what it is known by for this person."""
    kept = _device()
    people = [one for one in kept.get("people", ()) if one != user_id]
    g.device = {
        "id": kept.get("id") or secrets.token_urlsafe(16),
        "people": [*people, user_id][-PEOPLE_A_DEVICE:],
    }


def _rows(session: Session, keys: Iterable[str]) -> dict[str, FailedAttempts]:
    statement = select(FailedAttempts).where(FailedAttempts.key.in_(list(keys)))
    found = session.scalars(statement, execution_options={"populate_existing": True})
    return {row.key: row for row in found}


def _refuse_held(rows: Iterable[FailedAttempts], moment: datetime.datetime) -> None:
    waits = [row.held_until - moment for row in rows if row.held_until and row.held_until > moment]
    if waits:
        raise TooManyAttempts(max(waits))


def _plain(name: str) -> str:
    return unicodedata.normalize("NFKC", name).strip().casefold()[:320].replace("|", "")


def _mark(kind: str, text: str) -> str:
    secret = str(current_app.secret_key).encode()
    return hmac.new(secret, f"{kind}|{text}".encode(), hashlib.sha256).hexdigest()[:32]


def _signer() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(str(current_app.secret_key), salt="device")


def _device() -> dict[str, Any]:
    if "device" in g:
        return dict(g.device)
    try:
        kept = _signer().loads(
            request.cookies.get(DEVICE_COOKIE, ""), max_age=int(DEVICE_KNOWN.total_seconds())
        )
    except BadSignature:
        return {}
    return kept if isinstance(kept, dict) else {}


def _known_device(user_id: int | None) -> str | None:
    kept = _device()
    return str(kept["id"]) if user_id is not None and user_id in kept.get("people", ()) else None


def _give_cookie(response: Response) -> Response:
    if "retry_after" in g:
        response.headers["Retry-After"] = str(g.retry_after)
    if "device" in g and not request.path.startswith("/api/"):
        response.set_cookie(
            DEVICE_COOKIE,
            str(_signer().dumps(g.device)),
            max_age=int(DEVICE_KNOWN.total_seconds()),
            secure=request.is_secure,
            httponly=True,
            samesite="Lax",
        )
    return response
