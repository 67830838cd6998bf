"""Entries in the reader's words."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from flask_babel import gettext
from flask_babel import lazy_gettext as _

from app.engine.addresses import has_page, record_address
from app.engine.audit import AuditEntry
from app.engine.audit.kinds import described
from app.engine.errors import NotFound
from app.engine.people import names_of
from app.engine.registry import EntityDefinition, current

DOORS = {
    "page": _("Web page"),
    "api": _("API"),
    "job": _("Job"),
    "command": _("Command line"),
}

_LABELS = {
    "fields": _("Fields"),
    "field": _("Field"),
    "reason": _("Reason"),
    "count": _("Records"),
    "ids": _("Numbers"),
    "path": _("Address"),
    "method": _("Method"),
    "change_set": _("Change set"),
    "change": _("Change"),
    "job": _("Job"),
    "name": _("File"),
    "file": _("File"),
    "format": _("Format"),
    "rows": _("Rows"),
    "roles": _("Roles"),
    "acting_as": _("Viewed as"),
    "kind": _("Kind"),
    "sha256": _("SHA-256"),
}
"""What details are called; the others by their own name."""

_CHANGES = {
    "create": _("Added"),
    "update": _("Edited"),
    "approve": _("Approved"),
    "trash": _("Moved to the trash"),
    "restore": _("Restored"),
    "purge": _("Purged"),
    "remove": _("Taken away by undo"),
    "delete": _("Deleted"),
    "pause": _("Paused"),
    "resume": _("Resumed"),
}

_TELLING = ("reason", "count", "rows", "fields", "field", "path", "name", "file", "change")


def lines(entries: Sequence[AuditEntry]) -> list[dict[str, Any]]:
    """The entries as the list shows them; one query for the names of the people."""
    people = {entry.person_id for entry in entries if entry.person_id is not None}
    names = names_of(sorted(people))
    return [_line(entry, names) for entry in entries]


def one(entry: AuditEntry) -> dict[str, Any]:
    """An entry with everything in it."""
    return {
        **lines([entry])[0],
        "details": [
            (_LABELS.get(name, name), _text(entry, name, value))
            for name, value in _details(entry).items()
        ],
        "request_id": entry.request_id,
        "position": entry.position,
        "previous": entry.previous,
        "hash": entry.hash,
    }


def _line(entry: AuditEntry, names: Mapping[int, str]) -> dict[str, Any]:
    kind = described(entry.kind)
    label, href = _about(entry)
    return {
        "id": entry.id,
        "at": entry.at,
        "who": _who(entry),
        "user_id": entry.user_id,
        "kind": kind.label,
        "grave": kind.grave,
        "about": label,
        "about_href": href,
        "person": names.get(entry.person_id or 0) if entry.person_id != entry.user_id else None,
        "person_id": entry.person_id,
        "door": DOORS.get(entry.door, entry.door),
        "address": entry.address,
        "summary": _summary(entry),
        "sealed": entry.position is not None,
    }


def _who(entry: AuditEntry) -> str:
    if entry.user_id is None and entry.who in ("", "system"):
        return str(gettext("System") if entry.who else gettext("A visitor"))
    return entry.who


def _details(entry: AuditEntry) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(entry.details)
    return found


def _definition(name: str | None) -> EntityDefinition | None:
    try:
        return current().entity(name) if name else None
    except NotFound:
        return None


def _about(entry: AuditEntry) -> tuple[str, str | None]:
    """What it is about: the records' kind and number, and where the record is."""
    definition = _definition(entry.entity)
    if definition is None:
        return entry.entity or "", None
    if entry.record_id is None:
        return str(definition.plural), None
    address = record_address(definition, entry.record_id)
    return f"{definition.label} #{entry.record_id}", address if has_page(address) else None


def _summary(entry: AuditEntry) -> str:
    """What matters most, in a line."""
    details = _details(entry)
    found = [name for name in _TELLING if details.get(name) not in (None, "", [])]
    return " · ".join(
        gettext("%(what)s: %(how)s", what=_LABELS[name], how=_text(entry, name, details[name]))
        for name in found[:3]
    )


def _text(entry: AuditEntry, name: str, value: Any) -> str:
    """A detail as text: fields and changes by their words, lists with commas, the rest as it was written."""
    if name == "change" and value in _CHANGES:
        return str(_CHANGES[value])
    if name in ("field", "fields"):
        value = _field_labels(_definition(entry.entity), value)
    if isinstance(value, list) and all(isinstance(part, str | int) for part in value):
        return str(gettext(", ")).join(map(str, value))
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _field_labels(definition: EntityDefinition | None, names: Any) -> Any:
    """What the fields are called; one that is no more by its name."""
    known = definition.fields if definition is not None else {}
    if isinstance(names, str):
        return str(known[names].label) if names in known else names
    return [_field_labels(definition, name) for name in names]
