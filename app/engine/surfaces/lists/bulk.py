"""What can be done to several records at once. Each time one change set, all of it or nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from flask_babel import gettext, ngettext

from app.engine import policy
from app.engine.adapters.web import toast
from app.engine.addresses import undo_address
from app.engine.changes import Changes, change_set
from app.engine.errors import NotFound, StewardError
from app.engine.query import MAX_PAGE_SIZE
from app.engine.registry import EntityDefinition


@dataclass(frozen=True)
class BulkAction:
    """A button below the list; `run` does it to one record and says whether there was anything to do."""

    name: str
    label: str
    icon: str
    danger: bool
    run: Callable[[Changes, EntityDefinition, int], bool]
    said: Callable[[int], str]


def actions(definition: EntityDefinition) -> dict[str, BulkAction]:
    """What this viewer may do to several records of the entity."""
    viewer = policy.current_viewer()
    found: list[BulkAction] = []
    if definition.review and viewer.can(definition.name, "approve"):
        found.append(
            BulkAction("approve", gettext("Approve"), "checks", False, _approve, _approved)
        )
    found += [
        BulkAction(
            f"do:{action.name}", str(action.label), action.icon, False, _declared(action), _done
        )
        for action in definition.model.actions
        if viewer.can(definition.name, action.right)
    ]
    if viewer.can(definition.name, "delete"):
        found.append(BulkAction("trash", gettext("Delete"), "trash", True, _trash, _trashed))
    return {action.name: action for action in found}


def run(definition: EntityDefinition, action: BulkAction, ids: Sequence[str]) -> None:
    """Do it to all of them; a toast says what came of it, with the way back."""
    wanted = list(dict.fromkeys(int(text) for text in ids if text.isdecimal() and len(text) < 19))
    if not wanted:
        toast(gettext("Tick the rows first."), "warning")
        return
    done = 0
    try:
        with change_set("bulk") as changes:
            for record_id in wanted[:MAX_PAGE_SIZE]:
                done += _one(changes, definition, action, record_id)
    except StewardError as problem:
        toast(gettext("Nothing was changed: %(reason)s", reason=str(problem)), "danger")
        return
    toast(
        action.said(done), "success" if done else "info", undo_address(changes.id) if done else None
    )


def _one(changes: Changes, definition: EntityDefinition, action: BulkAction, record_id: int) -> int:
    """1 when something was done; a record that somebody deleted meanwhile is passed over."""
    try:
        return int(action.run(changes, definition, record_id))
    except NotFound:
        return 0


def _approve(changes: Changes, definition: EntityDefinition, record_id: int) -> bool:
    before = changes.load(definition, record_id, "approve").review_state
    return bool(changes.approve(definition, record_id).review_state != before)


def _trash(changes: Changes, definition: EntityDefinition, record_id: int) -> bool:
    changes.trash(definition, record_id)
    return True


def _declared(action: Any) -> Callable[[Changes, EntityDefinition, int], bool]:
    def perform(changes: Changes, definition: EntityDefinition, record_id: int) -> bool:
        record = changes.load(definition, record_id, action.right)
        if not action.offered(record):
            return False
        action.run(changes, record)
        return True

    return perform


def _approved(count: int) -> str:
    return str(ngettext("%(num)s record approved.", "%(num)s records approved.", count))


def _trashed(count: int) -> str:
    return str(
        ngettext("%(num)s record moved to the trash.", "%(num)s records moved to the trash.", count)
    )


def _done(count: int) -> str:
    return str(ngettext("Done for %(num)s record.", "Done for %(num)s records.", count))
