"""A record's form: its inputs with what is in them, and the values that come back."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from typing import Any

from werkzeug.datastructures import FileStorage, MultiDict
from wtforms.form import BaseForm

from app.engine import files, policy
from app.engine.errors import NotAllowed, Problem, StewardError, ValueProblem
from app.engine.fields import Choice, Field
from app.engine.inputs import SENT_FILE, Amount, dress, dress_currency, input_id
from app.engine.presentation import companions, groups, kept
from app.engine.query import titles
from app.engine.registry import EntityDefinition
from app.engine.states import offered_values

Texts = Mapping[str, str]


@dataclass
class RecordForm:
    """What the template draws."""

    definition: EntityDefinition
    fields: Sequence[Field]
    texts: Texts
    labels: Mapping[str, str] = dataclass_field(default_factory=dict)
    problems: Sequence[Problem] = ()
    offered: Mapping[str, Collection[str] | None] = dataclass_field(default_factory=dict)
    """By field the choices that it offers, where not all; see `offered_states`."""

    def __post_init__(self) -> None:
        self.form = BaseForm({field.name: field.form_field() for field in self.fields})
        self.form.process(data=dict(self.texts))
        self._place_problems()
        for field in self.fields:
            self._dress(field)

    def _dress(self, field: Field) -> None:
        bound = self.form[field.name]
        bound.id = bound.label.field_id = input_id(field.name)
        bound.label.text, bound.description = _words(self.definition)[field.name]
        text = self.texts.get(field.name, "")
        if field.name in companions(self.definition):
            dress_currency(bound, text)
            return
        only = self.offered.get(field.name)
        dress(bound, field, text, self.labels.get(field.name), bool(bound.errors), only)
        beside = [name for name in field.needs if name in self.form]
        if beside:
            bound.widget = Amount(self.form[beside[0]])

    def _place_problems(self) -> None:
        """Each message beside its field; those about no field of the form at its top."""
        stands_with = {name: field.name for field in self.fields for name in field.needs}
        for problem in self.problems:
            name = stands_with.get(problem.field or "", problem.field or "")
            if name in self.form:
                self.form[name].errors = [*self.form[name].errors, str(problem.message)]
            else:
                known = self.definition.fields.get(name)
                about = f"{known.label}: " if known is not None else ""
                self.form.form_errors = [*self.form.form_errors, f"{about}{problem.message}"]

    @property
    def takes_files(self) -> bool:
        """Whether the form sends files along."""
        return any(field.type_name == "file" for field in self.fields)

    @property
    def groups(self) -> list[dict[str, Any]]:
        """The inputs under their titles."""
        skipped = companions(self.definition)
        shown = [field for field in self.fields if field.name not in skipped]
        return [
            {
                "title": group.title,
                "inputs": [
                    {
                        "bound": self.form[field.name],
                        "wide": field.type_name in ("long_text", "tags", "file"),
                        "name": field.name,
                    }
                    for field in group.fields
                ],
            }
            for group in groups(self.definition, shown)
        ]


def _words(definition: EntityDefinition) -> dict[str, tuple[str, str]]:
    """Label and hint of every field, put into the reader's language once."""
    return kept(
        ("words", definition.key),
        lambda: {name: (str(f.label), str(f.hint)) for name, f in definition.fields.items()},
    )


def form_fields(definition: EntityDefinition) -> list[Field]:
    """The fields that this viewer fills in."""
    return [field for field in policy.writable(definition) if field.in_form]


def offered_states(
    definition: EntityDefinition, fields: Sequence[Field], row: Mapping[str, Any] | None
) -> dict[str, Collection[str] | None]:
    """Of states with moves those that the record may go to; `row`: as it stands, None for a new one."""

    def may(right: str) -> bool:
        return right == "update" or policy.current_viewer().can(definition.name, right)

    return {
        field.name: offered_values(field, row, may)
        for field in fields
        if isinstance(field, Choice) and field.moves
    }


