"""The records that somebody has worked on lately."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from app.engine import policy, registry
from app.engine.adapters.database import db
from app.engine.addresses import record_address
from app.engine.changes import Change, ChangeSet
from app.engine.query import titles

RECENT = 8
LATEST_SETS = 40
LATEST_CHANGES = 200


@dataclass(frozen=True)
class Recent:
    """A record that the viewer has written lately."""

    title: str
    href: str
    entity: Any
    icon: str
    at: Any


def recent_records(viewer: policy.Viewer) -> list[Recent]:
    """The records in the viewer's latest change sets, the newest first, each once."""
    if viewer.user_id is None:
        return []
    sets = (
        select(ChangeSet.id)
        .where(ChangeSet.user_id == viewer.user_id)
        .order_by(ChangeSet.id.desc())
        .limit(LATEST_SETS)
    )
    changes = db.session.execute(
        select(Change.entity, Change.record_id, ChangeSet.at)
        .join(ChangeSet, ChangeSet.id == Change.change_set_id)
        .where(Change.change_set_id.in_(sets.scalar_subquery()))
        .order_by(Change.change_set_id.desc(), Change.id.desc())
        .limit(LATEST_CHANGES)
    )
    latest: dict[tuple[str, int], Any] = {}
    for entity, record_id, at in changes:
        latest.setdefault((entity, record_id), at)
    return _named(list(latest.items())[: RECENT * 3], viewer)[:RECENT]


def _named(latest: list[tuple[tuple[str, int], Any]], viewer: policy.Viewer) -> list[Recent]:
    """Those that are still there and may be seen, with their names."""
    entities = registry.current().entities
    wanted: dict[str, list[int]] = {}
    for (entity, record_id), _at in latest:
        if entity in entities and viewer.can(entity, "read"):
            wanted.setdefault(entity, []).append(record_id)
    names = {entity: titles(entity, ids) for entity, ids in wanted.items()}
    return [
        Recent(
            title=names[entity][record_id] or f"#{record_id}",
            href=record_address(entities[entity], record_id),
            entity=entities[entity].label,
            icon=entities[entity].icon,
            at=at,
        )
        for (entity, record_id), at in latest
        if record_id in names.get(entity, {})
    ]
