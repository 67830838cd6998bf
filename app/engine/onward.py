"""Onward: how a rule or a record of one area has a record of another made, without importing it.

    make_once(changes, "Task", [{"subject": "…", "origin_key": "plan:7:2026-03"}], "origin_key")

Inside an open change set, as in a reaction to an event or in a job: what is made belongs to it, is
in its history, and goes again when it is undone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import select

from app.engine.errors import InvalidInput
from app.engine.registry import current

PART = 500
"""So many keys are sought with one statement."""


def make_once(changes: Any, entity: str, rows: Sequence[Mapping[str, Any]], key: str) -> list[int]:
    """Make records of the entity named so, each once: those whose `key` is there are left out.

    A record in the trash counts as there: who threw it away does not want it again. The rows hold
    values by field, of read-only fields as well. They are made with every right, in the name of
    whoever acts, since what was declared asks for them and not the person. Rows, history and search
    entries are each put in at once, however many. Gives the ids of those made, in order. Raises
    NotFound for an unknown entity, InvalidInput for values that its fields or rules refuse.
    """
    from app.engine import policy
    from app.engine.changes import Changes, create_prepared

    definition = current().entity(entity)
    wanted: dict[str, Mapping[str, Any]] = {}
    for row in rows:
        wanted.setdefault(str(row[key]), row)
    with policy.entrusted("what is declared asks for the record, not the person") as viewer:
        inner = Changes(changes.session, viewer, changes.journal)
        there = _present(changes.session, definition, key, list(wanted))
        _look_up_references(inner, definition, [r for n, r in wanted.items() if n not in there])
        prepared = [
            _checked(inner, definition, row) for name, row in wanted.items() if name not in there
        ]
        return create_prepared(inner, definition, prepared)


def _checked(changes: Any, definition: Any, row: Mapping[str, Any]) -> Any:
    """The row as it will be stored; nobody writes read-only fields, so they are added after."""
    own = {name for name in row if definition.field(name).read_only}
    prepared = changes.checker.new(definition, {n: v for n, v in row.items() if n not in own})
    for name in own:
        prepared.values[name] = definition.fields[name].clean(row[name])
    return prepared


def _look_up_references(changes: Any, definition: Any, rows: Sequence[Mapping[str, Any]]) -> None:
    """Which of the records that the rows point at there are, in one go instead of row by row."""
    for field in definition.references:
        target = current().entities.get(str(field.target))
        ids = sorted({row[field.name] for row in rows if isinstance(row.get(field.name), int)})
        for start in range(0, len(ids) if target is not None else 0, PART):
            model: Any = target.model if target is not None else None
            statement = select(model.id).where(model.id.in_(ids[start : start + PART]))
            changes.checker.saw(str(field.target), changes.session.scalars(statement).all())


def _present(session: Any, definition: Any, key: str, names: Sequence[str]) -> set[str]:
    """Those of the keys that a record has, in the trash too."""
    from app.engine import policy

    column = definition.fields[key].expression(definition.model)
    found: set[str] = set()
    for start in range(0, len(names), PART):
        statement = select(column).where(column.in_(names[start : start + PART]))
        statement = statement.execution_options(**{policy.WITH_TRASH: True})
        found.update(session.scalars(statement))
    return found


def whoever_sees(changes: Any, statement: Any) -> Sequence[Any]:
    """The rows of a statement on entities' models, whoever may see them and in the trash too.

    For rules that hold over all records, as that something stands once: what they find is not shown.
    It reads what the open change set has written so far.
    """
    from app.engine import policy

    changes.session.flush()
    connection = changes.session.connection()
    with policy.unrestricted("a rule holds over all records", connection) as session:
        rows: Sequence[Any] = session.execute(statement).all()
        return rows


def note(changes: Any, entity: str, record: Any, values: Mapping[str, Any]) -> None:
    """Write fields of a record that only the system writes; their history is kept.

    Raises InvalidInput where a guard keeps one of them.
    """
    from app.engine.changes.guarding import locked

    definition = current().entity(entity)
    prepared = changes.checker.update(definition, record, {})
    prepared.values |= values
    changed = [name for name in values if values[name] != prepared.before.get(name)]
    if problems := locked(changes.session, definition, record.id, changed):
        raise InvalidInput(problems)
    prepared.changed += changed
    changes.write(prepared, record)
