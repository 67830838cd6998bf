"""What kinds, doors and states of changes are called."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from flask_babel import format_decimal, gettext
from flask_babel import lazy_gettext as _

from app.engine.changes import models as kinds
from app.engine.links import BY_LINK

KINDS = {
    kinds.CREATE: _("Added"),
    kinds.UPDATE: _("Edited"),
    kinds.APPROVE: _("Approved"),
    kinds.TRASH: _("Moved to the trash"),
    kinds.RESTORE: _("Restored"),
    kinds.PURGE: _("Purged"),
    kinds.REMOVE: _("Taken away by undo"),
    kinds.ERASE: _("Personal data erased"),
}

COUNTED: Mapping[str, Callable[[str], str]] = {
    kinds.CREATE: lambda number: gettext("%(number)s added", number=number),
    kinds.UPDATE: lambda number: gettext("%(number)s edited", number=number),
    kinds.APPROVE: lambda number: gettext("%(number)s approved", number=number),
    kinds.TRASH: lambda number: gettext("%(number)s to the trash", number=number),
    kinds.RESTORE: lambda number: gettext("%(number)s restored", number=number),
    kinds.PURGE: lambda number: gettext("%(number)s purged", number=number),
    kinds.REMOVE: lambda number: gettext("%(number)s taken away", number=number),
    kinds.ERASE: lambda number: gettext("%(number)s erased", number=number),
}

DOORS = {
    "form": _("Form"),
    "bulk": _("Several at once"),
    "import": _("Import"),
    "api": _("API"),
    "action": _("Action"),
    "revert": _("Revert"),
    "undo": _("Undo"),
    "merge": _("Merge"),
    "command": _("Command line"),
    "job": _("Job"),
    "erasure": _("Erasure"),
    "handover": _("Hand-over"),
    "pool": _("Pool"),
    "seed": _("Reference data"),
    "demo": _("Demonstration data"),
    "demo_removal": _("Demonstration data taken away"),
    "link": _("Link without sign-in"),
}

STATES = {
    kinds.OPEN: (_("Not finished"), "warn"),
    kinds.DONE: (_("Done"), "good"),
    kinds.UNDONE: (_("Undone"), "neutral"),
    kinds.PARTLY: (_("Partly undone"), "warn"),
}
"""The word, and the tone of its dot."""


def door(name: str) -> str:
    """The word for a door; one without a word stands for itself."""
    return str(DOORS.get(name, name))


def person(user_name: str) -> str:
    """Who it was; what belongs to no person was done by the system."""
    if user_name == BY_LINK:
        return str(gettext("Somebody by a link"))
    return str(gettext("System")) if user_name in ("", "system") else user_name


def counts(found: Mapping[str, Any] | None) -> str:
    """“5,524 added, 12 edited”."""
    amounts = {kind: int(amount) for kind, amount in (found or {}).items()}
    words = [
        say(format_decimal(amounts[kind])) for kind, say in COUNTED.items() if amounts.get(kind)
    ]
    return str(gettext(", ")).join(words)
