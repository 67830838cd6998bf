"""Records that were worked out for others, and belong to them alone (see `figures`)."""

from __future__ import annotations

from sqlalchemy.orm import Session

from app.engine.adapters.database import in_turn
from app.engine.fields import Field
from app.engine.registry import EntityDefinition, current


def worked_out(definition: EntityDefinition) -> list[tuple[EntityDefinition, Field]]:
    """By which references worked-out records belong to those of the entity."""
    return [
        (pointing, reference)
        for pointing, reference in current().incoming.get(definition.name, ())
        if reference.on_delete == "cascade" and pointing.model.options.worked_out
    ]


def turn_of(definition: EntityDefinition) -> str:
    """Who works such records out, and who takes away what they belong to, wait for one another."""
    return f"worked out {definition.name}"


def take_turn(session: Session, definition: EntityDefinition) -> None:
    """Before records of the entity are taken away: none is being worked out for them meanwhile."""
    in_turn(session, [turn_of(pointing) for pointing, _reference in worked_out(definition)])
