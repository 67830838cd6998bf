"""Checking out and in: while somebody is at work on a document, others change nothing of it."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any

from flask_babel import format_datetime
from flask_babel import lazy_gettext as _

from app.domains.documents.choices import EDITABLE
from app.engine.actions import Action
from app.engine.errors import InvalidInput
from app.engine.onward import note
from app.engine.rules import Saving

KEPT = ("checked_out_by", "checked_out_at")


def check_out(changes: Any, record: Any, _values: Mapping[str, Any]) -> None:
    """From now on the document is theirs alone to change. Raises InvalidInput when it is not free."""
    refuse(changes, record.checked_out_by_id, record.checked_out_at)
    if changes.viewer.user_id is None:
        raise InvalidInput.of(None, _("Only a person checks a document out."))
    moment = datetime.datetime.now(datetime.UTC).replace(microsecond=0)
    note(
        changes, "Document", record, dict(zip(KEPT, (changes.viewer.user_id, moment), strict=True))
    )


def check_in(changes: Any, record: Any, _values: Mapping[str, Any]) -> None:
    """Others may change it again. Raises InvalidInput for somebody else's."""
    refuse(changes, record.checked_out_by_id, record.checked_out_at)
    note(changes, "Document", record, dict.fromkeys(KEPT))


def break_lock(changes: Any, record: Any, _values: Mapping[str, Any]) -> None:
    """Take it from whoever has checked it out: for those with the right to purge."""
    note(changes, "Document", record, dict.fromkeys(KEPT))


def refuse(changes: Any, holder: int | None, since: datetime.datetime | None) -> None:
    """Raises InvalidInput when somebody else has the document checked out."""
    if holder is not None and holder != changes.viewer.user_id:
        raise InvalidInput.of(None, _message(since))


def refuse_others(saving: Saving) -> None:
    """While it is checked out only whoever has it may change it; the system's own jobs may."""
    before, viewer = saving.before, saving.changes.viewer
    holder = before.get("checked_out_by")
    if holder is None or viewer.user_id is None or holder == viewer.user_id:
        return
    if any(saving.changed(name) for name in before):
        saving.problem(None, _message(before.get("checked_out_at")))


def _message(since: datetime.datetime | None) -> Any:
    return _(
        "Somebody else has checked it out, since %(since)s. They check it in, or an administrator"
        " breaks the lock.",
        since=format_datetime(since, "short") if since else "?",
    )


def remark(row: Mapping[str, Any] | None) -> Any:
    """Who has it checked out, and since when."""
    if row is None or row.get("checked_out_by") is None:
        return None
    return _(
        "Checked out by %(person)s since %(since)s: only they change it until it is checked in.",
        person=row.get("checked_out_by.label") or f"#{row['checked_out_by']}",
        since=format_datetime(row["checked_out_at"], "short") if row.get("checked_out_at") else "?",
    )


def _free(record: Any) -> bool:
    return record.checked_out_by_id is None and record.state in EDITABLE


def _taken(record: Any) -> bool:
    return record.checked_out_by_id is not None


ACTIONS = (
    Action("check_out", _("Check out"), "update", check_out, "lock", _free),
    Action("check_in", _("Check in"), "update", check_in, "lock-open", _taken),
    Action("break_lock", _("Break the lock"), "purge", break_lock, "lock-off", _taken),
)
