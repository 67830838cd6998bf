"""Checking a record before it is written: rights, values, references, rules. One way for all doors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from flask_babel import lazy_gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.engine import policy
from app.engine.changes.guarding import locked
from app.engine.errors import InvalidInput, Problem, ValueProblem
from app.engine.fields import Choice, Field, File
from app.engine.files.filing import settle_files
from app.engine.registry import EntityDefinition, current
from app.engine.rules import Saving
from app.engine.states import problems_of


@dataclass
class Prepared:
    """A record that has passed all checks: every field's value as it will be stored."""

    definition: EntityDefinition
    values: dict[str, Any]
    before: Mapping[str, Any]
    record_id: int | None = None
    changed: list[str] = field(default_factory=list)


class _Shape:
    """An entity's fields as far as new records need them, under one viewer's rights."""

    def __init__(self, definition: EntityDefinition, checker: Checker) -> None:
        self.definition = definition
        fields = {name: f for name, f in definition.fields.items() if not f.system}
        self.made = [(name, f) for name, f in fields.items() if callable(f.default)]
        self.defaults = {
            name: None if callable(f.default) else checker._default(f) for name, f in fields.items()
        }
        viewer = checker.viewer
        self.writable = {
            n for n, f in fields.items() if policy.access(definition, f, viewer) == "write"
        }
        self.required = [(n, f) for n, f in fields.items() if f.required and not f.read_only]
        self.refining = [
            (n, f) for n, f in fields.items() if isinstance(f, Choice) and f.parent is not None
        ]
        self.files = any(isinstance(f, File) for f in fields.values())
        self.names_of_files = {
            n: f.named for n, f in fields.items() if isinstance(f, File) and f.named
        }
        self.states = [f for f in fields.values() if isinstance(f, Choice) and f.moves]


