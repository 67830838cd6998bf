"""What the database holds that rows of a file are compared with."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from functools import cached_property
from typing import Any

from flask_babel import lazy_gettext as _

from app.engine import policy
from app.engine.changes import Changes
from app.engine.errors import InvalidInput
from app.engine.fields import Field
from app.engine.query import allowed, matching, taken
from app.engine.registry import EntityDefinition
from app.engine.surfaces.imports.cells import ParsedRow


class Standing:
    """What the database holds that a batch of rows is compared with: a few statements for all."""

    def __init__(
        self,
        definition: EntityDefinition,
        key: Field | None,
        uniques: Sequence[tuple[Field, ...]],
        rows: Sequence[ParsedRow],
        changes: Changes,
    ) -> None:
        self._definition = definition
        self._key = key
        self._viewer = changes.viewer
        self._by_key: dict[Any, Any] = {}
        if key is not None:
            values = {row.values[key.name] for row in rows if row.values.get(key.name) is not None}
            for record in matching(definition, key, values):
                self._by_key.setdefault(key.get(record), record)
        self._holders = {
            tuple(item.name for item in fields): taken(
                definition, fields, {v for row in rows if (v := values_of(row.values, fields))}
            )
            for fields in uniques
        }
        self._together = [fields for fields in uniques if len(fields) > 1]
        self._by_id = {} if key is not None else self._held_together()
        found = [record.id for record in (*self._by_key.values(), *self._by_id.values())]
        self.updatable = allowed(definition, found, "update")
        self._same = self._contents([row for row in rows if not keyed(row, key)])

    def load(self, record_ids: set[int]) -> None:
        """Have further records at hand."""
        identifier = self._definition.fields["id"]
        for record in matching(self._definition, identifier, record_ids):
            self._by_id[record.id] = record
        self.updatable |= allowed(self._definition, record_ids, "update")

    def loaded(self, record_id: int | None) -> Any:
        return self._by_id.get(record_id)

    def record(self, row: ParsedRow) -> Any:
        """The record that the row is about; None for a new one.

        Without a key it is the one that the fields which are unique together lead to.
        """
        if self._key is not None:
            return self._by_key.get(row.values.get(self._key.name))
        for fields in self._together:
            values = values_of(row.values, fields)
            holder = self.holder(tuple(f.name for f in fields), values) if values else None
            if holder in self._by_id:
                return self._by_id[holder]
        return None

    def _held_together(self) -> dict[int | None, Any]:
        """The records that the rows lead to by fields which are unique together, by id."""
        names = [tuple(item.name for item in fields) for fields in self._together]
        held = {record_id for group in names for record_id in self._holders[group].values()}
        identifier = self._definition.fields["id"]
        return {record.id: record for record in matching(self._definition, identifier, held)}

    def holder(self, names: tuple[str, ...], values: tuple[Any, ...]) -> int | None:
        return self._holders[names].get(values)

    def same_exists(self, row: ParsedRow) -> bool:
        """Whether a record has exactly this row's content."""
        return content(row.values) in self._same

    def may_create(self, row: ParsedRow) -> None:
        """Raises InvalidInput where the viewer may not make this record."""
        if not self._creates:
            raise InvalidInput.of(None, _("Your roles do not allow new records here."))
        owner = self._definition.owner_field
        if owner is None:
            return
        people = self._owners
        if people is not None and row.values.get(owner.name) not in (None, *people):
            raise InvalidInput.of(
                owner.name, _("This record would lie outside what your roles let you change.")
            )

    @cached_property
    def _creates(self) -> bool:
        return self._viewer.can(self._definition.name, "create")

    @cached_property
    def _owners(self) -> Collection[int] | None:
        """Whose records the viewer may make; None for everybody's."""
        return policy.owners(self._viewer, self._definition.name, "create")

    def _contents(self, rows: Sequence[ParsedRow]) -> set[Any]:
        """The contents of records that are called as one of the rows is."""
        title = self._definition.title_field
        names = {row.values[title.name] for row in rows if row.values.get(title.name) is not None}
        shapes = {tuple(sorted(row.values)) for row in rows}
        fields = self._definition.fields
        return {
            content({name: fields[name].get(record) for name in shape})
            for record in matching(self._definition, title, names, most=20 * len(names))
            for shape in shapes
        }


def keyed(row: ParsedRow, key: Field | None) -> bool:
    """Whether the row says which record it is about."""
    return key is not None and row.values.get(key.name) is not None


def uniques(definition: EntityDefinition) -> list[tuple[Field, ...]]:
    """The fields, or groups of them, whose values no two records share."""
    single = [(item,) for item in definition.fields.values() if item.unique and not item.system]
    groups = [
        tuple(definition.fields[name] for name in names)
        for names in definition.options.unique_together
    ]
    return [*single, *groups]


def values_of(given: Mapping[str, Any], fields: Sequence[Field]) -> tuple[Any, ...] | None:
    """The values of these fields; None where one is missing."""
    if len(fields) == 1:
        value = given.get(fields[0].name)
        return None if value is None else (value,)
    values = tuple(given.get(item.name) for item in fields)
    return None if None in values else values


def content(values: Mapping[str, Any]) -> tuple[Any, ...]:
    """Values in a form by which they can be compared and remembered."""
    return tuple(
        (name, tuple(value) if isinstance(value, list) else value)
        for name, value in sorted(values.items())
    )
