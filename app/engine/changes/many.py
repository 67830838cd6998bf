"""Changes to many records at once: a statement for each kind, journaled and indexed together.

Each does what the writer does to one record. Where others react to each record's change, it is
done one by one.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import Table, bindparam, func, select, update
from sqlalchemy.exc import IntegrityError

from app.engine import events, policy
from app.engine.adapters.database import now
from app.engine.changes import models as kinds
from app.engine.changes.bulk import table_of
from app.engine.changes.checking import Prepared, current_values, dumped
from app.engine.changes.conflicts import unique_problem
from app.engine.changes.guarding import refuse_removal, standing
from app.engine.changes.models import Change
from app.engine.changes.register import NOTED
from app.engine.changes.writer import Changes, trash_note
from app.engine.entity import ARCHIVED
from app.engine.errors import InvalidInput
from app.engine.registry import EntityDefinition, current

_INTERNAL = {policy.INTERNAL: "the write path's own bulk statement"}
_KEY = "key_of_the_row"

Pair = tuple[Prepared, Any]
"""A checked update and its record."""


# -- finding ---------------------------------------------------------------------------------


def load_many(
    changes: Changes, definition: EntityDefinition, ids: Collection[int], trash: bool = False
) -> list[Any]:
    """Those of the records that the viewer may see, as they are now, kept from others until the end."""
    model: Any = definition.model
    statement = (
        select(model)
        .where(model.id.in_(ids))
        .order_by(model.id)
        .with_for_update(of=model)
        .execution_options(populate_existing=True, **{policy.WITH_TRASH: trash})
    )
    return list(changes.session.scalars(statement))


def permitted(
    changes: Changes,
    definition: EntityDefinition,
    ids: Collection[int],
    action: str,
    trash: bool = False,
) -> set[int]:
    """Those of the records on which the viewer may act so."""
    if not ids or not changes.viewer.can(definition.name, action):
        return set()
    model: Any = definition.model
    statement = (
        select(model.id).where(model.id.in_(ids)).execution_options(**{policy.WITH_TRASH: trash})
    )
    clause = policy.scope_clause(definition, changes.viewer, action)
    if clause is not None:
        statement = statement.where(clause)
    return set(changes.session.scalars(statement))


def last_change(session: Any) -> int:
    """The newest change there is: what comes after it came later."""
    return int(session.scalar(select(func.max(Change.id))) or 0)


def changed_after(
    changes: Changes, definition: EntityDefinition, ids: Collection[int], mark: int
) -> set[int]:
    """Those of the records that were changed after `mark`, by another change set than this one."""
    # By the records' own history: all that came after the mark would be this change set's, mostly.
    statement = (
        select(Change.record_id)
        .where(Change.entity == definition.name, Change.record_id.in_(ids))
        .group_by(Change.record_id)
        .having(func.max(Change.id) > mark)
    )
    if changes.id is not None:
        statement = statement.where(Change.change_set_id != changes.id)
    return set(changes.session.scalars(statement))


# -- writing ---------------------------------------------------------------------------------


def update_many(changes: Changes, definition: EntityDefinition, pairs: Sequence[Pair]) -> None:
    """Store checked updates of records that `load_many` gave. Raises InvalidInput."""
    pairs = [pair for pair in pairs if pair[0].changed]
    if events.reactions(definition.name, "updated"):
        for prepared, record in pairs:
            changes.write(prepared, record)
        return
    store_many(changes, definition, {record.id: _columns(one, record) for one, record in pairs})
    changes.journal.record(
        definition, kinds.UPDATE, [_entry(definition, one, record) for one, record in pairs]
    )
    changes.journal.index(
        definition,
        [
            (record.id, one.values)
            for one, record in pairs
            if record.deleted_at is None
            and any(definition.fields[name].search for name in one.changed)
        ],
    )
    _forget(changes, pairs)


def _entry(definition: EntityDefinition, prepared: Prepared, record: Any) -> dict[str, Any]:
    return {
        "record_id": record.id,
        "before": dumped(definition, prepared.before, prepared.changed),
        "after": dumped(definition, prepared.values, prepared.changed),
    }


def _columns(prepared: Prepared, record: Any) -> dict[str, Any]:
    """The columns that a checked update changes."""
    columns: dict[str, Any] = {}
    for name in prepared.changed:
        item, value = prepared.definition.fields[name], prepared.values[name]
        if not item.custom:
            columns |= item.stored(value)
            continue
        custom = columns.setdefault("custom", dict(record.custom or {}))
        custom.pop(name, None)
        if value is not None:
            custom[name] = item.dump(value)
    return columns


def _forget(changes: Changes, pairs: Sequence[Pair]) -> None:
    """The records were written past the session: it must not believe what it has read."""
    for _prepared, record in pairs:
        changes.session.expire(record)


def store_many(
    changes: Changes, definition: EntityDefinition, rows: Mapping[int, Mapping[str, Any]]
) -> None:
    """Write columns of rows, by id: with one statement where all get the same. Raises InvalidInput.

    No history: that is the caller's.
    """
    table = table_of(definition)
    changes.journal.note_registered(definition, NOTED, rows)
    alike: dict[tuple[str, ...], list[int]] = defaultdict(list)
    for record_id, columns in rows.items():
        alike[tuple(sorted(columns))].append(record_id)
    try:
        for names, ids in alike.items():
            first = rows[ids[0]]
            if all(rows[record_id] == first for record_id in ids):
                _set(changes, table, ids, first)
            else:
                _set_each(changes, table, names, {i: rows[i] for i in ids})
    except IntegrityError as error:
        raise unique_problem(definition, error) from error


def _stamps(changes: Changes, table: Table) -> dict[str, Any]:
    return {
        "version": table.c.version + 1,
        "updated_at": now(),
        "updated_by_id": changes.viewer.user_id,
    }


def _set(changes: Changes, table: Table, ids: Sequence[int], columns: Mapping[str, Any]) -> None:
    changes.session.execute(
        update(table).where(table.c.id.in_(ids)).values({**_stamps(changes, table), **columns}),
        execution_options=_INTERNAL,
    )


def _set_each(
    changes: Changes,
    table: Table,
    names: Sequence[str],
    rows: Mapping[int, Mapping[str, Any]],
) -> None:
    values = {name: bindparam(f"new_{name}", type_=table.c[name].type) for name in names}
    statement = (
        update(table)
        .where(table.c.id == bindparam(_KEY))
        .values({**_stamps(changes, table), **values})
    )
    changes.session.connection().execute(
        statement,
        [
            {_KEY: record_id, **{f"new_{name}": columns[name] for name in names}}
            for record_id, columns in rows.items()
        ],
    )


def archive_many(
    changes: Changes, definition: EntityDefinition, records: Sequence[Any], archived: bool
) -> int:
    """Put records aside, or take them out again; how many that changed."""
    wanted = [record for record in records if (record.archived_at is not None) != archived]
    if not wanted:
        return 0
    for holds in standing(changes.session, definition, [one.id for one in wanted]).values():
        for hold in holds:
            if not hold.leaves(ARCHIVED):
                raise InvalidInput.of(ARCHIVED, hold.refusal)
    item, moment = definition.fields[ARCHIVED], now() if archived else None
    before = {record.id: record.archived_at for record in wanted}
    _set(changes, table_of(definition), list(before), {ARCHIVED: moment})
    changes.journal.record(
        definition,
        kinds.UPDATE,
        [
            {
                "record_id": record_id,
                "before": {ARCHIVED: item.dump(value)},
                "after": {ARCHIVED: item.dump(moment)},
            }
            for record_id, value in before.items()
        ],
    )
    for record in wanted:
        changes.session.expire(record)
    return len(wanted)


def trash_many(
    changes: Changes, definition: EntityDefinition, records: Sequence[Any], moment: Any = None
) -> None:
    """Move records, and what belongs to each alone, to the trash."""
    if not records:
        return
    if events.reactions(definition.name, "trashed"):
        for record in records:
            changes._set_trashed(definition, record, True, moment)
        return
    moment = moment or now()
    ids = [record.id for record in records]
    refuse_removal(changes.session, definition, ids)
    _set(changes, table_of(definition), ids, {"deleted_at": moment})
    changes.journal.unindex(definition, ids)
    note, before = trash_note(moment), trash_note(None)
    changes.journal.record(
        definition, kinds.TRASH, [{"record_id": i, "before": before, "after": note} for i in ids]
    )
    for record in records:
        changes.session.expire(record)
    for child, children in _belonging(changes, definition, ids):
        trash_many(
            changes, child, [one for one, _owner in children if one.deleted_at is None], moment
        )


def restore_many(changes: Changes, definition: EntityDefinition, records: Sequence[Any]) -> None:
    """Bring records back from the trash, with what went there with each. Raises InvalidInput."""
    if not records:
        return
    if events.reactions(definition.name, "restored"):
        for record in records:
            changes._set_trashed(definition, record, False)
        return
    since = {record.id: record.deleted_at for record in records}
    values = [(record.id, current_values(definition, record)) for record in records]
    try:
        _set(changes, table_of(definition), list(since), {"deleted_at": None})
    except IntegrityError as error:
        raise unique_problem(definition, error) from error
    changes.journal.index(definition, values)
    after = trash_note(None)
    changes.journal.record(
        definition,
        kinds.RESTORE,
        [{"record_id": i, "before": trash_note(at), "after": after} for i, at in since.items()],
    )
    for record in records:
        changes.session.expire(record)
    for child, children in _belonging(changes, definition, list(since)):
        together = [one for one, owner in children if one.deleted_at == since[owner]]
        restore_many(changes, child, together)


def _belonging(
    changes: Changes, definition: EntityDefinition, ids: Sequence[int]
) -> list[tuple[EntityDefinition, list[tuple[Any, int]]]]:
    """Records that belong to these alone, each with its owner's id."""
    found = []
    for child, reference in current().incoming.get(definition.name, ()):
        if reference.on_delete == "cascade":
            pointing = reference.expression(child.model)
            statement = (
                select(child.model, pointing)
                .where(pointing.in_(ids))
                .execution_options(populate_existing=True, **{policy.WITH_TRASH: True})
            )
            rows = [(row[0], int(row[1])) for row in changes.session.execute(statement)]
            found.append((child, rows))
    return found
