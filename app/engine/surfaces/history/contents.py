"""What a change set holds, and how its undo went, as far as the viewer may see the records."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from app.engine import policy, registry
from app.engine.adapters.database import db
from app.engine.changes import Change, ChangeSet
from app.engine.changes import models as kinds
from app.engine.changes.undo import reason_text
from app.engine.registry import EntityDefinition
from app.engine.surfaces.history import words
from app.engine.surfaces.history.shown import Known, Shown, known_records, name_of, shown_changes

LISTED = 100
BATCH = 250
MOST_BATCHES = 8
"""So many changes are looked through for some that the viewer may see; then they may go on."""


@dataclass(frozen=True)
class Contents:
    """The changes of a page, and the id to go on after when there may be more."""

    changes: list[dict[str, Any]]
    after: int | None


def contents(found: ChangeSet, after: int) -> Contents:
    """The first changes after the id that the viewer may see."""
    lines: list[dict[str, Any]] = []
    for _round in range(MOST_BATCHES):
        batch = _batch(found, after)
        for change, line in zip(batch, _lines(batch), strict=True):
            after = change.id
            if line is not None:
                lines.append(line)
            if len(lines) == LISTED:
                return Contents(lines, after if _batch(found, after, 1) else None)
        if len(batch) < BATCH:
            return Contents(lines, None)
    return Contents(lines, after)


def _batch(found: ChangeSet, after: int, size: int = BATCH) -> Sequence[Change]:
    statement = (
        select(Change)
        .where(Change.change_set_id == found.id, Change.id > after)
        .order_by(Change.id)
        .limit(size)
    )
    return list(db.session.scalars(statement))


def _lines(batch: Sequence[Change]) -> list[dict[str, Any] | None]:
    """For each change how it is shown; None for one of a record that the viewer may not see."""
    by_entity: dict[str, list[Change]] = defaultdict(list)
    for change in batch:
        by_entity[change.entity].append(change)
    found: dict[int, dict[str, Any] | None] = {}
    for name, changes in by_entity.items():
        definition = registry.current().entities.get(name)
        if definition is None or not policy.current_viewer().can(name, "read"):
            continue
        known = known_records(definition, {change.record_id for change in changes})
        shown = shown_changes(definition, changes, known.rows)
        for change in changes:
            found[change.id] = _line(definition, change, known, shown[change.id])
    return [found.get(change.id) for change in batch]


def _line(
    definition: EntityDefinition, change: Change, known: Known, shown: Shown
) -> dict[str, Any] | None:
    row = known.rows.get(change.record_id)
    if row is None and policy.current_viewer().scope(definition.name, "read") != "all":
        return None
    if change.kind in (kinds.CREATE, kinds.REMOVE) or row is None:
        shown = Shown()
    trashed = change.record_id in known.trashed
    return {
        "entity": definition.label,
        "kind": words.KINDS[change.kind],
        "name": name_of(definition, row) if row else f"#{change.record_id}",
        "href": _record_href(definition, change.record_id, trashed) if row else None,
        "lines": shown.lines,
        "undone": change.undone,
    }


def _record_href(definition: EntityDefinition, record_id: int, trashed: bool) -> str:
    page = "/history" if trashed else ""
    return f"/{definition.key}/{record_id}{page}"


def report_of(kept: Mapping[str, Any]) -> dict[str, Any]:
    """The report of an undo, its records by the names that the viewer may see."""
    details = kept.get("details") or []
    ids: dict[str, set[int]] = defaultdict(set)
    for detail in details:
        ids[detail["entity"]].add(detail["record_id"])
    entities = registry.current().entities
    known = {name: known_records(entities[name], ids[name]) for name in ids if name in entities}
    return {**kept, "details": [_detail(detail, known) for detail in details]}


def _detail(detail: Mapping[str, Any], known: Mapping[str, Known]) -> dict[str, Any]:
    entities = registry.current().entities
    definition = entities.get(detail["entity"])
    record_id = detail["record_id"]
    seen = known.get(detail["entity"])
    row = seen.rows.get(record_id) if seen else None
    what = detail.get("what") or ""
    if detail["reason"] == "pointed_at":
        names = [name.strip() for name in what.split(",")]
        what = ", ".join(str(entities[n].plural) if n in entities else n for n in names)
    return {
        "outcome": detail["outcome"],
        "entity": definition.label if definition else detail["entity"],
        "name": name_of(definition, row) if definition and row else f"#{record_id}",
        "href": _record_href(definition, record_id, record_id in seen.trashed)
        if definition and seen and row
        else None,
        "reason": reason_text({**detail, "what": what}),
    }