def sent_texts(fields: Sequence[Field], sent: MultiDict[str, str]) -> dict[str, str]:
    """What the browser sent for each field, as one text; fields that it did not send are not there."""
    found = {}
    for field in fields:
        raw = sent.getlist(field.name)
        if raw:
            text = ",".join(raw) if field.type_name == "tags" else raw[-1]
            found[field.name] = text.replace("\r\n", "\n")
    return found


def sent_files(
    fields: Sequence[Field], sent: MultiDict[str, FileStorage]
) -> tuple[dict[str, str], list[Problem]]:
    """Files that came along with the form are kept; their numbers as texts, and what is wrong with them."""
    texts: dict[str, str] = {}
    problems: list[Problem] = []
    for field in fields:
        file = sent.get(f"{field.name}{SENT_FILE}")
        if field.type_name != "file" or file is None or not file.filename:
            continue
        try:
            texts[field.name] = str(files.put(file.stream, file.filename).id)
        except NotAllowed:
            raise
        except StewardError as problem:  # a full store, too: what was typed stays in the form
            problems.append(Problem(field.name, problem.message))
    return texts, problems


def values_of(
    fields: Sequence[Field], texts: Texts, shown: Texts
) -> tuple[dict[str, Any], list[Problem]]:
    """The values of the texts that differ from what the form showed, and what can't be read."""
    values: dict[str, Any] = {}
    problems: list[Problem] = []
    for field in fields:
        text = texts.get(field.name)
        if text is None or text == shown.get(field.name) or _still_unset(field, text, shown):
            continue
        try:
            values[field.name] = field.from_form([text])
        except ValueProblem as problem:
            problems.append(Problem(field.name, problem.message))
    return values, problems


def _still_unset(field: Field, text: str, shown: Texts) -> bool:
    """A box sends no when it is left alone; what was neither yes nor no stays so."""
    return field.widget == "boolean" and text == "0" and shown.get(field.name) == ""


def row_texts(fields: Sequence[Field], row: Mapping[str, Any]) -> dict[str, str]:
    """What the form shows of a record."""
    return {field.name: field.input_text(row.get(field.name)) for field in fields}


def default_texts(fields: Sequence[Field], presets: MultiDict[str, str]) -> dict[str, str]:
    """What an empty form shows: the defaults, and what the address presets."""
    texts = {field.name: field.input_text(field.default_value()) for field in fields}
    for field in fields:
        if field.name in presets:
            texts[field.name] = presets[field.name][:2000]
    return texts


def row_labels(fields: Sequence[Field], row: Mapping[str, Any]) -> dict[str, str]:
    """The names of the records that a record's references point at."""
    found = {field.name: row.get(f"{field.name}.label") for field in fields if field.target}
    found |= {
        field.name: field.text(row[field.name], row)
        for field in fields
        if field.type_name == "file" and row.get(field.name) is not None
    }
    return {name: label for name, label in found.items() if label is not None}


def text_labels(fields: Sequence[Field], texts: Texts) -> dict[str, str]:
    """The same for what somebody chose in the form."""
    found: dict[str, str] = {}
    for field in fields:
        text = texts.get(field.name, "")
        if field.target and text.isdecimal() and len(text) < 19:
            label = titles(str(field.target), [int(text)]).get(int(text))
            if label is not None:
                found[field.name] = label
        elif field.type_name == "file" and text.isdecimal() and len(text) < 19:
            found[field.name] = files.brought_as(int(text))
    return found


# -- what the form showed, remembered in it ------------------------------------------------


def fingerprint(text: str) -> str:
    """Short, and another for another text: enough to see whether a text was touched."""
    return hashlib.sha256(text.encode()).hexdigest()[:8]


def fingerprints(texts: Texts) -> str:
    """Those of all texts, for a hidden input."""
    return json.dumps({name: fingerprint(text) for name, text in texts.items()})


def read_fingerprints(sent: str) -> dict[str, str]:
    """The reverse; nothing for what we did not make."""
    try:
        found = json.loads(sent)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
