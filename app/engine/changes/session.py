"""Opening a change set, and the guard that lets nothing be written outside one."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from sqlalchemy import event
from sqlalchemy.orm import Session

from app.engine import policy
from app.engine.adapters.database import db, write_transaction
from app.engine.changes.deriving import settle
from app.engine.changes.journal import Journal
from app.engine.changes.writer import Changes
from app.engine.entity import Entity


class WriteOutsideChangeSet(RuntimeError):
    """A record was about to be written without a change set; a fault in the program."""


@contextlib.contextmanager
def change_set(
    door: str,
    reason: str | None = None,
    change_set_id: int | None = None,
    undoes_id: int | None = None,
    last: bool = True,
) -> Iterator[Changes]:
    """One transaction of a change set, committed at the end, rolled back by any exception.

    `door`: by which way the write comes (form, api, import, bulk, action, undo, command, job).
    `change_set_id` goes on with a change set that spans transactions; `last` closes it. Inside
    another change set of the same session, that one is continued.
    """
    running: Changes | None = db.session().info.get("changes")
    if running is not None:
        yield running
        return
    viewer = policy.current_viewer()
    with write_transaction() as session:
        journal = Journal(session, viewer, door, reason, change_set_id, undoes_id)
        changes = Changes(session, viewer, journal)
        session.info["changes"] = changes
        try:
            yield changes
            session.flush()
            settle(session, journal.touched)
            journal.close(last)
        finally:
            session.info.pop("changes", None)


class _Rehearsed(Exception):
    """The end of a rehearsal."""


@contextlib.contextmanager
def rehearsal(door: str) -> Iterator[Changes]:
    """A change set that is tried for good and then rolled back: nothing of it stays."""
    with contextlib.suppress(_Rehearsed), change_set(door) as changes:
        yield changes
        raise _Rehearsed


@event.listens_for(Session, "before_flush")
def _guard(session: Session, _context: Any, _instances: Any) -> None:
    if session.info.get("changes") is not None:
        return
    for record in (*session.new, *session.dirty, *session.deleted):
        if isinstance(record, Entity) and (
            record in session.new or record in session.deleted or session.is_modified(record)
        ):
            raise WriteOutsideChangeSet(f"{record!r} is written outside a change set")
