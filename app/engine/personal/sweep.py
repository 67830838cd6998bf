"""A person's words in what the system keeps beside the records: notifications, jobs, imports, reports.

Every text and JSON column of every such table is looked through, a later area's too; what is left
out stands here with its reason.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import JSON, Column, String, Table, select, update
from sqlalchemy.orm import Session

from app.engine.adapters.database import Model, db, write_transaction
from app.engine.adapters.vault import SealedJson
from app.engine.changes.models import Change
from app.engine.entity import DECLARED, table_name
from app.engine.job import RUNNING, WAITING, Job
from app.engine.personal.models import Erasure
from app.engine.personal.terms import Finder, Terms, is_closed

LEFT_OUT = {
    Change.__tablename__: "the history of records is cleaned record by record",
    Erasure.__tablename__: "a proof holds no value",
    "account_change": "about people who sign in, not about people who are kept as records",
    "series_counter": "names of series and numbers",
    "api_key": "names that people gave to their own keys",
    "steward_version": "names of numbers",
    "setup_state": "fingerprints",
}
LEFT_OUT_PREFIXES = ("ab_", "alembic_", "search_", "role_", "audit")
"""Accounts, migrations, search entries (written anew with each record), rights, and the audit log,
which can only be added to and names records by their numbers."""

TECHNICAL = frozenset({
    "kind", "queue", "state", "entity", "door", "tone", "level", "outcome", "language", "rule",
    "sha256", "claim", "runner", "system_name", "file_of", "file_path", "job_id",
})  # fmt: skip
"""Columns in which only the system writes, words of its own."""

STAFF = frozenset({
    "user_name", "asked_by_name", "owner_name", "by_name", "changed_by",
})  # fmt: skip
"""Columns that name people who sign in."""

SPOKEN = frozenset({
    "message", "detail", "title", "subject", "lines", "reason", "report", "problems", "refusals",
    "file_name",
})  # fmt: skip
"""Columns that are read by people: a name of any kind is taken out of them."""

_BATCH = 200


@dataclass(frozen=True)
class Place:
    """A column that is looked through."""

    table: Table
    column: Column[Any]

    @property
    def name(self) -> str:
        return f"{self.table.name}.{self.column.name}"


def places() -> Iterator[Place]:
    """Every column that may hold what somebody has written."""
    entities = {table_name(name) for name in DECLARED}
    for table in Model.metadata.sorted_tables:
        left = table.name in LEFT_OUT or table.name.startswith(LEFT_OUT_PREFIXES)
        if left or table.name in entities:
            continue
        for column in table.columns:
            if _is_text(column) and column.name not in TECHNICAL | STAFF:
                yield Place(table, column)


def _is_text(column: Column[Any]) -> bool:
    plain = isinstance(column.type, (String, JSON, SealedJson))
    return plain and not column.primary_key and not column.foreign_keys


def sweep(terms: Terms) -> dict[str, int]:
    """Take the words out everywhere; how many rows of which column. A batch is a transaction."""
    counts = {}
    for place in places():
        names = terms.names if place.column.name in SPOKEN else terms.plain_names
        finder = Finder((*terms.sure, *names))
        if finder and (done := _sweep(place, finder)):
            counts[place.name] = done
    return counts


def count(session: Session, terms: Terms) -> dict[str, int]:
    """How many rows of which column hold them."""
    counts = {}
    for place in places():
        names = terms.names if place.column.name in SPOKEN else terms.plain_names
        finder = Finder((*terms.sure, *names))
        if finder and (found := len(_ids(session, place, finder))):
            counts[place.name] = found
    return counts


def _ids(session: Session, place: Place, finder: Finder) -> list[Any]:
    key = next(iter(place.table.primary_key.columns))
    statement = select(key).where(finder.clause(place.column))
    if place.table.name == Job.__tablename__:
        statement = statement.where(place.table.c.state.not_in((WAITING, RUNNING)))
    if not is_closed(place.column):
        return list(session.scalars(statement))
    rows = session.execute(statement.add_columns(place.column))
    return [row_id for row_id, value in rows if finder.holds(value)]


def _sweep(place: Place, finder: Finder) -> int:
    key = next(iter(place.table.primary_key.columns))
    ids = _ids(db.session(), place, finder)
    done = 0
    for start in range(0, len(ids), _BATCH):
        with write_transaction() as session:
            part = ids[start : start + _BATCH]
            rows = session.execute(select(key, place.column).where(key.in_(part))).all()
            for row_id, value in rows:
                cleaned = finder.clean(value)
                if cleaned != value:
                    session.execute(
                        update(place.table).where(key == row_id).values({place.column: cleaned})
                    )
                    done += 1
    db.session.rollback()
    return done
