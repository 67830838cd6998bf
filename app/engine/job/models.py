"""Jobs as rows: who asked for what, how far it has come, what came of it, and what was said on the way."""

from __future__ import annotations

import datetime
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Index, Integer, String
from sqlalchemy.orm import Mapped, mapped_column

from app.engine.adapters.database import Identifier, Json, Model, UtcDateTime
from app.engine.adapters.vault import SealedJson

WAITING, RUNNING, DONE, FAILED, CANCELLED = "waiting", "running", "done", "failed", "cancelled"
STATES = (WAITING, RUNNING, DONE, FAILED, CANCELLED)
OVER = (DONE, FAILED, CANCELLED)

INFO, WARNING, ERROR = "info", "warning", "error"
LEVELS = (INFO, WARNING, ERROR)
"""How grave a line of a job's log is."""

KEPT = datetime.timedelta(days=30)
"""How long rows of finished jobs, and what they made, are kept."""


class Job(Model):
    """Something to be done in the background, on behalf of the person who asked."""

    __tablename__ = "job"
    __table_args__ = (
        Index("ix_job_state", "state", "heartbeat_at"),
        Index("ix_job_asked_by", "asked_by", "created_at"),
    )

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    kind: Mapped[str] = mapped_column(String(40))
    queue: Mapped[str] = mapped_column(String(20))
    state: Mapped[str] = mapped_column(String(12))
    asked_by: Mapped[int | None] = mapped_column(Integer)
    asked_by_name: Mapped[str] = mapped_column(String(130))
    language: Mapped[str] = mapped_column(String(5))
    title: Mapped[Any] = mapped_column(Json, nullable=True)
    arguments: Mapped[dict[str, Any]] = mapped_column(SealedJson)
    done: Mapped[int] = mapped_column(BigInteger, default=0)
    total: Mapped[int | None] = mapped_column(BigInteger)
    furthest: Mapped[int] = mapped_column(BigInteger, default=0, server_default="0")
    """As far as any run has come: one that gets further starts counting its attempts anew."""
    resumed_from: Mapped[int] = mapped_column(BigInteger, default=0, server_default="0")
    """Where the present run began, for its rate."""
    message: Mapped[Any] = mapped_column(SealedJson, nullable=True)
    result: Mapped[dict[str, Any] | None] = mapped_column(SealedJson)
    claim: Mapped[str | None] = mapped_column(String(36))
    runner: Mapped[str | None] = mapped_column(String(160))
    """The process that holds the claim; see `app.engine.job.runner`."""
    attempts: Mapped[int] = mapped_column(Integer, default=0)
    created_at: Mapped[datetime.datetime] = mapped_column(UtcDateTime, index=True)
    due_at: Mapped[datetime.datetime | None] = mapped_column(UtcDateTime)
    """Not to be run before; set when it is to be tried again after a while."""
    started_at: Mapped[datetime.datetime | None] = mapped_column(UtcDateTime)
    heartbeat_at: Mapped[datetime.datetime | None] = mapped_column(UtcDateTime)
    finished_at: Mapped[datetime.datetime | None] = mapped_column(UtcDateTime)
    keep_until: Mapped[datetime.datetime | None] = mapped_column(UtcDateTime, index=True)

    @property
    def over(self) -> bool:
        """Whether nothing more will happen."""
        return self.state in OVER

    @property
    def percent(self) -> int | None:
        """How far it has come; None while that is not known."""
        if self.state == DONE:
            return 100
        return min(99, self.done * 100 // self.total) if self.total else None


class JobLine(Model):
    """A line of a job's log, kept as what it says and put into words for its reader."""

    __tablename__ = "job_line"
    __table_args__ = (Index("ix_job_line_job", "job_id", "id"),)

    id: Mapped[int] = mapped_column(Identifier, primary_key=True, autoincrement=True)
    job_id: Mapped[str] = mapped_column(ForeignKey("job.id", ondelete="CASCADE"))
    at: Mapped[datetime.datetime] = mapped_column(UtcDateTime)
    level: Mapped[str] = mapped_column(String(8))
    message: Mapped[Any] = mapped_column(SealedJson)
