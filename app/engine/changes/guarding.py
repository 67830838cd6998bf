"""What guards keep as it is (see `holds`), refused in the one way by which records are written."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from sqlalchemy.orm import Session

from app.engine import policy
from app.engine.errors import InvalidInput, Problem
from app.engine.holds import (
    Hold,
    guarded,
    is_guarded,
    may_be_shut,
    may_stay,
    staying,
    why_shut,
)
from app.engine.registry import EntityDefinition

WHY = "a hold counts whoever may see it"


def standing(
    session: Session, definition: EntityDefinition, record_ids: Collection[int]
) -> dict[int, list[Hold]]:
    """The holds of those of the records that guards keep as they are."""
    if not record_ids or not is_guarded(definition.name):
        return {}
    session.flush()
    with policy.unrestricted(WHY, session.connection()) as everything:
        return guarded(everything, definition.name, record_ids)


def refuse_removal(
    session: Session, definition: EntityDefinition, record_ids: Collection[int]
) -> None:
    """Raises InvalidInput when one of the records may not go, into the trash neither."""
    if not record_ids or not may_stay(definition.name):
        return
    session.flush()
    with policy.unrestricted(WHY, session.connection()) as everything:
        for among in (guarded, staying):
            for found in among(everything, definition.name, record_ids).values():
                raise InvalidInput.of(None, found[0].refusal)


def shut(
    session: Session, definition: EntityDefinition, child: EntityDefinition, record_id: int
) -> Any:
    """Why no record of `child` is added to this one now; None where it may be."""
    if not may_be_shut(definition.name, child.name):
        return None
    session.flush()
    with policy.unrestricted(WHY, session.connection()) as everything:
        return why_shut(everything, definition.name, child.name, record_id)


def locked(
    session: Session, definition: EntityDefinition, record_id: int, names: Collection[str]
) -> list[Problem]:
    """Why fields of the record may not change, one problem for each that may not."""
    found = standing(session, definition, [record_id]).get(record_id, ()) if names else ()
    return [
        Problem(name, hold.refusal)
        for name in names
        if (hold := next((one for one in found if not one.leaves(name)), None))
    ]
