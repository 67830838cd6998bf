"""What happens to each row of a file: decided here alone, for the preview and for the run alike."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from flask_babel import lazy_gettext as _

from app.engine import policy
from app.engine.changes import Changes, Prepared
from app.engine.errors import InvalidInput
from app.engine.fields import Field
from app.engine.query import allowed, matching, taken
from app.engine.registry import EntityDefinition
from app.engine.surfaces.imports.cells import CellProblem, ParsedRow
from app.engine.surfaces.imports.models import Options

Kind = Literal["new", "changed", "unchanged", "duplicate", "refused"]


@dataclass
class Outcome:
    """What happens to one row, and why where it is not taken."""

    row: ParsedRow
    kind: Kind
    prepared: Prepared | None = None
    record: Any = None
    problems: list[CellProblem] = field(default_factory=list)


class Planner:
    """Decides about rows in the order of the file; remembers which values it has met."""

    def __init__(
        self, definition: EntityDefinition, options: Options, column_of: Mapping[str, str]
    ) -> None:
        self.definition = definition
        self.key = definition.fields[options.key] if options.key else None
        self._column_of = column_of
        self._uniques = _uniques(definition)
        self._met: dict[tuple[str, ...], dict[tuple[Any, ...], int]] = {}
        self._met_keys: dict[Any, int] = {}
        self._met_rows: dict[int, int] = {}

    def meet(self, row: ParsedRow) -> None:
        """Remember a row of an earlier run, so that later ones are compared with it."""
        if not row.problems:
            self._repeated(row)
            self._note_uniques(row)

    def decide(self, rows: Sequence[ParsedRow], changes: Changes) -> list[Outcome]:
        """The outcome of each row. `changes` is where they will be written, or a mere reader."""
        good = [row for row in rows if not row.problems]
        standing = _Standing(self.definition, self.key, self._uniques, good, changes)
        return [self._outcome(row, standing, changes) for row in rows]

    def _outcome(self, row: ParsedRow, standing: _Standing, changes: Changes) -> Outcome:
        if row.problems:
            return Outcome(row, "refused", problems=row.problems)
        first = self._repeated(row)
        if first is not None:
            return Outcome(row, "duplicate", problems=[self._repeats(row, first)])
        clash = self._clash(row, standing)
        self._note_uniques(row)
        if clash is not None:
            return Outcome(row, "refused", problems=[clash])
        record = standing.record(row)
        if record is None and not _keyed(row, self.key) and standing.same_exists(row):
            message = _("There is a record with the same content already.")
            return Outcome(row, "duplicate", problems=[CellProblem(None, "", message)])
        return self._checked(row, record, standing, changes)

    def _checked(
        self, row: ParsedRow, record: Any, standing: _Standing, changes: Changes
    ) -> Outcome:
        """All the checks that a form's input goes through."""
        try:
            if record is None:
                standing.may_create(row)
                prepared = changes.checker.new(self.definition, row.values, cleaned=True)
                return Outcome(row, "new", prepared)
            prepared = changes.checker.update(self.definition, record, row.values)
        except InvalidInput as error:
            return Outcome(row, "refused", problems=self._placed(row, error))
        if not prepared.changed:
            return Outcome(row, "unchanged", prepared, record)
        if record.id not in standing.updatable:
            message = _("This record lies outside what your roles let you change.")
            return Outcome(row, "refused", problems=[CellProblem(None, "", message)])
        return Outcome(row, "changed", prepared, record)

    # -- inside the file ------------------------------------------------------------------

    def _repeated(self, row: ParsedRow) -> int | None:
        """The line of an earlier row that is about the same record; notes this one otherwise."""
        if self.key is not None and _keyed(row, self.key):
            first = self._met_keys.setdefault(row.values[self.key.name], row.number)
        else:
            first = self._met_rows.setdefault(hash(_content(row.values)), row.number)
        return None if first == row.number else first

    def _repeats(self, row: ParsedRow, first: int) -> CellProblem:
        if self.key is None or not _keyed(row, self.key):
            return CellProblem(None, "", _("The same content stands in line %(line)s.", line=first))
        value = str(row.values[self.key.name])
        message = _("The same %(field)s stands in line %(line)s.", field=self.key.label, line=first)
        return CellProblem(self._column_of.get(self.key.name), value, message)

    def _clash(self, row: ParsedRow, standing: _Standing) -> CellProblem | None:
        """A unique value that an earlier row or another record has."""
        own = standing.record(row)
        for fields in self._uniques:
            values = _values_of(row, fields)
            if values is None:
                continue
            names = tuple(item.name for item in fields)
            column, text = self._column_of.get(names[-1]), str(values[-1])
            first = self._met.get(names, {}).get(values)
            if first is not None:
                message = _(
                    "The same %(field)s stands in line %(line)s.",
                    field=fields[-1].label,
                    line=first,
                )
                return CellProblem(column, text, message)
            holder = standing.holder(names, values)
            if holder is not None and (own is None or own.id != holder):
                message = _("%(field)s: another record has this value.", field=fields[-1].label)
                return CellProblem(column, text, message)
        return None

    def _note_uniques(self, row: ParsedRow) -> None:
        for fields in self._uniques:
            values = _values_of(row, fields)
            if values is not None:
                names = tuple(item.name for item in fields)
                self._met.setdefault(names, {}).setdefault(values, row.number)

    def _placed(self, row: ParsedRow, error: InvalidInput) -> list[CellProblem]:
        return [
            CellProblem(
                self._column_of.get(problem.field or ""),
                _shown_value(self.definition, row, problem.field),
                problem.message,
            )
            for problem in error.problems
        ]


