"""An account's history in the reader's words: each field that differs, before and after."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flask_babel import gettext
from flask_babel import lazy_gettext as _

from app.engine.adapters.appbuilder import accounts
from app.engine.adapters.appbuilder.forms import ProfileForm
from app.engine.adapters.appbuilder.roles import role_labels
from app.engine.adapters.appbuilder.user import AccountChange

FIELDS = {
    "username": _("User name"),
    "first_name": _("Given name"),
    "last_name": _("Family name"),
    "email": _("E-mail"),
    "active": _("May sign in"),
    "language": _("Language"),
    "theme": _("Theme"),
    "mails_results": _("Mail me how my jobs have ended"),
    "roles": _("Roles"),
    "password": _("Password"),
    "second_factor": _("Second factor"),
}
"""What each field is called."""


@dataclass(frozen=True)
class Line:
    """One field; empty text is an empty value."""

    label: Any
    before: str
    after: str


@dataclass(frozen=True)
class Told:
    """One change of an account; `new` when it made the account."""

    at: Any
    by_name: str
    new: bool
    lines: list[Line]


def told(changes: list[AccountChange]) -> list[Told]:
    """The changes, in their order."""
    labels = role_labels()
    roles = {role.name: str(labels[role.id].name) for role in accounts.all_roles()}
    return [
        Told(
            change.at,
            change.by_name or gettext("System"),
            not change.before and "username" in change.after,
            [_line(name, change, roles) for name in FIELDS if name in change.after],
        )
        for change in changes
    ]


def _line(name: str, change: AccountChange, roles: Mapping[str, str]) -> Line:
    if name == "password":  # only that it changed is known
        return Line(FIELDS[name], "", gettext("A new one"))
    before, after = (
        _text(name, values.get(name), roles) for values in (change.before, change.after)
    )
    return Line(FIELDS[name], before, after)


def _text(name: str, value: Any, roles: Mapping[str, str]) -> str:
    if name == "roles":
        return str(gettext(", ")).join(roles.get(role, role) for role in value or ())
    if isinstance(value, bool):
        return str(gettext("Yes") if value else gettext("No"))
    if name in ("language", "theme"):
        return str(dict(ProfileForm()[name].choices).get(value, value or ""))
    return "" if value is None else str(value)
