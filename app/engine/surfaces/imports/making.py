"""Records that a file names and that are not there yet, made on the way where the user wants it.

While rows are decided about, such a record is a number below zero, and only what a row that is taken
needs is made, once, before the rows are written. Rows are compared with one another by these numbers
to the end, so that the run judges them as the preview did.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask_babel import lazy_gettext as _

from app.engine import policy
from app.engine.adapters.database import db
from app.engine.changes import Changes, Prepared, create_prepared
from app.engine.errors import InvalidInput, ValueProblem
from app.engine.fields import Field, Text
from app.engine.query import taken
from app.engine.registry import EntityDefinition, current
from app.engine.surfaces.imports.cells import ParsedRow
from app.engine.surfaces.imports.models import Options
from app.engine.surfaces.imports.plan import Outcome, Values, reader

Known = tuple[str, str, str]
"""What is to be made: its entity, the field that its word goes to, the word."""


@dataclass
class Wanted:
    """A record to be made: whether a row needs it, and its id once it is there."""

    target: EntityDefinition
    name: str
    known: Known
    values: Values
    needed: bool = False
    record_id: int | None = None


def makeable(definition: EntityDefinition, field: Field) -> bool:
    """Whether this viewer's import may make the records that the field refers to, by name alone."""
    if not field.target or field.target in (policy.USERS, definition.name):
        return False
    target, viewer = current().entity(field.target), policy.current_viewer()
    title = target.title_field
    return (
        viewer.can(target.name, "create")
        and isinstance(title, Text)
        and policy.access(target, title, viewer) == "write"
        and not any(
            item.required and item.default is None and not item.read_only and item is not title
            for item in target.fields.values()
            if not item.system
        )
    )


def ways(definition: EntityDefinition, field: Field) -> list[Field]:
    """The fields that a word may go to in a record that is made of it, beside its name: codes."""
    target, viewer = current().entity(str(field.target)), policy.current_viewer()
    return [
        item
        for item in target.fields.values()
        if isinstance(item, Text)
        and (item.code or item.unique)
        and item is not target.title_field
        and not (item.custom or item.sensitive)
        and policy.access(target, item, viewer) == "write"
    ]


def wanted_of(definition: EntityDefinition, asked: str) -> tuple[str, str]:
    """The reference, and the field of what it refers to ("" for the name), of `reference:field`.

    Raises InvalidInput where records cannot be made so, NotFound for an unknown reference.
    """
    name, _colon, by = asked.partition(":")
    field = definition.field(name)
    if not makeable(definition, field) or (
        by and by not in {f.name for f in ways(definition, field)}
    ):
        message = _("Records for %(field)s cannot be made by a name alone.", field=field.label)
        if by and makeable(definition, field):
            message = _(
                "Records for %(field)s cannot be made by “%(by)s”.", field=field.label, by=by
            )
        raise InvalidInput.of(name, message)
    return name, by