class _Standing:
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
                definition, fields, {v for row in rows if (v := _values_of(row, fields))}
            )
            for fields in uniques
        }
        self._together = [fields for fields in uniques if len(fields) > 1]
        self._by_id = {} if key is not None else self._held_together()
        found = [record.id for record in (*self._by_key.values(), *self._by_id.values())]
        self.updatable = allowed(definition, found, "update")
        self._same = self._contents([row for row in rows if not _keyed(row, key)])

    def record(self, row: ParsedRow) -> Any:
        """The record that the row is about; None for a new one.

        Without a key it is the one that the fields which are unique together lead to.
        """
        if self._key is not None:
            return self._by_key.get(row.values.get(self._key.name))
        for fields in self._together:
            values = _values_of(row, fields)
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
        return _content(row.values) in self._same

    def may_create(self, row: ParsedRow) -> None:
        """Raises InvalidInput where the viewer may not make this record."""
        name = self._definition.name
        if not self._viewer.can(name, "create"):
            raise InvalidInput.of(None, _("Your roles do not allow new records here."))
        owner = self._definition.owner_field
        if owner is None or self._viewer.scope(name, "create") != "own":
            return
        if row.values.get(owner.name) not in (None, self._viewer.user_id):
            raise InvalidInput.of(
                owner.name, _("This record would lie outside what your roles let you change.")
            )

    def _contents(self, rows: Sequence[ParsedRow]) -> set[Any]:
        """The contents of records that are called as one of the rows is."""
        title = self._definition.title_field
        names = {row.values[title.name] for row in rows if row.values.get(title.name) is not None}
        shapes = {tuple(sorted(row.values)) for row in rows}
        fields = self._definition.fields
        return {
            _content({name: fields[name].get(record) for name in shape})
            for record in matching(self._definition, title, names, most=20 * len(names))
            for shape in shapes
        }


def _keyed(row: ParsedRow, key: Field | None) -> bool:
    return key is not None and row.values.get(key.name) is not None


def _uniques(definition: EntityDefinition) -> list[tuple[Field, ...]]:
    """The fields, or groups of them, whose values no two records share."""
    single = [(item,) for item in definition.fields.values() if item.unique and not item.system]
    groups = [
        tuple(definition.fields[name] for name in names)
        for names in definition.options.unique_together
    ]
    return [*single, *groups]


def _values_of(row: ParsedRow, fields: Sequence[Field]) -> tuple[Any, ...] | None:
    values = tuple(row.values.get(item.name) for item in fields)
    return None if None in values else values


def _content(values: Mapping[str, Any]) -> tuple[Any, ...]:
    return tuple(
        (name, tuple(value) if isinstance(value, list) else value)
        for name, value in sorted(values.items())
    )


def _shown_value(definition: EntityDefinition, row: ParsedRow, name: str | None) -> str:
    if name is None or name not in definition.fields or row.values.get(name) is None:
        return ""
    value = row.values[name]
    return definition.fields[name].input_text(value)[:80]


def reader(session: Any) -> Changes:
    """A change set that is never opened: for looking ahead."""
    from app.engine.changes.journal import Journal

    viewer = policy.current_viewer()
    return Changes(session, viewer, Journal(session, viewer, "import"))
