"""What happens to each row of a file: decided here alone, for the preview and for the run alike."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from flask_babel import lazy_gettext as _

from app.engine import policy
from app.engine.changes import Changes, Prepared
from app.engine.errors import InvalidInput
from app.engine.registry import EntityDefinition
from app.engine.surfaces.imports.cells import CellProblem, ParsedRow
from app.engine.surfaces.imports.models import Options
from app.engine.surfaces.imports.resembling import Resembled, Resembling
from app.engine.surfaces.imports.standing import Standing, content, keyed, uniques, values_of

Values = Mapping[str, Any]
Kind = Literal["new", "changed", "unchanged", "duplicate", "refused"]


@dataclass
class Outcome:
    """What happens to one row, and why where it is not taken."""

    row: ParsedRow
    kind: Kind
    prepared: Prepared | None = None
    record: Any = None
    problems: list[CellProblem] = field(default_factory=list)
    resembles: Resembled | None = None


class Planner:
    """Decides about rows in the order of the file; remembers which values it has met."""

    def __init__(
        self,
        definition: EntityDefinition,
        options: Options,
        column_of: Mapping[str, str],
        compare: bool = False,
        as_first_met: Callable[[Values], Values] = lambda values: values,
    ) -> None:
        """`compare`: say of each new row what it resembles, even where nothing hangs on it.

        `as_first_met`: values as they were when their like was met first, before what they refer
        to was made.
        """
        self._as_first_met = as_first_met
        self.definition = definition
        self._mode, self._choice = options.mode, options.near
        self.key = definition.fields[options.key] if options.key else None
        self._column_of = column_of
        self._uniques = uniques(definition)
        self._names = {fields: tuple(item.name for item in fields) for fields in self._uniques}
        compared = compare or options.near != "add"
        self._near = Resembling(definition, self.key) if compared else None
        # By their hashes, which take little room: what was met, and in which line first.
        self._met: dict[tuple[str, ...], dict[int, int]] = {}
        self._met_keys: dict[int, int] = {}
        self._met_rows: dict[int, int] = {}
        self._met_records: dict[int | None, int] = {}

    def meet(self, rows: Sequence[ParsedRow]) -> None:
        """Remember rows of an earlier run, so that later ones are compared with them."""
        good = [row for row in rows if not row.problems]
        if self._near is not None and self._choice == "update":
            for line, near in self._near.look_up(good).items():
                self._met_records.setdefault(near.record_id, line)
        for row in good:
            self._repeated(row)
            self._note(row.values, row.number)

    def decide(self, rows: Sequence[ParsedRow], changes: Changes) -> list[Outcome]:
        """The outcome of each row. `changes` is where they will be written, or a mere reader."""
        good = [row for row in rows if not row.problems]
        near = self._near.look_up(good) if self._near else {}
        standing = Standing(self.definition, self.key, self._uniques, good, changes)
        if self._choice == "update":
            standing.load({found.record_id for found in near.values() if found.record_id})
        return [self._outcome(row, standing, changes, near.get(row.number)) for row in rows]

    def _outcome(
        self, row: ParsedRow, standing: Standing, changes: Changes, near: Resembled | None
    ) -> Outcome:
        if row.problems:
            return Outcome(row, "refused", problems=row.problems)
        first = self._repeated(row)
        if first is not None:
            return Outcome(row, "duplicate", problems=[self._repeats(row, first)])
        record = standing.record(row)
        if record is not None:
            near = None
        elif self._near is not None:
            # An earlier row first: it may have become that record by now.
            near = self._near.earlier(row) or near
        if near is not None and self._left_out(near):
            return Outcome(row, "duplicate", problems=[self._alike(near)], resembles=near)
        if near is not None and self._choice == "update":
            record = standing.loaded(near.record_id)
        clash = self._clash(row, standing, record)
        self._note(row.values, row.number)
        if clash is not None:
            return Outcome(row, "refused", problems=[clash])
        outcome = self._by_mode(row, record) or self._same(row, record, standing)
        outcome = outcome or self._checked(row, record, standing, changes)
        outcome.resembles = near if outcome.kind != "refused" else None
        if outcome.kind == "changed" and outcome.prepared is not None:
            # What the record held until now counts as held to the end: so the rows after this one
            # are judged alike before it is written and after that, by preview and run.
            self._note(outcome.prepared.before, row.number)
            held = outcome.prepared.before.get(self.key.name) if self.key else None
            if held is not None:
                self._met_keys.setdefault(hash(held), row.number)
        return outcome

    def _same(self, row: ParsedRow, record: Any, standing: Standing) -> Outcome | None:
        """A row that says nothing new of a record, or one about a record that had its row."""
        if record is not None:
            line = self._met_records.setdefault(record.id, row.number)
            if line == row.number:
                return None
            message = _("The record of line %(line)s is meant here too.", line=line)
        elif self._told_apart(row) and standing.same_exists(row):
            message = _("There is a record with the same content already.")
        else:
            return None
        return Outcome(row, "duplicate", problems=[CellProblem(None, "", message)])

    def _left_out(self, near: Resembled) -> bool:
        """A row that resembles an earlier one has no record yet that it could change."""
        return self._choice == "leave" or (self._choice == "update" and near.line is not None)

    def _alike(self, near: Resembled) -> CellProblem:
        column, label = self._column_of.get(near.field.name), near.field.label
        if near.line is not None:
            message = _("%(field)s resembles that in line %(line)s.", field=label, line=near.line)
        else:
            message = _("%(field)s resembles that of a record.", field=label)
        return CellProblem(column, "", message)

    def _by_mode(self, row: ParsedRow, record: Any) -> Outcome | None:
        """What the mode alone decides; None where the row is to be looked at."""
        if record is None and self._mode == "update":
            message = _("There is no record that this row could change.")
        elif record is not None and self._mode == "add":
            message = _("This record is there already; only new ones are to be added.")
        elif record is not None and self._mode == "skip":
            return Outcome(row, "unchanged", None, record)
        else:
            return None
        name = self.key.name if self.key else ""
        problem = CellProblem(
            self._column_of.get(name), _shown_value(self.definition, row, name), message
        )
        return Outcome(row, "refused", problems=[problem])

    def _checked(
        self, row: ParsedRow, record: Any, standing: Standing, changes: Changes
    ) -> Outcome:
        """All the checks that a form's input goes through."""
        try:
            if record is None:
                standing.may_create(row)
                prepared = changes.checker.new(self.definition, row.values, cleaned=True)
                return Outcome(row, "new", prepared)
            prepared = changes.checker.update(self.definition, record, row.values, cleaned=True)
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
        if not self._told_apart(row) and not keyed(row, self.key):
            return None
        if self.key is not None and keyed(row, self.key):
            first = self._met_keys.setdefault(hash(row.values[self.key.name]), row.number)
        else:
            first = self._met_rows.setdefault(
                hash(content(self._as_first_met(row.values))), row.number
            )
        return None if first == row.number else first

    def _told_apart(self, row: ParsedRow) -> bool:
        """Whether the row is known by its content: it says no key, and no two records are alike."""
        return not keyed(row, self.key) and not self.definition.options.alike

    def _repeats(self, row: ParsedRow, first: int) -> CellProblem:
        if self.key is None or not keyed(row, self.key):
            return CellProblem(None, "", _("The same content stands in line %(line)s.", line=first))
        value = str(row.values[self.key.name])
        message = _("The same %(field)s stands in line %(line)s.", field=self.key.label, line=first)
        return CellProblem(self._column_of.get(self.key.name), value, message)

    def _clash(self, row: ParsedRow, standing: Standing, own: Any) -> CellProblem | None:
        """A unique value that an earlier row or another record has."""
        for fields in self._uniques:
            values = values_of(row.values, fields)
            if values is None:
                continue
            names = self._names[fields]
            column = self._column_of.get(names[-1])
            text = row.references.get(names[-1]) or str(values[-1])
            met = values_of(self._as_first_met(row.values), fields)
            first = self._met.get(names, {}).get(hash(met))
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

    def _note(self, values: Mapping[str, Any], line: int) -> None:
        """Remember values that later rows are compared with."""
        if self._near is not None:
            self._near.note(values, line)
        for fields in self._uniques:
            held = values_of(self._as_first_met(values), fields)
            if held is not None:
                names = self._names[fields]
                self._met.setdefault(names, {}).setdefault(hash(held), line)

    def _placed(self, row: ParsedRow, error: InvalidInput) -> list[CellProblem]:
        return [
            CellProblem(
                self._column_of.get(problem.field or ""),
                _shown_value(self.definition, row, problem.field),
                problem.message,
            )
            for problem in error.problems
        ]


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
