"""An import as a row: the file, what the user decided, the plan, and how far it has come."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Self

from sqlalchemy import BigInteger, ForeignKey, Index, Integer, String
from sqlalchemy.orm import Mapped, mapped_column

from app.engine.adapters.database import Identifier, Json, Model, UtcDateTime

UPLOADED, CHECKING, CHECKED, RUNNING, REVERSING, REVERSED, DONE = (
    "uploaded", "checking", "checked", "running", "reversing", "reversed", "done",
)  # fmt: skip

MAKE = "+"
"""In place of a choice: make one of this word."""

LEAVE_EMPTY = ""
"""In place of a choice: import the row without one."""

MODES = ("both", "add", "update", "skip")
"""Add and update; only add, refusing what is there; only update, refusing what is not; add, and
leave what is there as it is."""

NEAR = ("add", "leave", "update")
"""Add such rows all the same; leave them out; let them change the record that they resemble."""

COUNTED = ("total", "new", "changed", "unchanged", "duplicate", "refused")


@dataclass(frozen=True)
class Options:
    """What the user decided about an import."""

    encoding: str | None = None
    delimiter: str | None = None
    header: bool | None = True
    sheet: str | None = None
    mapping: Mapping[str, str] = field(default_factory=dict)
    """Column → field; a column that is not in it is not imported."""
    key: str | None = None
    """The field by which records are found; None: every row is a new record."""
    choices: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """Field → word in the file → choice, MAKE or LEAVE_EMPTY."""
    mode: str = "both"
    """One of MODES: what is done with rows whose record is there already, or is not."""
    near: str = "add"
    """One of NEAR: what is done with rows that resemble a record or an earlier row."""
    approved: bool = False
    all_or_nothing: bool = False

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        return cls(**data)

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


class ImportRun(Model):
    """One file brought in, from its upload to its undoing."""

    __tablename__ = "import_run"
    __table_args__ = (
        Index("ix_import_run_user", "user_id", "entity", "id"),
        Index("ix_import_run_content", "entity", "sha256"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(Identifier, primary_key=True, autoincrement=True)
    entity: Mapped[str] = mapped_column(String(60))
    user_id: Mapped[int | None] = mapped_column(Integer)
    user_name: Mapped[str] = mapped_column(String(130))
    created_at: Mapped[datetime.datetime] = mapped_column(UtcDateTime)
    finished_at: Mapped[datetime.datetime | None] = mapped_column(UtcDateTime)
    file_name: Mapped[str] = mapped_column(String(200))
    file_path: Mapped[str | None] = mapped_column(String(200))
    file_size: Mapped[int] = mapped_column(BigInteger)
    sha256: Mapped[str] = mapped_column(String(64))
    state: Mapped[str] = mapped_column(String(12))
    options: Mapped[dict[str, Any]] = mapped_column(Json)
    columns: Mapped[list[str] | None] = mapped_column(Json)
    plan: Mapped[dict[str, Any] | None] = mapped_column(Json)
    counts: Mapped[dict[str, int] | None] = mapped_column(Json)
    refusals: Mapped[list[dict[str, Any]] | None] = mapped_column(Json)
    position: Mapped[int] = mapped_column(BigInteger, default=0)
    """The last line of the file whose row has been dealt with."""
    change_set_id: Mapped[int | None] = mapped_column(Identifier)
    job_id: Mapped[str | None] = mapped_column(String(36))

    @property
    def decided(self) -> Options:
        return Options.from_json(self.options)


class ImportRefusal(Model):
    """A row that a run did not take: its line in the file, and why."""

    __tablename__ = "import_refusal"
    __table_args__ = (
        Index("ix_import_refusal_run", "run_id", "row"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(Identifier, primary_key=True, autoincrement=True)
    run_id: Mapped[int] = mapped_column(ForeignKey("import_run.id", ondelete="CASCADE"))
    row: Mapped[int] = mapped_column(BigInteger)
    problems: Mapped[list[dict[str, Any]]] = mapped_column(Json)
    """Column and frozen message of each."""


@dataclass
class Tally:
    """Exact counts of what an import does, and the first of what it refuses."""

    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(COUNTED, 0))
    refusals: list[dict[str, Any]] = field(default_factory=list)

    KEPT = 1000
    """So many refusals are kept to be shown; all are counted."""

    def count(self, kind: str) -> None:
        self.counts["total"] += 1
        self.counts[kind] += 1

    def refuse(self, row: int, column: str | None, value: Any, message: Any) -> None:
        """Keep why a row was not taken; `message` is frozen."""
        if len(self.refusals) < self.KEPT:
            self.refusals.append({"row": row, "column": column, "value": value, "message": message})
