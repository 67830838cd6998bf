"""Using links: opening changes nothing, answering acts once however often and at once it is sent."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from flask_babel import lazy_gettext as _
from sqlalchemy import select, update

from app.engine import audit, policy
from app.engine.adapters.database import db, now, write_transaction
from app.engine.changes import change_set
from app.engine.errors import StewardError
from app.engine.links.making import hashed
from app.engine.links.models import PublicLink
from app.engine.links.purposes import Purpose, purpose_of
from app.engine.registry import current

BY_LINK = "link"
"""The name under which such changes are made, and the door by which they come."""

UNKNOWN, USED, EXPIRED, REVOKED, GONE = "unknown", "used", "expired", "revoked", "gone"

WORDS = {
    UNKNOWN: _("This link is not known. Perhaps it was not copied as a whole."),
    USED: _("This link has been used already. Your answer has arrived; there is nothing to do."),
    EXPIRED: _("This link is too old to be used."),
    REVOKED: _("This link was taken back by whoever sent it."),
    GONE: _("What this link was about is no longer there, or is closed."),
}

_ACTOR = policy.Viewer(None, BY_LINK, policy.Rights())

for _name, _label, _grave in (
    ("link.used", _("Link used by somebody without an account"), False),
    ("link.refused", _("Link for somebody without an account refused"), True),
):
    audit.declare(_name, _label, audit.ACCESS, _grave)


class LinkOver(StewardError):
    """The link can't be used; `why` says whether it was used, is too old, was taken back, …"""

    status = 410

    def __init__(self, why: str) -> None:
        super().__init__(WORDS[why])
        self.why = why
        if why == UNKNOWN:
            self.status = 404


def find(token: str) -> PublicLink | None:
    """The link in which this stands, whatever has become of it."""
    wanted = select(PublicLink).where(PublicLink.hashed == hashed(token))
    found: PublicLink | None = db.session.scalar(
        wanted, execution_options={"populate_existing": True}
    )
    return found


@contextmanager
def opened(link: PublicLink) -> Iterator[tuple[Purpose, Any]]:
    """Its purpose and the record it is about, for showing the page. Raises LinkOver."""
    purpose = _usable(link)
    with _acting():
        yield purpose, _record(purpose, link)


def answer(link: PublicLink, values: Mapping[str, Any]) -> None:
    """Do what the link is for, once. Raises LinkOver, InvalidInput; then nothing has happened."""
    purpose = _usable(link)
    with _acting(), write_transaction() as session:
        taken = session.execute(
            update(PublicLink)
            .where(
                PublicLink.id == link.id,
                PublicLink.used_at.is_(None),
                PublicLink.revoked_at.is_(None),
                PublicLink.expires_at > now(),
            )
            .values(used_at=now()),
            execution_options={"synchronize_session": False},
        )
        if not getattr(taken, "rowcount", 0):
            session.refresh(link)
            raise LinkOver(_why_over(link) or USED)
        with change_set(BY_LINK) as changes:
            purpose.act(changes, _record(purpose, link), values)
            about = {"purpose": link.purpose, "link": link.id, "change_set": changes.id}
        audit.record("link.used", entity=link.entity, record_id=link.record_id, details=about)


def note_refused(link: PublicLink | None, why: str) -> None:
    """Record that an answer by a link was refused. Opening its page is not recorded: mail scanners do."""
    about = {"why": why} | ({"purpose": link.purpose, "link": link.id} if link else {})
    audit.record(
        "link.refused",
        entity=link.entity if link else None,
        record_id=link.record_id if link else None,
        details=about,
        apart=True,
    )


def _why_over(link: PublicLink) -> str | None:
    if link.used_at is not None:
        return USED
    if link.revoked_at is not None:
        return REVOKED
    return EXPIRED if link.expires_at <= now() else None


def _usable(link: PublicLink) -> Purpose:
    """Raises LinkOver."""
    why, purpose = _why_over(link), purpose_of(link.purpose)
    if why is not None or purpose is None:
        raise LinkOver(why or GONE)
    return purpose


def _record(purpose: Purpose, link: PublicLink) -> Any:
    """The record, unless it is in the trash, purged, or what was to be answered is over."""
    model: Any = current().entity(purpose.entity).model
    record = db.session.scalar(
        select(model).where(model.id == link.record_id).execution_options(populate_existing=True)
    )
    if record is None or not purpose.is_open(record):
        raise LinkOver(GONE)
    return record


@contextmanager
def _acting() -> Iterator[None]:
    """In the name of “by link”, whoever may be signed in in that browser."""
    with policy.acting_as(_ACTOR), policy.entrusted("who holds a link may do what it is for"):
        yield
