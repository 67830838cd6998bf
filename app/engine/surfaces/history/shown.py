"""Changes as the viewer may see them: hidden fields left out, masked ones masked, names for ids."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from flask_babel import gettext
from flask_babel import lazy_gettext as _

from app.engine import audit, policy
from app.engine.changes import Change
from app.engine.changes import models as kinds
from app.engine.errors import ValueProblem
from app.engine.fields import Field
from app.engine.query import MAX_PAGE_SIZE, Records, titles
from app.engine.registry import EntityDefinition

MERGED_INTO = "merged_into"
"""Where a change to the trash says which record has taken the place of this one."""

Values = Mapping[str, Any]
Names = dict[str, dict[int, str]]


@dataclass(frozen=True)
class Line:
    """One field's change in the reader's words; empty text is an empty value."""

    label: Any
    before: str
    after: str


@dataclass
class Shown:
    """The fields of a change that the viewer may know of."""

    lines: list[Line] = field(default_factory=list)
    gone: int = 0


@dataclass(frozen=True)
class Known:
    """The records behind changes, as far as the viewer may see them: by id, and which are trash."""

    rows: Mapping[int, Values]
    trashed: Collection[int]


def known_records(definition: EntityDefinition, record_ids: Collection[int]) -> Known:
    """Those of the records that the viewer may see; at most MAX_PAGE_SIZE ids."""
    if not record_ids or not policy.current_viewer().can(definition.name, "read"):
        return Known({}, ())
    wanted = {definition.options.title}
    for item in definition.fields.values():
        wanted.update(item.needs)
    fields = [item for item in policy.known(definition) if item.name in wanted]
    ids = sorted(record_ids)
    live, trash = (
        {row["id"]: row for row in records.with_ids(ids).page(MAX_PAGE_SIZE, fields).rows}
        for records in (Records(definition), Records(definition).in_trash())
    )
    return Known({**trash, **live}, trash.keys() - live.keys())


def name_of(definition: EntityDefinition, row: Values) -> str:
    """The record's name; its number where the viewer may not know the name."""
    title = definition.title_field
    return title.text(row.get(title.name), row) or f"#{row['id']}"


def shown_changes(
    definition: EntityDefinition, changes: Sequence[Change], rows: Mapping[int, Values]
) -> dict[int, Shown]:
    """By the change's id, for changes of one entity; one query for each entity referred to.

    `rows`: the records as they stand, for what a change does not say, such as an amount's currency.
    """
    names = _reference_names(definition, changes)
    return {
        change.id: _shown(definition, change, rows.get(change.record_id, {}), names)
        for change in changes
    }


def _shown(definition: EntityDefinition, change: Change, row: Values, names: Names) -> Shown:
    found = Shown()
    into = (change.after or {}).get(MERGED_INTO)
    if change.kind == kinds.TRASH and into is not None:
        name = names[definition.name].get(into) or gettext("(not visible)")
        found.lines.append(Line(_("Merged into"), "", name))
    if change.kind not in (kinds.CREATE, kinds.UPDATE, kinds.APPROVE):
        return found
    viewer = policy.current_viewer()
    before, after = change.before or {}, change.after or {}
    found.gone = len({*before, *after} - definition.fields.keys())
    for name, item in definition.fields.items():
        if name not in before and name not in after:
            continue
        access = viewer.access(definition.name, item)
        if item.personal and access in ("read", "write"):
            audit.note_view(definition.name, [change.record_id], [name])
        if access != "hidden":
            texts = (value_text(definition, item, {**row, **v}, v, names) for v in (before, after))
            found.lines.append(Line(item.label, *texts))
    return found


def value_text(
    definition: EntityDefinition, item: Field, row: Values, kept: Values, names: Names
) -> str:
    """A kept value in the reader's words."""
    stored = kept.get(item.name)
    if stored is None:
        return ""
    masked = policy.current_viewer().access(definition.name, item) == "masked"
    try:
        value = item.load(stored)
    except ValueProblem:
        # The field has been of another type; what it held then is still worth reading.
        return str(item.mask(str(stored))) if masked else str(stored)
    if masked:
        return item.text(item.mask(value))
    if item.target:
        label = names[str(item.target)].get(value) or gettext("(not visible)")
        return item.text(value, {f"{item.name}.label": label})
    return item.text(item.guard(value), row)


def _reference_names(definition: EntityDefinition, changes: Sequence[Change]) -> Names:
    """The names of all records that the changes' references point at, by entity."""
    wanted: dict[str, set[int]] = defaultdict(set)
    for item in definition.references:
        ids = wanted[str(item.target)]
        for change in changes:
            for values in (change.before or {}, change.after or {}):
                if isinstance(values.get(item.name), int):
                    ids.add(values[item.name])
    merged = {(change.after or {}).get(MERGED_INTO) for change in changes}
    wanted[definition.name] |= {into for into in merged if into is not None}
    return {target: dict(titles(target, ids)) for target, ids in wanted.items()}
