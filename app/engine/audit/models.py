"""Entries of the audit log as rows, and the checkpoints up to which old ones have been purged."""

from __future__ import annotations

import datetime

from sqlalchemy import Index, Integer, String, Text, event, text
from sqlalchemy.engine import Connection
from sqlalchemy.orm import Mapped, mapped_column

from app.engine.adapters.database import Identifier, Model, UtcDateTime
from app.engine.audit.triggers import creating


class AuditEntry(Model):
    """One entry; `position`, `previous` and `hash` are empty until it is sealed."""

    __tablename__ = "audit_entry"
    __table_args__ = (
        Index("ix_audit_entry_user", "user_id", "id"),
        Index("ix_audit_entry_kind", "kind", "id"),
        Index("ix_audit_entry_record", "entity", "record_id", "id"),
        Index("ix_audit_entry_person", "person_id", "id"),
        Index(
            "ix_audit_entry_unsealed",
            "id",
            sqlite_where=text("position IS NULL"),
            postgresql_where=text("position IS NULL"),
        ),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(Identifier, primary_key=True, autoincrement=True)
    at: Mapped[datetime.datetime] = mapped_column(UtcDateTime, index=True)
    user_id: Mapped[int | None] = mapped_column(Integer)
    who: Mapped[str] = mapped_column(String(130))
    """The person's name, or the one that was tried."""
    address: Mapped[str | None] = mapped_column(String(60))
    door: Mapped[str] = mapped_column(String(20))
    request_id: Mapped[str | None] = mapped_column(String(64))
    kind: Mapped[str] = mapped_column(String(40))
    entity: Mapped[str | None] = mapped_column(String(60))
    record_id: Mapped[int | None] = mapped_column(Identifier)
    person_id: Mapped[int | None] = mapped_column(Integer)
    """Whose account it is about."""
    details: Mapped[str] = mapped_column(Text)
    """JSON, as text: what is hashed is what was written, whatever a database makes of JSON."""
    position: Mapped[int | None] = mapped_column(Identifier, unique=True)
    previous: Mapped[str | None] = mapped_column(String(64))
    hash: Mapped[str | None] = mapped_column(String(64))


class AuditCheckpoint(Model):
    """Entries up to this position may be deleted; the chain goes on from `hash`."""

    __tablename__ = "audit_checkpoint"

    position: Mapped[int] = mapped_column(Identifier, primary_key=True, autoincrement=False)
    hash: Mapped[str] = mapped_column(String(64))
    at: Mapped[datetime.datetime] = mapped_column(UtcDateTime)


@event.listens_for(AuditCheckpoint.metadata, "after_create")
def _guard(_target: object, connection: Connection, **_given: object) -> None:
    """Tables made without a migration are guarded alike."""
    for statement in creating(connection.dialect.name):
        connection.exec_driver_sql(statement)
