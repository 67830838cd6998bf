"""Reading records on somebody's behalf."""

from app.engine.conditions import MOST_KEYS, Condition, Sort, described
from app.engine.query.agenda import Entry, Waiting, waiting
from app.engine.query.groups import By, Group, Grouped, charted, grouped, single
from app.engine.query.keyset import Cursor
from app.engine.query.labels import add_files, add_labels, files_info, titles
from app.engine.query.matching import allowed, holding, holding_begun, matching, taken
from app.engine.query.measures import Measured, measured
from app.engine.query.portable import moment, restorer
from app.engine.query.records import COUNT_CAP, MAX_PAGE_SIZE, Page, Records
from app.engine.query.snapshot import Snapshot, snapshot

__all__ = [
    "COUNT_CAP",
    "MAX_PAGE_SIZE",
    "MOST_KEYS",
    "By",
    "Condition",
    "Cursor",
    "Entry",
    "Group",
    "Grouped",
    "Measured",
    "Page",
    "Records",
    "Snapshot",
    "Sort",
    "Waiting",
    "add_files",
    "add_labels",
    "allowed",
    "charted",
    "described",
    "files_info",
    "grouped",
    "holding",
    "holding_begun",
    "matching",
    "measured",
    "moment",
    "restorer",
    "single",
    "snapshot",
    "taken",
    "titles",
    "waiting",
]
