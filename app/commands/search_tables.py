"""The search tables, which stand outside the migrations: made, or made anew, when their fields or tokens changed."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

from sqlalchemy import select

from app.engine import indexing, policy, registry
from app.engine.adapters import setup_state
from app.engine.adapters.database import write_transaction
from app.engine.registry import EntityDefinition
from app.engine.search.index import TOKENS_VERSION

AT_ONCE = 1000


def build() -> list[str]:
    """Bring every entity's search table to what this version expects; returns those that were made."""
    registry.refresh()
    return [entity.name for entity in registry.current().entities.values() if _build(entity)]


def _build(entity: EntityDefinition) -> bool:
    index = entity.search_index
    if index is None:
        return False
    state, wanted = f"search.{entity.key}", _version(entity)
    with write_transaction() as session:
        if index.exists(session.connection()) and setup_state.noted(state) == wanted:
            return False
        index.rebuild(session.connection(), _entries(entity))
        setup_state.note(state, wanted)
    return True


def _version(entity: EntityDefinition) -> str:
    """Of the declared fields that are searched, and of how they are taken apart."""
    parts = [
        f"{field.name}:{registry.search_kind(field)}"
        for field in entity.fields.values()
        if field.search and not field.custom
    ]
    return hashlib.sha256(f"{TOKENS_VERSION}:{sorted(parts)}".encode()).hexdigest()


def _entries(entity: EntityDefinition) -> Iterator[indexing.Entry]:
    """What is searched of every record outside the trash, at constant memory."""
    model = entity.model
    records = select(model).where(model.deleted_at.is_(None)).execution_options(yield_per=AT_ONCE)
    with policy.unrestricted("every record can be found by those who may see it") as session:
        yield from indexing.entries(entity, session.scalars(records))
