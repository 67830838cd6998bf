"""The table of links. Neither what stands in a link nor the recipient's address is in it."""

from __future__ import annotations

import datetime

from sqlalchemy import Index, Integer, String
from sqlalchemy.orm import Mapped, mapped_column

from app.engine.adapters.database import Identifier, Model, UtcDateTime


class PublicLink(Model):
    """One link: for what, about which record, for whom, until when, and what has become of it."""

    __tablename__ = "public_link"
    __table_args__ = (Index("ix_public_link_subject", "entity", "record_id"),)

    id: Mapped[int] = mapped_column(Identifier, primary_key=True, autoincrement=True)
    purpose: Mapped[str] = mapped_column(String(40))
    entity: Mapped[str] = mapped_column(String(60))
    record_id: Mapped[int] = mapped_column(Identifier)
    number: Mapped[str] = mapped_column(String(43))
    """With the secret key it makes what stands in the link."""
    hashed: Mapped[str] = mapped_column(String(64), unique=True)
    language: Mapped[str] = mapped_column(String(2))
    recipient_entity: Mapped[str | None] = mapped_column(String(60))
    recipient_id: Mapped[int | None] = mapped_column(Identifier)
    made_at: Mapped[datetime.datetime] = mapped_column(UtcDateTime)
    made_by: Mapped[int | None] = mapped_column(Integer)
    expires_at: Mapped[datetime.datetime] = mapped_column(UtcDateTime, index=True)
    used_at: Mapped[datetime.datetime | None] = mapped_column(UtcDateTime)
    revoked_at: Mapped[datetime.datetime | None] = mapped_column(UtcDateTime)
