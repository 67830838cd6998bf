"""Many records at once, in a change set like any other: what imports and undo write with."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Table, delete, insert, select
from sqlalchemy.exc import IntegrityError

from app.engine import events, policy
from app.engine.adapters.loading import Binder, load_rows, look_at_grown, reserve_ids
from app.engine.adapters.loading import binders as binders_of
from app.engine.changes.checking import Prepared
from app.engine.changes.conflicts import unique_problem
from app.engine.changes.series import give_numbers
from app.engine.changes.worked_out import take_turn, worked_out
from app.engine.changes.writer import Changes, new_stamps
from app.engine.fields import Field
from app.engine.registry import EntityDefinition, current

_INTERNAL = {policy.INTERNAL: "the write path's own bulk statement"}


def table_of(definition: EntityDefinition) -> Table:
    """The entity's table; only for the write path."""
    table = definition.model.__table__
    assert isinstance(table, Table)
    return table


def create_prepared(
    changes: Changes,
    definition: EntityDefinition,
    prepared: Sequence[Prepared],
    approved: bool = False,
) -> list[int]:
    """Make checked records together; gives their ids in order. Raises InvalidInput.

    The rows, their history and their search entries are each put in at once.
    """
    if not prepared:
        return []
    changes.viewer.require(definition.name, "create")
    stamps = {**new_stamps(definition, changes.viewer, approved), "version": 1}
    values = [row.values for row in prepared]
    give_numbers(changes.session, definition, values)
    connection, table = changes.session.connection(), table_of(definition)
    ids = reserve_ids(connection, table, len(prepared))
    shape = Shape(connection, definition, stamps)
    try:
        load_rows(connection, table.name, shape.names, shape.rows(ids, values))
    except IntegrityError as error:
        raise unique_problem(definition, error) from error
    look_at_grown(connection, table.name)
    changes.journal.record_new(definition, ids, values)
    changes.checker.saw(definition.name, ids)
    _react_all(changes, definition, ids)
    return ids


class Shape:
    """How the records of an entity become rows of its table, worked out once for many."""

    def __init__(
        self, connection: Connection, definition: EntityDefinition, stamps: Mapping[str, Any]
    ) -> None:
        fields = [field for field in definition.fields.values() if not field.system]
        self._plain = [f for f in fields if not f.custom and _one_column(f)]
        self._wide = [f for f in fields if not f.custom and not _one_column(f)]
        self._custom = [f for f in fields if f.custom]
        wide = [list(field.stored(None)) for field in self._wide]
        widths = [len(names) for names in wide]
        self.names = [
            "id",
            "custom",
            *stamps,
            *(field.column_name for field in self._plain),
            *(name for names in wide for name in names),
        ]
        table = table_of(definition)
        binders = self._binders = binders_of(connection, table, self.names)
        self._stamps = [
            binder(value) if binder and value is not None else value
            for binder, value in zip(binders[2:], stamps.values(), strict=False)
        ]
        first = 2 + len(self._stamps)
        self._getters = [
            (field.name, binder)
            for field, binder in zip(self._plain, binders[first:], strict=False)
        ]
        self._empty = [tuple(field.stored(None).values()) for field in self._wide]
        self._wide_binders = []
        start = first + len(self._plain)
        for width in widths:
            self._wide_binders.append(binders[start : start + width])
            start += width

    def rows(
        self, ids: Sequence[int], values: Sequence[Mapping[str, Any]]
    ) -> list[tuple[Any, ...]]:
        """Rows as the driver takes them, in the order of `names`."""
        if not ids:
            return []
        # Column by column: most of a wide table's are empty, or hold what the driver takes as it is.
        columns: list[Sequence[Any]] = [ids, [self._custom_values(row) for row in values]]
        columns += [[stamp] * len(ids) for stamp in self._stamps]
        for name, binder in self._getters:
            columns.append(_bound([row.get(name) for row in values], binder))
        for number, field in enumerate(self._wide):
            columns += self._wide_columns(number, [row.get(field.name) for row in values])
        return list(zip(*columns, strict=True))

    def _wide_columns(self, number: int, values: Sequence[Any]) -> list[Sequence[Any]]:
        """The columns of one field that has several."""
        stored, empty = self._wide[number].stored, self._empty[number]
        rows = [empty if value is None else tuple(stored(value).values()) for value in values]
        columns = zip(*rows, strict=True)
        return [_bound(c, b) for c, b in zip(columns, self._wide_binders[number], strict=True)]

    def _custom_values(self, values: Mapping[str, Any]) -> Any:
        if not self._custom:
            return None
        custom = {
            field.name: field.dump(value)
            for field in self._custom
            if (value := values.get(field.name)) is not None
        }
        binder = self._binders[1]
        return binder(custom) if custom and binder else custom or None


