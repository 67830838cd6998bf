"""Kinds of entries: each declared once, with its word in both languages and the group it is found in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from flask_babel import lazy_gettext as _

SIGN_IN, ACCESS, DATA, ACCOUNTS, RIGHTS, SETTINGS, LOG = (
    "sign_in", "access", "data", "accounts", "rights", "settings", "log",
)  # fmt: skip

GROUPS = {
    SIGN_IN: _("Sign-in"),
    ACCESS: _("Access to data"),
    DATA: _("Moving and removing data"),
    ACCOUNTS: _("Accounts"),
    RIGHTS: _("Roles and organisation"),
    SETTINGS: _("Settings"),
    LOG: _("The audit log itself"),
}


@dataclass(frozen=True)
class Kind:
    """What is so for every entry of a kind. `grave` ones stand out in the list."""

    name: str
    label: Any
    group: str
    grave: bool = False


_declared: dict[str, Kind] = {}


def declare(name: str, label: Any, group: str, grave: bool = False) -> Kind:
    """Make a kind known. Declared again it is replaced, as when an application is made twice."""
    if len(name) > 40 or group not in GROUPS:
        raise ValueError(f"not a kind of audit entry: {name} in {group}")
    kind = Kind(name, label, group, grave)
    _declared[name] = kind
    return kind


def kind_of(name: str) -> Kind:
    """The kind of that name. Raises KeyError: what is recorded must have a word."""
    return _declared[name]


def described(name: str) -> Kind:
    """The same for reading: a kind of another version stands for itself."""
    return _declared.get(name) or Kind(name, name, LOG)


def declared() -> Sequence[Kind]:
    """Every kind, group by group."""
    order = list(GROUPS)
    return sorted(_declared.values(), key=lambda kind: order.index(kind.group))


for _name, _label, _group, _grave in (
    ("sign_in", _("Signed in"), SIGN_IN, False),
    ("sign_in.failed", _("Sign-in failed"), SIGN_IN, True),
    ("sign_in.locked", _("Sign-in locked"), SIGN_IN, True),
    ("sign_out", _("Signed out"), SIGN_IN, False),
    ("session.revoked", _("Session ended by somebody"), SIGN_IN, False),
    ("view", _("Personal data seen"), ACCESS, False),
    ("unmask", _("Masked value shown"), ACCESS, True),
    ("denied", _("Denied"), ACCESS, True),
    ("refused.forged", _("Refused as forged"), ACCESS, True),
    ("refused.too_many", _("Refused after too many attempts"), ACCESS, True),
    ("view_as", _("Viewed as somebody else"), ACCESS, True),
    ("personal.seen", _("All that is held on a person seen"), ACCESS, True),
    ("personal.report", _("Report on personal data made"), DATA, True),
    ("personal.erased", _("Personal data erased"), DATA, True),
    ("export", _("Exported"), DATA, False),
    ("download", _("Downloaded"), DATA, False),
    ("import", _("Imported"), DATA, False),
    ("purge", _("Purged"), DATA, True),
    ("register", _("Entered in the register"), DATA, False),
    ("archive.sealed", _("Archive package sealed"), DATA, True),
    ("archive.undone", _("Archive package undone"), DATA, True),
    ("archive.found", _("Stored file found wanting"), DATA, True),
    ("account.created", _("Account created"), ACCOUNTS, False),
    ("account.changed", _("Account changed"), ACCOUNTS, False),
    ("account.roles", _("Account's roles changed"), ACCOUNTS, True),
    ("account.password", _("Password given or changed"), ACCOUNTS, False),
    ("account.handed_over", _("Account handed over"), ACCOUNTS, True),
    ("account.second_factor", _("Second factor changed"), ACCOUNTS, False),
    ("key.created", _("API key created"), ACCOUNTS, False),
    ("key.revoked", _("API key revoked"), ACCOUNTS, False),
    ("role.changed", _("Role changed"), RIGHTS, True),
    ("organisation.changed", _("Organisation changed"), RIGHTS, False),
    ("organisation.refused", _("Change of the organisation refused"), RIGHTS, True),
    ("settings.changed", _("Settings changed"), SETTINGS, False),
    ("fields.changed", _("Fields or choices changed"), SETTINGS, False),
    ("schedule.changed", _("Schedule changed"), SETTINGS, False),
    ("audit.purged", _("Old entries purged"), LOG, False),
    ("audit.exported", _("Audit log exported"), LOG, False),
):
    declare(_name, _label, _group, _grave)
