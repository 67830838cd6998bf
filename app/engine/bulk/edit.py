"""Giving many records the same values, clearing fields, adding and taking away tags."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from flask_babel import gettext
from flask_babel import lazy_gettext as _
from werkzeug.datastructures import MultiDict

from app.engine import policy
from app.engine.bulk.acts import Act, editable
from app.engine.bulk.tally import Tally
from app.engine.changes import Changes
from app.engine.changes.many import update_many
from app.engine.errors import InvalidInput, Problem, StewardError, ValueProblem
from app.engine.fields import Field, Tags
from app.engine.query import titles
from app.engine.record_form import sent_texts

REPLACE, ADD, REMOVE = "replace", "add", "remove"
CHANGE = "change"
"""The name of the boxes that say which fields are to change."""

HOW = "how."
"""Prefix of the inputs that say how tags are to change."""


class Edit(Act):
    """New values for some fields. `values`: `set` by field, `add` and `remove` tags by field."""

    name, icon, asks = "edit", "pencil", True

    @property
    def label(self) -> Any:
        return _("Edit")

    def title(self) -> Any:
        fields = self.definition.fields
        parts = {name: 1 for part in ("set", "add", "remove") for name in self.values.get(part, {})}
        names = [str(fields[name].label) for name in parts if name in fields]
        return _("Edit: %(fields)s", fields=", ".join(names)) if names else self.label

    def offered(self, viewer: policy.Viewer) -> bool:
        return super().offered(viewer) and bool(self.fields())

    def fields(self) -> list[Field]:
        """Those that can be edited so."""
        return editable(self.definition)

    def write(self, changes: Changes, records: Sequence[Any], tally: Tally) -> None:
        pairs = []
        for record in records:
            try:
                prepared = changes.checker.update(self.definition, record, self.values_for(record))
            except StewardError as error:
                tally.refuse(self.definition, record, error)
                continue
            if prepared.changed:
                pairs.append((prepared, record))
            else:
                tally.unchanged += 1
        self.together(
            changes,
            pairs,
            lambda some: update_many(changes, self.definition, some),
            tally,
            record_of=lambda pair: pair[1],
        )

    def values_for(self, record: Any) -> dict[str, Any]:
        """What this record's fields are to be."""
        fields = self.definition.fields
        values = {
            name: fields[name].load(value) if value is not None else None
            for name, value in self.values.get("set", {}).items()
        }
        for name, tags in self.values.get("add", {}).items():
            values[name] = [*(fields[name].get(record) or ()), *tags]
        for name, tags in self.values.get("remove", {}).items():
            kept = [tag for tag in fields[name].get(record) or () if tag not in tags]
            values[name] = kept or None
        return values

    def described(self) -> list[tuple[Field, str]]:
        """What is asked for, in the reader's words: by field, the new value."""
        fields, found = self.definition.fields, []
        given = self.values.get("set", {})
        companions = {part for name in given for part in fields[name].needs}
        for name, value in given.items():
            if name not in companions:
                found.append((fields[name], _text(fields[name], value, given)))
        for name, tags in self.values.get("add", {}).items():
            found.append((fields[name], gettext("add %(tags)s", tags=fields[name].text(tags))))
        for name, tags in self.values.get("remove", {}).items():
            words = gettext("take away %(tags)s", tags=fields[name].text(tags))
            found.append((fields[name], words))
        return found


class Assign(Edit):
    """A new person in charge."""

    name, icon = "assign", "user-check"

    @property
    def label(self) -> Any:
        return _("Assign")

    def fields(self) -> list[Field]:
        return [field for field in super().fields() if field.target == policy.USERS]


class Tag(Edit):
    """Other tags."""

    name, icon = "tag", "tags"

    @property
    def label(self) -> Any:
        return _("Tag")

    def fields(self) -> list[Field]:
        return [field for field in super().fields() if isinstance(field, Tags)]


def _text(field: Field, stored: Any, given: Mapping[str, Any]) -> str:
    if stored is None:
        return str(gettext("(empty)"))
    value = field.load(stored)
    row: dict[str, Any] = dict(given)
    if field.target:
        row[f"{field.name}.label"] = titles(str(field.target), [value]).get(value)
    return field.text(value, row)


def edit_from(act: Edit, sent: MultiDict[str, str]) -> dict[str, Any]:
    """The values that a form asks for. Raises InvalidInput naming each field that is wrong."""
    fields = {field.name: field for field in act.fields()}
    texts = sent_texts(list(fields.values()), sent)
    wanted = [fields[name] for name in sent.getlist(CHANGE) if name in fields]
    if not wanted:
        raise InvalidInput.of(None, gettext("Choose at least one field to change."))
    values: dict[str, Any] = {"set": {}, "add": {}, "remove": {}}
    problems: list[Problem] = []
    for field in wanted:
        for part in (field, *(fields[name] for name in field.needs if name in fields)):
            try:
                _read(part, texts.get(part.name, ""), sent.get(f"{HOW}{part.name}"), values)
            except ValueProblem as problem:
                problems.append(Problem(part.name, problem.message))
    if problems:
        raise InvalidInput(problems)
    return values


def _read(field: Field, text: str, how: str | None, values: dict[str, Any]) -> None:
    value = field.clean(field.from_form([text]))
    if isinstance(field, Tags) and how in (ADD, REMOVE):
        if value is None:
            raise ValueProblem(gettext("Name at least one tag."))
        values[how][field.name] = list(value)
    else:
        values["set"][field.name] = None if value is None else field.dump(value)
