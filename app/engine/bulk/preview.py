"""The preview: how many, what would change, and what would be refused, found out by trying.

The first records are done for good and rolled back: what is said of them is what will happen.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from flask_babel import gettext

from app.engine import policy
from app.engine.adapters.database import db
from app.engine.bulk.acts import Act
from app.engine.bulk.duplicates import Group, MergeDuplicates
from app.engine.bulk.edit import Edit
from app.engine.bulk.selection import Selection
from app.engine.bulk.tally import Tally
from app.engine.changes import rehearsal
from app.engine.changes.many import last_change
from app.engine.fields import Boolean, Choice, Field, Owner
from app.engine.query import Records, grouped
from app.engine.registry import EntityDefinition

TRIED = 500
"""So many records are tried; of more it is said that only the first were."""

COMPARED = 20_000
"""Among so many records duplicates are looked for while somebody waits."""

SHOWN_GROUPS = 20
SHOWN_VALUES = 8


@dataclass(frozen=True)
class Alteration:
    """A field's new value, and how many records have which one now, as (old value, number)."""

    label: Any
    new: str
    old: Sequence[tuple[str, int]] = ()


@dataclass
class Preview:
    """What an act would do to a selection."""

    count: int
    since: int
    tried: int = 0
    tally: Tally = field(default_factory=Tally)
    outside: int = 0
    alterations: list[Alteration] = field(default_factory=list)
    groups: int = 0
    shown: list[list[dict[str, Any]]] = field(default_factory=list)
    partial: bool = False
    """Whether only the first records were looked at."""


def preview(act: Act, selection: Selection) -> Preview:
    """Try it. Raises InvalidInput, NotAllowed, NotFound, ValueProblem."""
    found = Preview(selection.count(), last_change(db.session))
    if isinstance(act, MergeDuplicates):
        return _of_groups(act, selection, found)
    found.outside = found.count - _permitted(act, selection)
    ids = list(islice((i for batch in act.batches(selection) for i in batch), TRIED))
    found.tried = len(ids)
    found.partial = found.count > len(ids)
    found.tally = _tried(act, ids)
    if isinstance(act, Edit):
        found.alterations = [
            Alteration(item.label, new, _standing(item, selection)) for item, new in act.described()
        ]
    return found


def _tried(act: Act, batch: Sequence[Any]) -> Tally:
    if not batch:
        return Tally()
    with rehearsal("bulk") as changes:
        return act.take(changes, batch, None)


def _permitted(act: Act, selection: Selection) -> int:
    """On how many of the records the viewer may act so: exactly, however many there are."""
    records = selection.records()
    clause = policy.scope_clause(act.definition, records.viewer, act.right)
    if clause is not None:
        records.clauses.append(clause)
    return records.exact_count()


def _standing(item: Field, selection: Selection) -> list[tuple[str, int]]:
    """Which values the records have now, the most frequent first; of fields of few values."""
    if not isinstance(item, (Choice, Boolean, Owner)):
        return []
    found = grouped(selection.records(), item.name)
    first = [(group.label, int(group.figure)) for group in found[:SHOWN_VALUES]]
    rest = sum(int(group.figure) for group in found[SHOWN_VALUES:])
    return [*first, (gettext("others"), rest)] if rest else first


def _of_groups(act: MergeDuplicates, selection: Selection, found: Preview) -> Preview:
    groups = act.groups(selection, COMPARED)
    found.partial = found.count > COMPARED
    found.groups = len(groups)
    some: list[Group] = []
    for group in groups:
        if found.tried + len(group) > TRIED:
            found.partial = True
            break
        some.append(group)
        found.tried += len(group)
    found.tally = _tried(act, some)
    found.shown = _names(act, groups[:SHOWN_GROUPS])
    return found


def _names(act: MergeDuplicates, groups: Sequence[Group]) -> list[list[dict[str, Any]]]:
    """The records of each group as the page shows them, the one that stays first."""
    definition: EntityDefinition = act.definition
    wanted = [field for field in policy.known(definition) if field.name in _shown(act)]
    ids = [record_id for group in groups for record_id in group]
    records = Records(definition).with_ids(ids)
    rows = {row["id"]: row for part in records.stream(wanted) for row in part}
    with rehearsal("bulk") as changes:
        stay = {act.survivor(_loaded(changes, definition, group)).id for group in groups}
    drawn = []
    for group in groups:
        ordered = sorted(group, key=lambda record_id: record_id not in stay)
        drawn.append([rows[record_id] for record_id in ordered if record_id in rows])
    return drawn


def _loaded(changes: Any, definition: EntityDefinition, group: Group) -> list[Any]:
    from app.engine.changes.many import load_many

    return load_many(changes, definition, group)


def _shown(act: MergeDuplicates) -> set[str]:
    definition = act.definition
    return {definition.options.title, "created_at", *definition.options.duplicates}
