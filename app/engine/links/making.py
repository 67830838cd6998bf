"""Making links, having them mailed, taking them back.

What stands in a link is put together from a number kept in the table and the secret key, so nothing
that could be used lies in any table; the table keeps a hash to find the link by.
"""

from __future__ import annotations

import base64
import datetime
import hashlib
import hmac
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from flask import current_app, request
from flask_babel import lazy_gettext as _
from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from app.engine import audit, mails
from app.engine.adapters.database import db, now, write_transaction
from app.engine.links.models import PublicLink
from app.engine.links.purposes import purpose_of
from app.engine.policy import current_viewer

PATH = "/l"
"""Public pages are below it; see `app.engine.adapters.web`: there no cookie is looked at."""

KEPT = datetime.timedelta(days=90)
"""How long a link that is over is known, to say what has become of it."""

for _name, _label in (
    ("link.made", _("Link for somebody without an account made")),
    ("link.revoked", _("Link for somebody without an account taken back")),
):
    audit.declare(_name, _label, audit.ACCESS)


@dataclass(frozen=True)
class Recipient:
    """Whom a link is for: a record, and the field of it that holds the mail address."""

    entity: str
    record_id: int
    field: str = "email"


def make(
    session: Session,
    purpose: str,
    record_id: int,
    language: str,
    recipient: Recipient | None = None,
    lasts: datetime.timedelta | None = None,
    audited: bool = True,
) -> PublicLink:
    """A new link, in the writing transaction that is under way. Raises LookupError, ValueError.

    `language`: the recipient's, `zh` or `en`. `lasts`: else as long as the purpose says.
    `audited`: not where many are made at once, and the maker records that.
    """
    known = purpose_of(purpose)
    if known is None:
        raise LookupError(f"no purpose “{purpose}” is declared")
    if language not in ("zh", "en"):
        raise ValueError(f"no such language: {language}")
    number, moment = secrets.token_urlsafe(32), now()
    link = PublicLink(
        purpose=purpose,
        entity=known.entity,
        record_id=record_id,
        number=number,
        hashed=hashed(_token(number)),
        language=language,
        recipient_entity=recipient.entity if recipient else None,
        recipient_id=recipient.record_id if recipient else None,
        made_at=moment,
        made_by=current_viewer().user_id,
        expires_at=moment + (lasts or known.lasts),
    )
    session.add(link)
    session.flush()
    if audited:
        about = {"purpose": purpose, "link": link.id}
        audit.record("link.made", entity=known.entity, record_id=record_id, details=about)
    return link


def mail(
    session: Session,
    link: PublicLink,
    recipient: Recipient,
    subject: Any,
    lines: Sequence[Any],
) -> bool:
    """Have the link mailed, in the link's language; whether mail is set up, so that it will be.

    The address is read when the mail is sent, and kept nowhere else.
    """
    if not mails.available():
        return False
    to = mails.Outside(recipient.entity, recipient.record_id, recipient.field, link.language)
    href = f"{mails.MADE_WHEN_SENT}public_link:{link.id}"
    mails.ask_outside(session, f"public_link:{link.id}", to, subject, lines, href)
    return True


def revoke(session: Session, purpose: str, record_id: int) -> int:
    """No open link of this purpose about the record can be used any more; how many that were."""
    ended = session.execute(
        update(PublicLink)
        .where(
            PublicLink.purpose == purpose,
            PublicLink.record_id == record_id,
            PublicLink.used_at.is_(None),
            PublicLink.revoked_at.is_(None),
        )
        .values(revoked_at=now()),
        execution_options={"synchronize_session": False},
    )
    count = int(getattr(ended, "rowcount", 0))
    if count:
        known = purpose_of(purpose)
        entity = known.entity if known is not None else None
        about = {"purpose": purpose, "count": count}
        audit.record("link.revoked", entity=entity, record_id=record_id, details=about)
    return count


def address(link: PublicLink) -> str:
    """The whole address, to be handed over by another way than mail."""
    public = current_app.config["STEWARD"].public_url
    return str(public or request.host_url.rstrip("/") + request.script_root) + path(link)


def path(link: PublicLink) -> str:
    """The address within this site."""
    return f"{PATH}/{_token(link.number)}"


def remove_old(limit: int = 500) -> int:
    """Take links away that have been over for long; how many."""
    past = select(PublicLink.id).where(PublicLink.expires_at < now() - KEPT).limit(limit)
    ids = list(db.session.scalars(past))
    if ids:
        with write_transaction() as session:
            session.execute(delete(PublicLink).where(PublicLink.id.in_(ids)))
    return len(ids)


def hashed(token: str) -> str:
    """What the table keeps of a token."""
    return hashlib.sha256(token.encode()).hexdigest()


def _token(number: str) -> str:
    key = str(current_app.secret_key).encode()
    made = hmac.new(key, f"public link|{number}".encode(), hashlib.sha256).digest()
    return base64.urlsafe_b64encode(made).decode().rstrip("=")


def _mailed(link_id: str) -> str:
    return path(db.session.get_one(PublicLink, int(link_id)))


mails.made_when_sent("public_link", _mailed)
