"""Merging: of a few ticked records, on a page of its own; of all that agree in chosen fields, by rule."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

from flask_babel import gettext
from flask_babel import lazy_gettext as _
from werkzeug.datastructures import MultiDict

from app.engine import policy
from app.engine.bulk.acts import Act
from app.engine.bulk.selection import Selection
from app.engine.bulk.tally import Tally
from app.engine.changes import Changes
from app.engine.changes.many import changed_after, load_many
from app.engine.changes.merging import MOST_MERGED, merge, mergeable
from app.engine.errors import InvalidInput, NotFound, StewardError
from app.engine.fields import Field
from app.engine.likeness import likeness_of
from app.engine.query import restorer, snapshot
from app.engine.registry import EntityDefinition

OLDEST, FULLEST = "oldest", "fullest"
KEEP = {
    OLDEST: _("The oldest record"),
    FULLEST: _("The record with the most fields filled in"),
}
"""Which record of a group stays."""

_GROUPS = 50
"""Groups in one transaction."""

Group = tuple[int, ...]


class Merge(Act):
    """Ticked records, compared side by side."""

    name, icon, right, asks = "merge", "git-merge", "delete", True

    @property
    def label(self) -> Any:
        return _("Merge")

    def offered(self, viewer: policy.Viewer) -> bool:
        name = self.definition.name
        return super().offered(viewer) and viewer.can(name, "update")


class MergeDuplicates(Merge):
    """Every group of records that agree in `by`; `keep` says which one of a group stays."""

    name, icon = "merge_duplicates", "copy"

    @property
    def label(self) -> Any:
        return _("Merge duplicates")

    def offered(self, viewer: policy.Viewer) -> bool:
        return super().offered(viewer) and bool(compared(self.definition))

    def batches(self, selection: Selection, after: int = 0) -> Iterator[Sequence[Any]]:
        found = [group for group in self.groups(selection) if group[0] > after]
        for start in range(0, len(found), _GROUPS):
            yield found[start : start + _GROUPS]

    def mark(self, batch: Sequence[Any]) -> int:
        return int(batch[-1][0])

    def groups(self, selection: Selection, most: int | None = None) -> list[Group]:
        """The groups among the selected records, or among the first `most` of them."""
        known = {field.name: field for field in compared(self.definition)}
        fields = [known[name] for name in self.values.get("by", ()) if name in known]
        if not fields:
            raise InvalidInput.of("by", _("Choose at least one field to compare."))
        return groups(selection, fields, most)

    def take(self, changes: Changes, ids: Sequence[Any], since: int | None) -> Tally:
        tally = Tally()
        everyone = [record_id for group in ids for record_id in group]
        touched: set[int] = set()
        if since is not None:
            touched = changed_after(changes, self.definition, everyone, since)
        for group in ids:
            if touched.isdisjoint(group):
                self._merge(changes, group, tally)
            else:
                tally.skipped += len(group) - 1
        return tally

    def _merge(self, changes: Changes, group: Group, tally: Tally) -> None:
        records = load_many(changes, self.definition, group)
        if len(records) < 2:
            tally.skipped += len(group) - 1
            return
        survivor = self.survivor(records)
        losers = [record.id for record in records if record is not survivor]
        for start in range(0, len(losers), MOST_MERGED - 1):
            part = losers[start : start + MOST_MERGED - 1]
            try:
                with changes.attempt():
                    merge(changes, self.definition, survivor.id, part)
            except StewardError as error:
                tally.refuse(self.definition, survivor, error)
                tally.refused += len(part) - 1
            else:
                tally.changed += len(part)

    def survivor(self, records: Sequence[Any]) -> Any:
        """The record of a group that stays; of two that are alike in that, the older one."""
        if self.values.get("keep") != FULLEST:
            return min(records, key=lambda record: int(record.id))
        fields = mergeable(self.definition, policy.current_viewer())
        return max(
            records,
            key=lambda record: (
                sum(field.get(record) is not None for field in fields), -int(record.id),
            ),
        )  # fmt: skip


def compared(definition: EntityDefinition) -> list[Field]:
    """The fields in which duplicates agree, as far as this viewer sees them."""
    plain = policy.plain(definition)
    fields = [definition.fields[name] for name in definition.options.duplicates]
    return [field for field in fields if field in plain]


def merging_from(definition: EntityDefinition, sent: MultiDict[str, str]) -> dict[str, Any]:
    """What a form asks for. Raises InvalidInput, NotFound."""
    known = [field.name for field in compared(definition)]
    by = [name for name in sent.getlist("by") if name in known]
    if not by:
        raise InvalidInput.of("by", gettext("Choose at least one field to compare."))
    keep = sent.get("keep", OLDEST)
    if keep not in KEEP:
        raise NotFound(_("There is no such action."))
    return {"by": by, "keep": keep}


def groups(selection: Selection, fields: Sequence[Field], most: int | None = None) -> list[Group]:
    """Records that agree in all the fields, ids ascending; what is empty agrees with nothing.

    Read twice: first only a number for each record is kept, then the groups alone.
    """
    seen: set[int] = set()
    repeated: set[int] = set()
    found: dict[tuple[str, ...], list[int]] = defaultdict(list)
    with snapshot() as state:
        for _record_id, key in _keys(state, selection, fields, most):
            number = hash(key)
            (repeated if number in seen else seen).add(number)
        del seen
        for record_id, key in _keys(state, selection, fields, most):
            if hash(key) in repeated:
                found[key].append(record_id)
    alike = [tuple(sorted(ids)) for ids in found.values() if len(ids) > 1]
    return sorted(alike)


def _keys(
    state: Any, selection: Selection, fields: Sequence[Field], most: int | None
) -> Iterator[tuple[int, tuple[str, ...]]]:
    """Each record's id with what makes it a duplicate of others."""
    records = selection.records()
    makers = [_maker(field, restorer(field, records.model, state.dialect)) for field in fields]
    wanted = [records.definition.fields["id"], *fields]
    read = 0
    for ids, *columns in state.columns(records, wanted):
        for record_id, *values in zip(ids, *columns, strict=True):
            key = tuple(make(value) for make, value in zip(makers, values, strict=True))
            if all(key):
                yield int(record_id), key
        read += len(ids)
        if most is not None and read >= most:
            return


def _maker(field: Field, restore: Any) -> Any:
    kind = likeness_of(field)
    if kind is None:
        return lambda value: "" if value is None else str(value)
    likeness = kind(field)
    plain = restore if field.sensitive else lambda value: value
    return lambda value: likeness.key_of(plain(value)) if isinstance(value, str) else ""