class Making:
    """What one import makes beside its own records."""

    def __init__(self, definition: EntityDefinition, options: Options) -> None:
        self.fields: dict[str, Field] = {}
        self.by: dict[str, Field] = {}
        """Reference → the field of what it refers to that its words go to, beside the name."""
        for name, by in (
            asked.split(":") if ":" in asked else (asked, "") for asked in options.make
        ):
            field = definition.fields.get(name)
            if field is None or not makeable(definition, field):
                continue
            self.fields[name] = field
            for way in ways(definition, field):
                if way.name == by:
                    self.by[name] = way
        self._definition = definition
        self._approved = options.approved
        self._wanted: list[Wanted] = []
        self._numbers: dict[Known, int] = {}
        self._made: dict[tuple[str, int], int] = {}

    @property
    def targets(self) -> set[str]:
        """The entities that records may be made of."""
        return {str(field.target) for field in self.fields.values()}

    def number(self, field: Field, word: str, given: Mapping[str, Any] | None = None) -> int:
        """What stands for the record that the word names. Raises InvalidInput where none can be made.

        `given`: its values, where the word is not its name.
        """
        target = current().entity(str(field.target))
        title, by = target.title_field, self.by.get(field.name, target.title_field)
        values = {name: value for name, value in (given or {}).items() if value is not None}
        values[title.name] = _cleaned(title, values.get(title.name) or word)
        if given is None:
            values[by.name] = _cleaned(by, word)
        key = (target.name, by.name, word if given else values[by.name])
        known = self._numbers.get(key)
        if known is not None:
            return known
        for item in {title.name: title, by.name: by}.values():
            if item.unique and taken(target, [item], {(values[item.name],)}):
                raise InvalidInput.of(
                    item.name, _("%(field)s: another record has this value.", field=item.label)
                )
        reader(db.session()).checker.new(target, values)
        self._wanted.append(Wanted(target, values[title.name], key, values))
        number = self._numbers[key] = -len(self._wanted)
        return number

    def vouch(self, changes: Changes, rows: Iterable[ParsedRow]) -> None:
        """Let the checks of rows take what is to be made for something that is there."""
        for name, field in self.fields.items():
            used = {row.values.get(name) for row in rows}
            changes.checker.saw(str(field.target), filter(stands_for_new, used))

    def needs(self, outcomes: Iterable[Outcome]) -> list[Wanted]:
        """What these rows are the first to need."""
        first = []
        for prepared, name in self._uses(outcomes):
            wanted = self._wanted[-prepared.values[name] - 1]
            if not wanted.needed:
                wanted.needed = True
                first.append(wanted)
        return first

    def make(self, changes: Changes, outcomes: Sequence[Outcome]) -> int:
        """Make what these rows need, and let them refer to it; how many were made."""
        wanted, made = self.needs(outcomes), 0
        for name in sorted({one.target.name for one in wanted}):
            made += self._make(changes, [one for one in wanted if one.target.name == name])
        for prepared, name in self._uses(outcomes):
            prepared.values[name] = self._wanted[-prepared.values[name] - 1].record_id
        return made

    def _make(self, changes: Changes, wanted: Sequence[Wanted]) -> int:
        target = wanted[0].target
        approved = self._approved and target.review and changes.viewer.can(target.name, "approve")
        prepared = [changes.checker.new(target, one.values) for one in wanted]
        ids = create_prepared(changes, target, prepared, approved)
        for one, record_id in zip(wanted, ids, strict=True):
            one.record_id = record_id
            self._made[target.name, record_id] = self._numbers[one.known]
        return len(wanted)

    def _uses(self, outcomes: Iterable[Outcome]) -> Iterable[tuple[Prepared, str]]:
        """The rows that are taken, each with the fields that refer to what is to be made."""
        for outcome in outcomes if self.fields else ():
            prepared = outcome.prepared
            if prepared is not None and outcome.kind in ("new", "changed"):
                for name in self.fields:
                    if stands_for_new(prepared.values.get(name)):
                        yield prepared, name

    def known_now(self, value: Any) -> Any:
        """The id of a record that has been made meanwhile, for the number that stood for it."""
        return (stands_for_new(value) and self._wanted[-value - 1].record_id) or value

    def as_first_met(self, values: Values) -> Values:
        """Values with the numbers that stood for what has been made, as earlier rows had them."""
        if not self._made:
            return values
        before = {
            name: number
            for name, field in self.fields.items()
            if (number := self._made.get((str(field.target), values.get(name, 0))))
        }
        return {**values, **before} if before else values

    def is_open(self, value: Any) -> bool:
        """Whether the value stands for a record that is not made yet."""
        return stands_for_new(value) and self._wanted[-value - 1].record_id is None

    def name_of(self, number: int) -> str:
        """What the record that the number stands for will be called."""
        return self._wanted[-number - 1].name


def stands_for_new(value: Any) -> bool:
    """Whether a reference's value is the number of a record that is yet to be made."""
    return isinstance(value, int) and value < 0


def _cleaned(title: Field, word: str) -> str:
    """The name as it will be stored. Raises InvalidInput."""
    try:
        return str(title.clean(word))
    except ValueProblem as problem:
        raise InvalidInput.of(title.name, problem.message) from problem