class Checker:
    """Checks records of one change set; remembers which references it has already found."""

    def __init__(self, session: Session, viewer: policy.Viewer, changes: Any) -> None:
        self.session = session
        self.viewer = viewer
        self.changes = changes
        self._seen: set[tuple[str, int]] = set()
        self._shapes: dict[str, _Shape] = {}

    def new(
        self, definition: EntityDefinition, values: Mapping[str, Any], cleaned: bool = False
    ) -> Prepared:
        """Check a new record. Raises InvalidInput naming each field that is wrong.

        `cleaned`: the values have been through their fields' `clean` already.
        """
        problems: list[Problem] = []
        shape = self._shape(definition)
        values = self._to_be_named(definition, values)
        given = self._given(definition, values, cleaned, problems)
        if given is values:
            complete = {**shape.defaults, **values}
        else:
            complete = {
                name: given.get(name) if name in values else default
                for name, default in shape.defaults.items()
            }
        for name, item in shape.made:
            if name not in values:
                complete[name] = self._default(item)
        problems += self._settle_files(definition, complete, {}, values, None)
        self._require(definition, complete, problems)
        self._own(definition, complete)
        return self._finish(definition, complete, {}, None, problems)

    def _to_be_named(
        self, definition: EntityDefinition, values: Mapping[str, Any]
    ) -> Mapping[str, Any]:
        """Without the empty names of files that are given: those are called as they were."""
        unnamed = {
            named
            for name, named in self._shape(definition).names_of_files.items()
            if values.get(name) is not None and named in values and not values[named]
        }
        return {n: v for n, v in values.items() if n not in unnamed} if unnamed else values

    def _settle_files(
        self,
        definition: EntityDefinition,
        values: dict[str, Any],
        before: Mapping[str, Any],
        given: Mapping[str, Any],
        record_id: int | None,
    ) -> list[Problem]:
        if not self._shape(definition).files:
            return []
        return settle_files(self.session, definition, values, before, given, self.viewer, record_id)

    def _shape(self, definition: EntityDefinition) -> _Shape:
        """What is the same for every new record of the entity, worked out once."""
        shape = self._shapes.get(definition.name)
        if shape is None or shape.definition is not definition:
            shape = self._shapes[definition.name] = _Shape(definition, self)
        return shape

    def update(
        self,
        definition: EntityDefinition,
        record: Any,
        values: Mapping[str, Any],
        cleaned: bool = False,
    ) -> Prepared:
        """Check new values of an existing record. Raises InvalidInput. `cleaned`: as in `new`."""
        problems: list[Problem] = []
        values = self._to_be_named(definition, values)
        given = self._given(definition, values, cleaned, problems)
        before = current_values(definition, record)
        complete = {**before, **given}
        problems += self._settle_files(definition, complete, before, given, record.id)
        named = {name: complete[name] for name in complete if complete[name] != before.get(name)}
        self._require(definition, {**dict.fromkeys(before, True), **given, **named}, problems)
        return self._finish(definition, complete, before, record.id, problems)

    def _finish(
        self,
        definition: EntityDefinition,
        values: dict[str, Any],
        before: Mapping[str, Any],
        record_id: int | None,
        problems: list[Problem],
    ) -> Prepared:
        self._settle_choices(definition, values, before, problems)
        self._check_references(definition, values, before, problems)
        asked = self._moved(definition, values, before, record_id, problems)
        if not problems:
            saving = Saving(values, before, record_id, self.changes)
            for rule in definition.model.rules:
                rule(saving)
            problems += saving.problems
            if {name: values.get(name) for name in asked} != asked:  # by a rule
                self._moved(definition, values, before, record_id, problems)
        if before:
            changed = [name for name in values if values[name] != before.get(name)]
        else:
            changed = [name for name, value in values.items() if value is not None]
        if record_id is not None and not problems:
            problems += locked(self.session, definition, record_id, changed)
        if problems:
            raise InvalidInput(problems)
        return Prepared(definition, values, before, record_id, changed)

    def _given(
        self,
        definition: EntityDefinition,
        values: Mapping[str, Any],
        cleaned: bool,
        problems: list[Problem],
    ) -> Mapping[str, Any]:
        if cleaned and values.keys() <= self._shape(definition).writable:
            return values
        return self._clean(definition, values, problems)

    def _clean(
        self, definition: EntityDefinition, values: Mapping[str, Any], problems: list[Problem]
    ) -> dict[str, Any]:
        cleaned: dict[str, Any] = {}
        for name, value in values.items():
            item = definition.fields.get(name)
            if item is None or self.viewer.access(definition.name, item) == "hidden":
                problems.append(
                    Problem(str(name)[:80], _("There is no field “%(name)s”.", name=str(name)[:80]))
                )
            elif policy.access(definition, item, self.viewer) != "write":
                problems.append(Problem(name, _("You may not write this field.")))
            else:
                try:
                    cleaned[name] = item.clean(value)
                except ValueProblem as problem:
                    problems.append(Problem(name, problem.message))
        return cleaned

    def _require(
        self, definition: EntityDefinition, values: Mapping[str, Any], problems: list[Problem]
    ) -> None:
        wrong = {problem.field for problem in problems}
        for name, item in self._shape(definition).required:
            if values.get(name) is None and name not in wrong and not self._unasked(values, item):
                problems.append(Problem(name, _("This field is required.")))

    @staticmethod
    def _unasked(values: Mapping[str, Any], item: Field) -> bool:
        return item.custom and item.name not in values

    def _default(self, item: Field) -> Any:
        value = item.default_value()
        return None if value is None else item.clean(value)

    def _own(self, definition: EntityDefinition, values: dict[str, Any]) -> None:
        """Who does not see everything becomes the owner of what they make."""
        owner = definition.owner_field
        limited = self.viewer.scope(definition.name, "read") != "all"
        if owner is not None and limited and values.get(owner.name) is None:
            values[owner.name] = self.viewer.user_id

    def _settle_choices(
        self,
        definition: EntityDefinition,
        values: dict[str, Any],
        before: Mapping[str, Any],
        problems: list[Problem],
    ) -> None:
        """A refining choice brings its parent along, and must belong to the one that stands."""
        for name, item in self._shape(definition).refining:
            if item.parent is None or not values.get(name):
                continue
            option = item.options.by_value.get(values[name])
            wanted = option.parent if option else None
            parent_changed = values.get(item.parent) != before.get(item.parent)
            if wanted is None or values.get(item.parent) == wanted:
                continue
            if values.get(item.parent) is None:
                values[item.parent] = wanted
            elif parent_changed and values[name] == before.get(name):
                values[name] = None
            else:
                problems.append(Problem(name, self._apart(definition, item, values)))

    def _apart(self, definition: EntityDefinition, item: Choice, values: Mapping[str, Any]) -> Any:
        """That a choice and what it refines are of different kinds; of what is not seen no more."""
        above = definition.fields[item.parent or ""]
        child = item.text(values[item.name])
        if self.viewer.access(definition.name, above) not in ("read", "write"):
            return _("“%(child)s” does not fit what it belongs to.", child=child)
        return _(
            "“%(child)s” does not belong to “%(parent)s”.",
            child=child,
            parent=above.text(values[above.name]),
        )

    def _moved(
        self,
        definition: EntityDefinition,
        values: Mapping[str, Any],
        before: Mapping[str, Any],
        record_id: int | None,
        problems: list[Problem],
    ) -> dict[str, Any]:
        """Refuse moves that a state does not allow; gives the states as they are to be."""

        def may(right: str) -> bool:
            if right == "update" or record_id is None:
                return True
            return bool(self.changes.may(definition.name, record_id, right))

        known, door = None if record_id is None else before, self.changes.journal.door
        states = self._shape(definition).states
        for item in states:
            problems += problems_of(item, values, known, door, may)
        return {item.name: values.get(item.name) for item in states}

    def _check_references(
        self,
        definition: EntityDefinition,
        values: Mapping[str, Any],
        before: Mapping[str, Any],
        problems: list[Problem],
    ) -> None:
        for item in definition.references:
            value = values.get(item.name)
            if value is None or value == before.get(item.name) or item.system:
                continue
            if not self._exists(str(item.target), value):
                problems.append(
                    Problem(item.name, _("There is no such record, or you may not see it."))
                )

    def _exists(self, target: str, record_id: int) -> bool:
        if (target, record_id) in self._seen:
            return True
        if target == policy.USERS:
            from app.engine.people import is_active

            found = is_active(self.session, record_id)
        else:
            model: Any = current().entity(target).model
            found = self.session.scalar(select(model.id).where(model.id == record_id)) is not None
        if found:
            self._seen.add((target, record_id))
        return found

    def saw(self, target: str, record_ids: Any) -> None:
        """Remember records that are known to exist and to be visible."""
        self._seen.update((target, record_id) for record_id in record_ids)


def current_values(definition: EntityDefinition, record: Any) -> dict[str, Any]:
    """Every field's value as it stands, system fields apart."""
    return {name: f.get(record) for name, f in definition.fields.items() if not f.system}


def dumped(definition: EntityDefinition, values: Mapping[str, Any], names: Any) -> dict[str, Any]:
    """Values for the history, as JSON."""
    return {
        name: definition.fields[name].dump(values[name]) if values.get(name) is not None else None
        for name in names
    }
