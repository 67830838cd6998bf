"""Links for choosing a new password: each for one person, good once and for a short time.

The database keeps a hash of what stands in the link. A mailed link is put together while the mail is
sent, from a number kept here and the secret key: so nothing that could be used lies in any table.
"""

from __future__ import annotations

import base64
import datetime
import hashlib
import hmac
import logging
import secrets

from flask import current_app, request
from flask_babel import lazy_gettext as _
from sqlalchemy import ForeignKey, Integer, String, delete, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from app.engine import audit, mails
from app.engine.adapters.appbuilder.guard import Guard
from app.engine.adapters.appbuilder.user import StewardUser
from app.engine.adapters.database import (
    Identifier,
    Model,
    UtcDateTime,
    db,
    now,
    write_transaction,
)
from app.engine.errors import NotAllowed, NotFound
from app.engine.job import JobKind, declare, request_job
from app.engine.policy import SYSTEM_VIEWER, acting_as, current_viewer

PATH = "/newpassword"

GIVEN_LASTS = datetime.timedelta(hours=24)
"""A link that an administrator hands over."""
MAILED_LASTS = datetime.timedelta(hours=1)
KEPT = datetime.timedelta(days=30)
"""How long a link that is over is known, to tell its replay from a guess."""

KIND = declare(
    JobKind(
        "password_link",
        _("Link for a new password"),
        limit=datetime.timedelta(minutes=5),
        notifies=False,
    )
)

for _name, _label, _grave in (
    ("password_link.given", _("Link for a new password handed over"), False),
    ("password_link.mailed", _("Link for a new password mailed"), False),
    ("password_link.used", _("Link for a new password used"), False),
    ("password_link.refused", _("Link for a new password refused"), True),
):
    audit.declare(_name, _label, audit.SIGN_IN, _grave)

log = logging.getLogger(__name__)


class PasswordLink(Model):
    """One link."""

    __tablename__ = "password_link"

    id: Mapped[int] = mapped_column(Identifier, primary_key=True, autoincrement=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("ab_user.id", ondelete="CASCADE"), index=True)
    number: Mapped[str] = mapped_column(String(43))
    """With the secret key it makes what stands in the link."""
    hashed: Mapped[str] = mapped_column(String(64), unique=True)
    made_at: Mapped[datetime.datetime] = mapped_column(UtcDateTime)
    made_by: Mapped[int | None] = mapped_column(Integer)
    expires_at: Mapped[datetime.datetime] = mapped_column(UtcDateTime, index=True)
    used_at: Mapped[datetime.datetime | None] = mapped_column(UtcDateTime)


class LinkNotGood(NotFound):
    """Used, too old, or never made: said alike."""

    status = 410

    def __init__(self) -> None:
        super().__init__(
            _(
                "This link can't be used: it has been used, is too old, or was not copied as a whole."
            )
        )


def available() -> bool:
    """Whether people can have a link mailed to themselves."""
    return mails.available()


def make(session: Session, user_id: int, lasts: datetime.timedelta) -> PasswordLink:
    """A new link, in the transaction that is under way."""
    number, moment = secrets.token_urlsafe(32), now()
    link = PasswordLink(
        user_id=user_id,
        number=number,
        hashed=_hashed(_secret(number)),
        made_at=moment,
        made_by=current_viewer().user_id,
        expires_at=moment + lasts,
    )
    session.add(link)
    session.flush()
    return link


def give(user_id: int) -> str:
    """A link for an administrator to hand over; its address. Raises NotAllowed, NotFound."""
    with write_transaction() as session:
        user = session.get(StewardUser, user_id)
        if user is None:
            raise NotFound(_("There is no such user."))
        Guard(session, user).require_reach()
        if not user.active:
            raise NotAllowed(_("The account is switched off."))
        link = make(session, user_id, GIVEN_LASTS)
        audit.record("password_link.given", person_id=user_id)
    return _address(link.number, external=True)


def ask(person: StewardUser | None) -> None:
    """Have a person's link mailed by a job; asked for alike where there is no such person."""
    with acting_as(SYSTEM_VIEWER), write_transaction():
        request_job(KIND.name, {"user": person.id if person else None}, KIND.queue, KIND.label, 1)


def send(user_id: int | None) -> None:
    """Make the link and have it mailed; nothing for an account that is not there or switched off."""
    user = db.session.get(StewardUser, user_id) if user_id is not None else None
    if user is None or not user.active:
        return
    with write_transaction() as session:
        link = make(session, user.id, MAILED_LASTS)
        audit.record("password_link.mailed", person_id=user.id)
        mails.ask(
            session,
            f"password_link:{link.id}",
            user.id,
            _("A new password for Steward"),
            [
                _(
                    "Somebody, you we hope, has asked for a new password for the account “%(name)s”. "
                    "With this link you can choose it, once and within one hour:",
                    name=user.username,
                ),
                _("If it was not you, do nothing: the password stays as it is."),
            ],
            f"{mails.MADE_WHEN_SENT}password_link:{link.id}",
        )


def mailed_address(link_id: str) -> str:
    """For the mail that is being sent: the path of the link."""
    link = db.session.get_one(PasswordLink, int(link_id))
    return _address(link.number, external=False)


def open_link(secret: str) -> tuple[PasswordLink, StewardUser]:
    """The link that this stands in, and whose it is. Raises LinkNotGood; a replay is noted."""
    link = db.session.scalar(select(PasswordLink).where(PasswordLink.hashed == _hashed(secret)))
    if link is None:
        note_refused(None)
        raise LinkNotGood
    user = db.session.get(StewardUser, link.user_id)
    if link.used_at is not None or link.expires_at <= now() or user is None or not user.active:
        note_refused(link)
        raise LinkNotGood
    return link, user


def note_refused(link: PasswordLink | None) -> None:
    """Say that a link was refused, in the log and in the audit log."""
    log.warning("refused: link %s for a new password", link.id if link else "that was never made")
    about = {"link": link.id} if link else None
    audit.record(
        "password_link.refused", person_id=link.user_id if link else None, details=about, apart=True
    )


def end_all(session: Session, user_id: int) -> None:
    """No link of this person can be used any more, in the transaction that is under way."""
    session.execute(
        update(PasswordLink)
        .where(PasswordLink.user_id == user_id, PasswordLink.used_at.is_(None))
        .values(used_at=now())
    )


def remove_old(limit: int = 500) -> int:
    """Take links away that have been over for long; how many."""
    past = select(PasswordLink.id).where(PasswordLink.expires_at < now() - KEPT).limit(limit)
    ids = list(db.session.scalars(past))
    if ids:
        with write_transaction() as session:
            session.execute(delete(PasswordLink).where(PasswordLink.id.in_(ids)))
    return len(ids)


def _address(number: str, external: bool) -> str:
    path = f"{PATH}/{_secret(number)}"
    if not external:
        return path
    public = current_app.config["STEWARD"].public_url
    return str(public or request.host_url.rstrip("/") + request.script_root) + path


def _secret(number: str) -> str:
    """What stands in the link."""
    key = str(current_app.secret_key).encode()
    made = hmac.new(key, f"password link|{number}".encode(), hashlib.sha256).digest()
    return base64.urlsafe_b64encode(made).decode().rstrip("=")


def _hashed(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


mails.made_when_sent("password_link", mailed_address)
