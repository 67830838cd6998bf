"""Exports in the audit log: what was taken out, and which of it is personal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.engine import audit
from app.engine.errors import NotFound
from app.engine.registry import current


def note_export(result: Mapping[str, Any], format: str, **more: Any) -> None:
    """One entry for the whole file, in the transaction that is under way if there is one."""
    parts = [
        {
            "entity": part["entity"],
            "rows": part["rows"],
            "personal": _personal(part["entity"], part["fields"]),
        }
        for part in result["parts"]
    ]
    details = {"format": format, "parts": parts, "sha256": result["sha256"], **more}
    audit.record("export", entity=parts[0]["entity"], details=details)


def _personal(entity: str, names: list[str]) -> list[str]:
    """Those of the fields that hold personal data."""
    try:
        fields = current().entity(entity).fields
    except NotFound:
        return []  # taken away meanwhile
    return [name for name in names if name in fields and fields[name].personal]
