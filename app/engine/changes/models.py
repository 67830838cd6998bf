"""Change sets as rows: who changed what, when, why, by which door."""

from __future__ import annotations

import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, Integer, String
from sqlalchemy.orm import Mapped, mapped_column

from app.engine.adapters.database import Identifier, Json, Model, UtcDateTime
from app.engine.adapters.vault import JournalJson

CREATE, UPDATE, APPROVE, TRASH, RESTORE, PURGE, REMOVE, ERASE = (
    "create", "update", "approve", "trash", "restore", "purge", "remove", "erase",
)  # fmt: skip
"""Kinds of change. `remove` takes a record away without trace: the undoing of a `create`. `erase`
takes personal data out of a record and its history, for good."""

OPEN, DONE, UNDONE, PARTLY = "open", "done", "undone", "partly_undone"


class ChangeSet(Model):
    """Writes that belong together and are undone together; may span several transactions."""

    __tablename__ = "change_set"
    __table_args__ = ({"sqlite_autoincrement": True},)

    id: Mapped[int] = mapped_column(Identifier, primary_key=True, autoincrement=True)
    at: Mapped[datetime.datetime] = mapped_column(UtcDateTime, index=True)
    user_id: Mapped[int | None] = mapped_column(Integer, index=True)
    user_name: Mapped[str] = mapped_column(String(130))
    door: Mapped[str] = mapped_column(String(20))
    reason: Mapped[str | None] = mapped_column(String(300))
    state: Mapped[str] = mapped_column(String(20), default=OPEN)
    undoes_id: Mapped[int | None] = mapped_column(Identifier, index=True)
    counts: Mapped[dict[str, Any] | None] = mapped_column(Json)
    report: Mapped[dict[str, Any] | None] = mapped_column(Json)


class Change(Model):
    """One record's change: the fields that differ, before and after."""

    __tablename__ = "change"
    __table_args__ = (
        Index("ix_change_record", "entity", "record_id", "id"),
        Index("ix_change_set", "change_set_id", "id"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(Identifier, primary_key=True, autoincrement=True)
    change_set_id: Mapped[int] = mapped_column(ForeignKey("change_set.id"))
    entity: Mapped[str] = mapped_column(String(60))
    record_id: Mapped[int] = mapped_column(Identifier)
    kind: Mapped[str] = mapped_column(String(10))
    before: Mapped[dict[str, Any] | None] = mapped_column(JournalJson)
    after: Mapped[dict[str, Any] | None] = mapped_column(JournalJson)
    undone: Mapped[bool] = mapped_column(default=False)


class SeriesReturn(Model):
    """A number of a series that was given and came back: it is the next to be given."""

    __tablename__ = "series_return"

    name: Mapped[str] = mapped_column(String(120), primary_key=True)
    number: Mapped[int] = mapped_column(Identifier, primary_key=True, autoincrement=False)


class SeriesCounter(Model):
    """The last number given in a series of serial numbers."""

    __tablename__ = "series_counter"

    name: Mapped[str] = mapped_column(String(120), primary_key=True)
    last: Mapped[int] = mapped_column(Identifier)
