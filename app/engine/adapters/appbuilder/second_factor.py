"""The second factor: a code of six digits from an app (TOTP, RFC 6238), asked after the password.

A code counts once: the number of its half minute is kept, and only later ones are taken. Recovery
codes stand in for a lost device, each once; they are drawn from 79 random bits, so a plain digest hides them.
"""

from __future__ import annotations

import datetime
import hashlib
import hmac
import secrets
import unicodedata

import pyotp
from flask_babel import lazy_gettext as _
from flask_babel import lazy_ngettext
from sqlalchemy import BigInteger, ForeignKey, Integer, String, delete, func, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from app.engine import audit
from app.engine.adapters import sealing
from app.engine.adapters.appbuilder import accounts, sessions
from app.engine.adapters.appbuilder.guard import Guard
from app.engine.adapters.appbuilder.user import StewardUser
from app.engine.adapters.database import Model, UtcDateTime, db, now, write_transaction
from app.engine.errors import InvalidInput, StewardError
from app.engine.policy import current_viewer

PURPOSE = "second factor"
STEP = 30
"""Seconds for which an app shows a code."""

SLACK = 1
"""Steps that a phone's clock may be early or late."""

RECOVERY_CODES = 10
SIGNS = "abcdefghjkmnpqrstuvwxyz23456789"

FREE_FAILURES = 5
LONGEST_WAIT = datetime.timedelta(hours=1)
"""After five wrong codes in a row one waits a minute, then two, four, up to an hour."""


class TooManyCodes(StewardError):
    """So many wrong codes that even a right one is not looked at for a while."""

    status = 429


class SecondFactor(Model):
    """A person's secret, and what it takes to use each code once and not to guess."""

    __tablename__ = "second_factor"

    user_id: Mapped[int] = mapped_column(
        ForeignKey("ab_user.id", ondelete="CASCADE"), primary_key=True
    )
    sealed: Mapped[str] = mapped_column(String(400))
    begun_at: Mapped[datetime.datetime] = mapped_column(UtcDateTime)
    last_step: Mapped[int] = mapped_column(BigInteger, default=0)
    failures: Mapped[int] = mapped_column(Integer, default=0)
    failed_at: Mapped[datetime.datetime | None] = mapped_column(UtcDateTime)


class RecoveryCode(Model):
    """One code that works once in place of the app's."""

    __tablename__ = "recovery_code"

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("ab_user.id", ondelete="CASCADE"), index=True)
    digest: Mapped[str] = mapped_column(String(64))


def begin(user_id: int) -> str:
    """A new secret, not yet in force; the app has to show that it knows it. Raises InvalidInput."""
    secret = pyotp.random_base32()
    with write_transaction() as session:
        person = _person(session, user_id)
        if person.second_factor_since is not None:
            raise InvalidInput.of(None, _("The second factor is already on."))
        factor = _factor(session, user_id) or SecondFactor(user_id=user_id)
        factor.sealed = sealing.seal(PURPOSE, secret)
        factor.begun_at = now()
        factor.last_step = 0
        factor.failures = 0
        session.add(factor)
    return secret


def begun(user_id: int) -> str | None:
    """The secret that waits for its first code; None when there is none."""
    factor = db.session.get(SecondFactor, user_id, populate_existing=True)
    person = accounts.user_by_id(user_id)
    if factor is None or person.second_factor_since is not None:
        return None
    return sealing.unseal(PURPOSE, factor.sealed)


def turn_on(user_id: int, code: str) -> list[str] | None:
    """Put the begun secret in force, when the code fits; returns the recovery codes, else None.

    The person's other sessions and tokens end.
    """
    with write_transaction() as session:
        person = _person(session, user_id)
        if person.second_factor_since is not None or not _fits(session, user_id, code, False):
            return None
        person.second_factor_since = now()
        codes = _new_recovery_codes(session, user_id)
        _note(session, person, False, True)
    return codes


def new_recovery_codes(user_id: int, code: str) -> list[str] | None:
    """Ten new ones in place of the old, when the code fits. Raises TooManyCodes."""
    with write_transaction() as session:
        if not _fits(session, user_id, code, False):
            return None
        codes = _new_recovery_codes(session, user_id)
        audit.record("account.second_factor", person_id=user_id, details={"recovery_codes": "new"})
    return codes


def turn_off(user_id: int, code: str) -> bool:
    """One's own, when the code fits. Raises TooManyCodes."""
    with write_transaction() as session:
        if not _fits(session, user_id, code, True):
            return False
        _remove(session, _person(session, user_id))
    return True


def reset(user_id: int) -> None:
    """Another's, whose device is lost; for who may change that account. Raises NotAllowed."""
    with write_transaction() as session:
        person = _person(session, user_id)
        Guard(session, person).require_reach()
        _remove(session, person)


