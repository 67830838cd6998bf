"""An import as a row: the file, what the user decided, the plan, and how far it has come."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from typing import Any, Self

from flask_babel import lazy_gettext as _
from sqlalchemy import (
    BigInteger,
    ForeignKey,
    Index,
    Integer,
    String,
    UniqueConstraint,
    select,
)
from sqlalchemy.orm import Mapped, Session, mapped_column

from app.engine.adapters.database import Identifier, Json, Model, UtcDateTime
from app.engine.adapters.vault import SealedJson
from app.engine.handover import Belonging, belonging
from app.engine.people import names_of
from app.engine.personal import StoredFile, keeper

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

EVERYONE = "*"
"""In place of a role's id: a profile is for everyone who may import into its entity."""

COUNTED = ("total", "new", "changed", "unchanged", "duplicate", "refused", "made")
"""`made`: records of other entities that rows refer to and that are made on the way."""


@dataclass(frozen=True)
class Options:
    """What the user decided about an import."""

    encoding: str | None = None
    delimiter: str | None = None
    header: bool | None = True
    sheet: str | None = None
    mapping: Mapping[str, str] = field(default_factory=dict)
    """Column → field; a column that is not in it is not imported."""
    left_out: Sequence[str] = ()
    """Columns whose names say a field and that are not to be imported all the same."""
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
    make: Sequence[str] = ()
    """References whose records are made where there are none of that name, or `reference:field`: of
    that code, e-mail or the like."""
    profile: int | None = None
    """The profile that these were taken from, if any."""

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
    plan: Mapped[dict[str, Any] | None] = mapped_column(SealedJson)
    counts: Mapped[dict[str, int] | None] = mapped_column(Json)
    refusals: Mapped[list[dict[str, Any]] | None] = mapped_column(SealedJson)
    position: Mapped[int] = mapped_column(BigInteger, default=0)
    """The last line of the file whose row has been dealt with."""
    change_set_id: Mapped[int | None] = mapped_column(Identifier)
    job_id: Mapped[str | None] = mapped_column(String(36))

    @property
    def decided(self) -> Options:
        return Options.from_json(self.options)


class ImportProfile(Model):
    """How files of one kind are imported, under a name: their columns and what was decided."""

    __tablename__ = "import_profile"
    __table_args__ = (UniqueConstraint("entity", "user_id", "name"),)

    id: Mapped[int] = mapped_column(Identifier, primary_key=True, autoincrement=True)
    entity: Mapped[str] = mapped_column(String(60))
    name: Mapped[str] = mapped_column(String(80))
    user_id: Mapped[int | None] = mapped_column(
        ForeignKey("ab_user.id", ondelete="CASCADE"), index=True
    )
    user_name: Mapped[str] = mapped_column(String(130))
    changed_at: Mapped[datetime.datetime] = mapped_column(UtcDateTime)
    columns: Mapped[list[str]] = mapped_column(Json)
    """The header of the file that it was made with."""
    options: Mapped[dict[str, Any]] = mapped_column(Json)
    """Of `Options` those that are not about how a file is read."""
    shared: Mapped[list[Any]] = mapped_column(Json, default=list)
    """The roles, by id, that may use it too; EVERYONE: whoever may import into the entity."""


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
    problems: Mapped[list[dict[str, Any]]] = mapped_column(SealedJson)
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


@keeper
def _import_files(session: Session) -> Iterator[StoredFile]:
    """Files that were brought in and are still kept."""
    for run in session.scalars(select(ImportRun).where(ImportRun.file_path.is_not(None))):
        name, path, about = run.file_name, str(run.file_path), frozenset({run.entity})
        yield StoredFile(path, name, _("Imported file"), about, partial(_forget, run_id=run.id))


# -- whose they are --------------------------------------------------------------------------


def _profiles(user_id: int) -> Any:
    return select(ImportProfile).where(ImportProfile.user_id == user_id)


def _move_profiles(session: Session, leaver: int, successor: int) -> int:
    """Profiles keep their names, unless the successor has one of that name: then its owner is added."""
    found = session.scalars(_profiles(leaver)).all()
    names = names_of([leaver, successor], session)
    taken = {(one.entity, one.name) for one in session.scalars(_profiles(successor))}
    for profile in found:
        if (profile.entity, profile.name) in taken:
            profile.name = f"{profile.name[:40]} ({names[leaver][:30]} {profile.id})"
        profile.user_id, profile.user_name = successor, names[successor]
    return len(found)


def _open_imports(user_id: int) -> Any:
    unfinished = (UPLOADED, CHECKING, CHECKED, RUNNING)
    return select(ImportRun).where(ImportRun.user_id == user_id, ImportRun.state.in_(unfinished))


def _move_imports(session: Session, leaver: int, successor: int) -> int:
    found = session.scalars(_open_imports(leaver)).all()
    name = names_of([successor], session)[successor]
    for run in found:
        run.user_id, run.user_name = successor, name
    return len(found)


def _counted(wanted: Callable[[int], Any]) -> Callable[[Session, int], int]:
    return lambda session, user_id: len(session.scalars(wanted(user_id)).all())


belonging(Belonging("import_profiles", _("Import profiles"), _counted(_profiles), _move_profiles))
belonging(Belonging("imports", _("Imports not finished"), _counted(_open_imports), _move_imports))


def _forget(session: Session, run_id: int) -> None:
    run = session.get(ImportRun, run_id, populate_existing=True)
    if run is not None:
        run.file_path = None
