"""Every write is a change set: who, when, why, by which door, and each record before and after."""

from app.engine.changes.beforehand import WorkedOut, learn, work_out
from app.engine.changes.bulk import create_prepared
from app.engine.changes.checking import Prepared, current_values
from app.engine.changes.models import Change, ChangeSet
from app.engine.changes.session import WriteOutsideChangeSet, change_set, rehearsal
from app.engine.changes.undo import UndoReport, may_undo, undo, undone_with
from app.engine.changes.writer import Changes

__all__ = [
    "Change",
    "ChangeSet",
    "Changes",
    "Prepared",
    "UndoReport",
    "WorkedOut",
    "WriteOutsideChangeSet",
    "change_set",
    "create_prepared",
    "current_values",
    "learn",
    "may_undo",
    "rehearsal",
    "undo",
    "undone_with",
    "work_out",
]
