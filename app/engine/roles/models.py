"""The history of roles: one row a change, with the whole role before and after it."""

from __future__ import annotations

import datetime
from typing import Any

from sqlalchemy import Boolean, Integer, String, false
from sqlalchemy.orm import Mapped, mapped_column

from app.engine.adapters.database import Json, Model, UtcDateTime


class RoleChange(Model):
    """One change of a role: who, when, and the role as data before and after.

    Nothing `before`: the role was made; nothing `after`: it was deleted.
    """

    __tablename__ = "role_change"
    __table_args__ = ({"sqlite_autoincrement": True},)

    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=True)
    at: Mapped[datetime.datetime] = mapped_column(UtcDateTime)
    by_id: Mapped[int | None] = mapped_column(Integer)
    by_name: Mapped[str] = mapped_column(String(130))
    role_id: Mapped[int] = mapped_column(Integer, index=True)
    role_name: Mapped[str] = mapped_column(String(64))
    before: Mapped[dict[str, Any] | None] = mapped_column(Json)
    after: Mapped[dict[str, Any] | None] = mapped_column(Json)
    undoes_id: Mapped[int | None] = mapped_column(Integer)
    undone: Mapped[bool] = mapped_column(Boolean, default=False, server_default=false())