def check(user_id: int, code: str) -> bool:
    """Whether the code, of the app or for recovery, lets this person in now. Raises TooManyCodes."""
    with write_transaction() as session:
        fits = _fits(session, user_id, code, True)
        if not fits:
            audit.record("sign_in.failed", person_id=user_id, details={"second_factor": True})
    return fits


def codes_left(user_id: int) -> int:
    """Recovery codes that were not used."""
    counted = select(func.count()).select_from(RecoveryCode).where(RecoveryCode.user_id == user_id)
    return db.session.scalar(counted) or 0


def address_for_app(secret: str, name: str) -> str:
    """What the app reads from the QR code."""
    return pyotp.TOTP(secret).provisioning_uri(name=name, issuer_name="Steward")


def _fits(session: Session, user_id: int, code: str, recovery: bool) -> bool:
    """Use the code up; a wrong one is counted. Whoever waits is refused unread."""
    factor = _factor(session, user_id)
    if factor is None:
        return False
    _refuse_while_waiting(factor)
    plain = plain_code(code)
    if _use_step(factor, plain) or (recovery and _use_recovery_code(session, user_id, plain)):
        factor.failures = 0
        return True
    factor.failures += 1
    factor.failed_at = now()
    return False


def _refuse_while_waiting(factor: SecondFactor) -> None:
    over = factor.failures - FREE_FAILURES
    if over < 0 or factor.failed_at is None:
        return
    wait = min(datetime.timedelta(minutes=2 ** min(over, 10)), LONGEST_WAIT)
    left = (factor.failed_at + wait - now()).total_seconds()
    if left > 0:
        raise TooManyCodes(
            lazy_ngettext(
                "Too many wrong codes. Try again in %(num)s minute.",
                "Too many wrong codes. Try again in %(num)s minutes.",
                int(left // 60) + 1,
            )
        )


def _use_step(factor: SecondFactor, code: str) -> bool:
    if len(code) != 6:
        return False
    try:
        app = pyotp.TOTP(sealing.unseal(PURPOSE, factor.sealed))
    except sealing.Unreadable:
        return False  # SECRET_KEY is another: recovery codes still work
    present = int(now().timestamp()) // STEP
    for step in range(present - SLACK, present + SLACK + 1):
        if step > factor.last_step and hmac.compare_digest(app.generate_otp(step), code):
            factor.last_step = step
            return True
    return False


def _use_recovery_code(session: Session, user_id: int, code: str) -> bool:
    used = session.execute(
        delete(RecoveryCode)
        .where(RecoveryCode.user_id == user_id, RecoveryCode.digest == _digest(code))
        .execution_options(synchronize_session=False)
    )
    if getattr(used, "rowcount", 0):
        audit.record(
            "account.second_factor", person_id=user_id, details={"recovery_codes": "one used"}
        )
        return True
    return False


def plain_code(code: str) -> str:
    """As people type it, with blanks, hyphens, capitals or full-width digits, made plain ASCII."""
    text = unicodedata.normalize("NFKC", code or "")[:100].lower()
    return "".join(sign for sign in text if sign.isascii() and sign.isalnum())


def _new_recovery_codes(session: Session, user_id: int) -> list[str]:
    session.execute(
        delete(RecoveryCode)
        .where(RecoveryCode.user_id == user_id)
        .execution_options(synchronize_session=False)
    )
    codes = [
        "".join(secrets.choice(SIGNS) for _sign in range(16)) for _code in range(RECOVERY_CODES)
    ]
    session.add_all(RecoveryCode(user_id=user_id, digest=_digest(code)) for code in codes)
    return ["-".join(code[start : start + 4] for start in range(0, 16, 4)) for code in codes]


def _remove(session: Session, person: StewardUser) -> None:
    was_on = person.second_factor_since is not None
    person.second_factor_since = None
    for table in (RecoveryCode, SecondFactor):
        session.execute(
            delete(table)
            .where(table.user_id == person.id)
            .execution_options(synchronize_session=False)
        )
    if was_on:
        _note(session, person, True, False)


def _note(session: Session, person: StewardUser, before: bool, after: bool) -> None:
    accounts.note_change(session, person.id, {"second_factor": before}, {"second_factor": after})
    sessions.end(session, current_viewer().user_id, user_id=person.id)
    audit.record("account.second_factor", person_id=person.id, details={"on": after})


def _person(session: Session, user_id: int) -> StewardUser:
    """Held until the transaction ends: two codes are never looked at together."""
    statement = select(StewardUser).where(StewardUser.id == user_id)
    held = statement.with_for_update(of=StewardUser)
    return session.scalars(held.execution_options(populate_existing=True)).one()


def _factor(session: Session, user_id: int) -> SecondFactor | None:
    statement = select(SecondFactor).where(SecondFactor.user_id == user_id).with_for_update()
    found: SecondFactor | None = session.scalars(
        statement.execution_options(populate_existing=True)
    ).one_or_none()
    return found


def _digest(code: str) -> str:
    return hashlib.sha256(code.encode()).hexdigest()
