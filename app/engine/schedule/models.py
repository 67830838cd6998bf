"""Schedules as rows, and what became of each time that one was due."""

from __future__ import annotations

import datetime
from typing import Any

from sqlalchemy import Boolean, ForeignKey, Index, Integer, String, UniqueConstraint, true
from sqlalchemy.orm import Mapped, mapped_column

from app.engine.adapters.database import Identifier, Json, Model, UtcDateTime
from app.engine.adapters.vault import SealedJson

ASKED, LATE, BY_HAND, SKIPPED, ORPHANED = "asked", "late", "by_hand", "skipped", "orphaned"
"""What became of a time: the job was asked for, later than due, because somebody wanted it; it was
left out since the one before still ran, or since the person for whom it runs is not active."""


class Schedule(Model):
    """A kind of job with its arguments, and when it is to be done; on behalf of its owner."""

    __tablename__ = "schedule"
    __table_args__ = (Index("ix_schedule_due", "active", "next_due_at"),)

    id: Mapped[int] = mapped_column(Identifier, primary_key=True, autoincrement=True)
    system_name: Mapped[str | None] = mapped_column(String(60), unique=True)
    """Of those that the program brings along; people can pause them, but not change them."""
    name: Mapped[Any] = mapped_column(Json)
    kind: Mapped[str] = mapped_column(String(40))
    answers: Mapped[dict[str, Any]] = mapped_column(SealedJson)
    arguments: Mapped[dict[str, Any]] = mapped_column(SealedJson)
    rule: Mapped[dict[str, Any]] = mapped_column(Json)
    active: Mapped[bool] = mapped_column(Boolean, default=True, server_default=true())
    owner_id: Mapped[int | None] = mapped_column(Integer)
    owner_name: Mapped[str] = mapped_column(String(130))
    language: Mapped[str] = mapped_column(String(5))
    changed_at: Mapped[datetime.datetime] = mapped_column(UtcDateTime)
    changed_by: Mapped[str] = mapped_column(String(130))
    next_due_at: Mapped[datetime.datetime | None] = mapped_column(UtcDateTime)


class ScheduleRun(Model):
    """A moment at which a schedule was due, and what became of it."""

    __tablename__ = "schedule_run"
    __table_args__ = (UniqueConstraint("schedule_id", "due_at"),)

    id: Mapped[int] = mapped_column(Identifier, primary_key=True, autoincrement=True)
    schedule_id: Mapped[int] = mapped_column(ForeignKey("schedule.id", ondelete="CASCADE"))
    due_at: Mapped[datetime.datetime] = mapped_column(UtcDateTime)
    at: Mapped[datetime.datetime] = mapped_column(UtcDateTime, index=True)
    outcome: Mapped[str] = mapped_column(String(10))
    missed: Mapped[int] = mapped_column(Integer, default=0)
    """How many earlier times it stands for as well: what was missed is caught up once."""
    job_id: Mapped[str | None] = mapped_column(String(36))
