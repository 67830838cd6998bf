"""Enforcement: the policy put below every query, so that no surface can forget it.

Every ORM statement gets the viewer's row scopes and leaves out the trash. What would walk past
that (a Core statement on an entity's table, a bulk write outside a change set) is refused.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import event
from sqlalchemy.orm import ORMExecuteState, Session, with_loader_criteria
from sqlalchemy.sql import visitors
from sqlalchemy.sql.schema import Table

from app.engine import registry
from app.engine.entity import DECLARED, Entity
from app.engine.policy.scopes import scope_clause
from app.engine.policy.viewer import Viewer, current_viewer

WITH_TRASH = "with_trash"
"""Execution option of a statement that wants records in the trash as well."""

INTERNAL = "engine_internal"
"""Execution option by which the change set's own Core statements are let through."""


class PolicyBypassed(RuntimeError):
    """A statement that would walk past the policy; a fault in the program."""


@event.listens_for(Session, "do_orm_execute")
def _enforce(state: ORMExecuteState) -> None:
    if state.session.info.get("unrestricted"):
        return
    if not state.is_orm_statement:
        _refuse_core(state)
        return
    if state.is_column_load:
        return
    if state.is_select:
        _restrict(state)
    elif _touches_entities(state.statement) and not state.execution_options.get(INTERNAL):
        raise PolicyBypassed("records are written through a change set, not by a bulk statement")


def _restrict(state: ORMExecuteState) -> None:
    touched = _touched(state.statement)
    if not touched:
        return
    options: list[Any] = []
    if not state.execution_options.get(WITH_TRASH):
        options.append(_LIVE)
    options += _scope_options(current_viewer(), touched)
    if options:
        state.statement = state.statement.options(*options)


_LIVE = with_loader_criteria(
    Entity, lambda cls: cls.deleted_at.is_(None), include_aliases=True, propagate_to_loaders=False
)


def _scope_options(viewer: Viewer, touched: set[str]) -> list[Any]:
    options = []
    for definition in _reached(touched):
        clause = scope_clause(definition, viewer)
        if clause is not None:
            options.append(
                with_loader_criteria(
                    definition.model, clause, include_aliases=True, propagate_to_loaders=False
                )
            )
    return options


def _reached(tables: set[str]) -> list[registry.EntityDefinition]:
    """The entities of these tables, and those that they refer to, which a join may bring in later.

    Not all there are: a person's conditions on dozens of entities take longer to write than the
    database takes to answer.
    """
    entities = registry.current().entities
    found: dict[str, registry.EntityDefinition] = {}
    waiting = [name for name, one in entities.items() if one.key in tables]
    while waiting:
        name = waiting.pop()
        if name in found or name not in entities:
            continue
        found[name] = entities[name]
        waiting += [str(f.target) for f in entities[name].fields.values() if f.target is not None]
    return list(found.values())


def _touches_entities(statement: Any) -> bool:
    return bool(_touched(statement))


def _touched(statement: Any) -> set[str]:
    """The entities' tables that any part of the statement, however deep, reads or writes."""
    names = _entity_table_names()
    return {
        element.name
        for element in visitors.iterate(statement)
        if isinstance(element, Table) and element.name in names
    }


_names: set[str] = set()


def _entity_table_names() -> set[str]:
    if len(_names) != len(DECLARED):
        _names.update(model.options.key for model in DECLARED.values())
    return _names


def _refuse_core(state: ORMExecuteState) -> None:
    if state.execution_options.get(INTERNAL):
        return
    if _touches_entities(state.statement):
        raise PolicyBypassed(
            "a Core statement on an entity's table sees everything: select the model instead"
        )
