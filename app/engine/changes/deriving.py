"""Working out derived fields at the end of a transaction, for whole sets; see `app/engine/derived.py`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import ColumnElement, func, select, update
from sqlalchemy.orm import Session

from app.engine import policy
from app.engine.changes.bulk import table_of
from app.engine.derived import Keeping, Touched, kept_of
from app.engine.registry import EntityDefinition, current

_PART = 5000
_INTERNAL = {policy.INTERNAL: "derived fields count every record, whoever writes one"}


def settle(session: Session, touched: Touched) -> None:
    """Bring the derived fields of those in step whose own records were written."""
    sources, parents = touched.take()
    for entity in {*sources, *(name for name, _reference in parents)}:
        definition = current().entities[entity]
        for keeping in kept_of(entity):
            reference = definition.fields[keeping.derived.reference].column_name
            ids = set(parents.get((entity, keeping.derived.reference), ()))
            ids |= _pointed_at(session, definition, reference, sorted(sources.get(entity, ())))
            for part in _parts(sorted(ids)):
                _work_out(session, keeping, definition, reference, part)


def _pointed_at(
    session: Session, definition: EntityDefinition, reference: str, ids: Sequence[int]
) -> set[int]:
    table = table_of(definition)
    found: set[Any] = set()
    for part in _parts(ids):
        statement = select(table.c[reference]).where(table.c.id.in_(part)).distinct()
        found.update(session.execute(statement, execution_options=_INTERNAL).scalars())
    found.discard(None)
    return found


def _work_out(
    session: Session,
    keeping: Keeping,
    source: EntityDefinition,
    reference: str,
    ids: Sequence[int],
) -> None:
    """For these records: held first, so that two who write at once count each other's."""
    definition = current().entity(keeping.entity)
    kept, rows = table_of(definition), table_of(source)
    held = select(kept.c.id).where(kept.c.id.in_(ids)).order_by(kept.c.id).with_for_update()
    session.execute(held, execution_options=_INTERNAL).all()
    of = source.fields[keeping.derived.of].column_name
    latest = (
        select(func.max(rows.c[of]))
        .where(
            rows.c[reference] == kept.c.id,
            rows.c.deleted_at.is_(None),
            *_conditions(source, keeping),
        )
        .correlate(kept)
        .scalar_subquery()
    )
    column = definition.fields[keeping.field].column_name
    statement = update(kept).where(kept.c.id.in_(ids)).values({column: latest})
    session.execute(statement, execution_options=_INTERNAL)
    for record in session.identity_map.values():
        if isinstance(record, definition.model) and record.id in set(ids):
            session.expire(record, [column])


def _conditions(source: EntityDefinition, keeping: Keeping) -> list[ColumnElement[bool]]:
    found = []
    for name, operator, operand in keeping.derived.only:
        field = source.fields[name]
        found.append(field.clause(table_of(source).c[field.column_name], operator, operand))
    return found


def _parts(ids: Sequence[Any]) -> Iterator[Sequence[Any]]:
    for start in range(0, len(ids), _PART):
        yield ids[start : start + _PART]
