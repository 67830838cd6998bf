"""Undoing many changes of one kind at once, where each is plain: what is not is left to be undone singly."""

from __future__ import annotations

import datetime
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from app.engine import events
from app.engine.changes import models as kinds
from app.engine.changes.checking import current_values, dumped
from app.engine.changes.many import (
    load_many,
    permitted,
    restore_many,
    store_many,
    trash_many,
)
from app.engine.changes.models import Change
from app.engine.changes.writer import Changes
from app.engine.errors import StewardError
from app.engine.holds import is_guarded
from app.engine.registry import EntityDefinition


def undo_together(
    changes: Changes, definition: EntityDefinition, run: Sequence[Change]
) -> list[int]:
    """Undo those of the changes that are plain; gives their ids."""
    together = {kinds.UPDATE: _revert, kinds.TRASH: _restore, kinds.RESTORE: _trash}.get(
        run[0].kind
    )
    by_record = {change.record_id: change for change in run}
    objecting = is_guarded(definition.name) or events.reactions(definition.name, "undoing")
    if together is None or len(run) < 2 or len(by_record) < len(run) or objecting:
        return []
    action = "update" if run[0].kind == kinds.UPDATE else "delete"
    may = permitted(changes, definition, by_record, action, trash=True)
    records = [
        record
        for record in load_many(changes, definition, by_record, trash=True)
        if record.id in may and may_revert(changes, definition, by_record[record.id])
    ]
    try:
        with changes.attempt():
            done = together(changes, definition, [(by_record[r.id], r) for r in records])
    except StewardError:
        return []  # one of them spoils it: each by itself, so that the report names that one
    return done


Pairs = Sequence[tuple[Change, Any]]


def may_revert(changes: Changes, definition: EntityDefinition, change: Change) -> bool:
    """Whether the viewer may write today what the change wrote then.

    Approving is a right of its own and takes none to write a field; what only rules write follows.
    """
    names = [name for name in change.before or {} if name in definition.fields]
    written = [item for item in map(definition.fields.__getitem__, names) if not item.read_only]
    return change.kind == kinds.APPROVE or all(
        changes.viewer.access(definition.name, item) == "write"
        for item in written
        if not item.system
    )


def _revert(changes: Changes, definition: EntityDefinition, pairs: Pairs) -> list[int]:
    """Give fields their values from before, in records that nobody has edited since."""
    rows: dict[int, dict[str, Any]] = {}
    entries, indexed, done = [], [], []
    for change, record in pairs:
        before, after = change.before or {}, change.after or {}
        names = [name for name in before if name in definition.fields]
        fields = {name: definition.fields[name] for name in names}
        standing = dumped(definition, {n: f.get(record) for n, f in fields.items()}, names)
        plain = names and all(standing[name] == after.get(name) for name in names)
        if not plain or "review_state" in names:
            continue
        values = {name: item.load(before[name]) for name, item in fields.items()}
        columns: dict[str, Any] = {}
        rows[record.id] = columns
        for name, item in fields.items():
            if item.custom:
                custom = columns.setdefault("custom", dict(record.custom or {}))
                custom.pop(name, None)
                if values[name] is not None:
                    custom[name] = item.dump(values[name])
            else:
                columns |= item.stored(values[name])
        if record.deleted_at is None and any(item.search for item in fields.values()):
            indexed.append((record.id, {**current_values(definition, record), **values}))
        entries.append(
            {
                "record_id": record.id,
                "before": standing,
                "after": {name: before[name] for name in names},
            }
        )
        done.append(change.id)
    if done:
        store_many(changes, definition, rows)
        changes.journal.record(definition, kinds.UPDATE, entries)
        changes.journal.index(definition, indexed)
        for _change, record in pairs:
            changes.session.expire(record)
    return done


def _restore(changes: Changes, definition: EntityDefinition, pairs: Pairs) -> list[int]:
    """Out of the trash again; a record that was merged tells where it went, and goes singly."""
    plain = [pair for pair in pairs if "merged_into" not in (pair[0].after or {})]
    trashed = [record for _change, record in plain if record.deleted_at is not None]
    restore_many(changes, definition, trashed)
    return [change.id for change, _record in plain]


def _trash(changes: Changes, definition: EntityDefinition, pairs: Pairs) -> list[int]:
    """Back into the trash, as of the moment at which each came there first."""
    plain = [pair for pair in pairs if "merged_into" not in (pair[0].before or {})]
    by_moment: dict[Any, list[Any]] = defaultdict(list)
    for change, record in plain:
        if record.deleted_at is None:
            by_moment[(change.before or {}).get("deleted_at")].append(record)
    for text, records in by_moment.items():
        moment = datetime.datetime.fromisoformat(text) if text else None
        trash_many(changes, definition, records, moment)
    return [change.id for change, _record in plain]