def _bound(values: Sequence[Any], binder: Binder | None) -> Sequence[Any]:
    """A column's values as the driver takes them."""
    if binder is None:
        return values
    return [None if value is None else binder(value) for value in values]


def _one_column(field: Field) -> bool:
    if field.sensitive:
        return False
    return type(field).stored is Field.stored or getattr(field, "sort_column", "") is None


def columns_of(definition: EntityDefinition, values: Mapping[str, Any]) -> dict[str, Any]:
    """A record's values as table columns; every column is named, so that rows are alike."""
    columns: dict[str, Any] = {"custom": None}
    custom: dict[str, Any] = {}
    for name, field in definition.fields.items():
        if field.system:
            continue
        value = values.get(name)
        if not field.custom:
            columns |= field.stored(value)
        elif value is not None:
            custom[name] = field.dump(value)
    columns["custom"] = custom or None
    return columns


def _react_all(changes: Changes, definition: EntityDefinition, ids: Sequence[int]) -> None:
    reactions = events.reactions(definition.name, "created")
    if not reactions:
        return
    model: Any = definition.model
    for record in changes.session.scalars(select(model).where(model.id.in_(ids))):
        for reaction in reactions:
            reaction(changes, record)


def remove_many(
    changes: Changes, definition: EntityDefinition, record_ids: Collection[int]
) -> None:
    """Take records away without trace; nothing may point at them any more.

    What was worked out for them goes along: that is in no history, and can be worked out anew.
    """
    take_turn(changes.session, definition)
    for pointing, reference in worked_out(definition):
        worked = table_of(pointing)
        statement = delete(worked).where(worked.c[reference.column_name].in_(record_ids))
        changes.session.execute(statement, execution_options=_INTERNAL)
    table = table_of(definition)
    changes.journal.unindex(definition, record_ids)
    changes.session.execute(
        delete(table).where(table.c.id.in_(record_ids)), execution_options=_INTERNAL
    )


def pointed_at(
    changes: Changes, definition: EntityDefinition, record_ids: Collection[int]
) -> dict[int, list[str]]:
    """Which of the records others point at, the trash included: by id, the pointing entities.

    What was worked out for them, and belongs to them alone, does not count.
    """
    found: dict[int, list[str]] = defaultdict(list)
    left_out = worked_out(definition)
    for pointing, reference in current().incoming.get(definition.name, ()):
        if (pointing, reference) in left_out:
            continue
        column = table_of(pointing).c[reference.column_name]
        rows = changes.session.execute(
            select(column).where(column.in_(record_ids)).distinct(), execution_options=_INTERNAL
        )
        for record_id in rows.scalars():
            found[record_id].append(pointing.name)
    return found


def insert_again(
    changes: Changes, definition: EntityDefinition, rows: Sequence[Mapping[str, Any]]
) -> None:
    """Put rows back that `remove_many` took away, under their own ids."""
    try:
        changes.session.execute(
            insert(table_of(definition)), list(rows), execution_options=_INTERNAL
        )
    except IntegrityError as error:
        raise unique_problem(definition, error) from error
