"""Reading records on somebody's behalf."""

from app.engine.query.conditions import Condition, Sort, described
from app.engine.query.groups import Group, grouped
from app.engine.query.keyset import Cursor
from app.engine.query.labels import add_labels, titles
from app.engine.query.matching import allowed, holding, matching, taken
from app.engine.query.portable import moment, restorer
from app.engine.query.records import COUNT_CAP, MAX_PAGE_SIZE, Page, Records
from app.engine.query.snapshot import Snapshot, snapshot

__all__ = [
    "COUNT_CAP",
    "MAX_PAGE_SIZE",
    "Condition",
    "Cursor",
    "Group",
    "Page",
    "Records",
    "Snapshot",
    "Sort",
    "add_labels",
    "allowed",
    "described",
    "grouped",
    "holding",
    "matching",
    "moment",
    "restorer",
    "snapshot",
    "taken",
    "titles",
]
