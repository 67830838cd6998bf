"""The proof of an erasure: what was erased where, what was kept and why; never a value."""

from __future__ import annotations

import datetime
from typing import Any

from sqlalchemy import Index, Integer, String
from sqlalchemy.orm import Mapped, mapped_column

from app.engine.adapters.database import Identifier, Json, Model, UtcDateTime


class Erasure(Model):
    """One person's data taken away, kept for good to show that it was."""

    __tablename__ = "erasure"
    __table_args__ = (
        Index("ix_erasure_record", "entity", "record_id"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(Identifier, primary_key=True, autoincrement=True)
    at: Mapped[datetime.datetime] = mapped_column(UtcDateTime)
    by_id: Mapped[int | None] = mapped_column(Integer)
    by_name: Mapped[str] = mapped_column(String(130))
    entity: Mapped[str] = mapped_column(String(60))
    record_id: Mapped[int] = mapped_column(Identifier)
    request_id: Mapped[int | None] = mapped_column(Identifier)
    """The request that asked for it."""
    change_set_id: Mapped[int | None] = mapped_column(Identifier)
    erased: Mapped[list[dict[str, Any]]] = mapped_column(Json)
    """Places with how much was erased there: records with the names of their fields, tables, files."""
    kept: Mapped[list[dict[str, Any]]] = mapped_column(Json)
    """Records that were kept, each with the frozen reason and until when."""
