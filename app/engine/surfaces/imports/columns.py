"""Columns of a file and fields of an entity: which belongs to which, proposed by their names."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from flask_babel import lazy_gettext as _

from app.engine import policy
from app.engine.errors import InvalidInput, NotFound
from app.engine.fields import Field
from app.engine.labels import both_languages
from app.engine.parsing import header_key
from app.engine.registry import EntityDefinition
from app.engine.surfaces.imports.models import Options

REASON = _("Why it was refused")
"""Header of the column that a file of refused rows has beside its own; never imported."""


def is_reason(column: str) -> bool:
    """Whether a column is that of the reasons, in either language."""
    return header_key(column) in {header_key(str(word)) for word in both_languages(REASON)}


def importable(definition: EntityDefinition) -> list[Field]:
    """The fields that this viewer's import can fill, in their order."""
    return [field for field in policy.writable(definition) if field.importable]


def propose(
    columns: Sequence[str], fields: Iterable[Field], earlier: Mapping[str, str] | None = None
) -> dict[str, str]:
    """Column → field, each field once: as the user chose before, by name or label, by synonym.

    `earlier`: what was chosen, what counts most first; "" for a column that was left out.
    """
    available = {field.name: field for field in fields}
    mapping: dict[str, str] = {}
    for column, chosen in (earlier or {}).items():
        if column in columns and chosen in available and chosen not in mapping.values():
            mapping[column] = chosen
    left_out = {column for column, chosen in (earlier or {}).items() if not chosen}
    columns = [c for c in columns if c not in left_out and not is_reason(c)]
    for words in (_own_words, _synonyms):
        known: dict[str, str] = {}
        for field in available.values():
            for word in words(field):
                known.setdefault(header_key(word), field.name)
        known.pop("", None)
        for column in columns:
            name = known.get(header_key(column))
            if name and column not in mapping and name not in mapping.values():
                mapping[column] = name
    return mapping


def matched(columns: Sequence[str], wanted: Iterable[str]) -> dict[str, str]:
    """Wanted header → the file's own column of that name but for case, width and marks."""
    there: dict[str, str] = {}
    for column in columns:
        there.setdefault(header_key(column), column)
    exact = set(columns)
    found = {name: name if name in exact else there.get(header_key(name)) for name in wanted}
    return {name: column for name, column in found.items() if column is not None}


def key_candidates(definition: EntityDefinition, mapping: Mapping[str, str]) -> list[Field]:
    """The mapped fields that a record can be found by, the entity's own key first."""
    mapped = [definition.fields[name] for name in mapping.values() if name in definition.fields]
    found = [field for field in mapped if field.unique or field is definition.key_field]
    return sorted(found, key=lambda field: field is not definition.key_field)


def check_mapping(
    definition: EntityDefinition, columns: Sequence[str], mapping: Mapping[str, str]
) -> None:
    """Raises InvalidInput for a mapping that cannot be used, naming the column."""
    allowed = {field.name for field in importable(definition)}
    used: dict[str, str] = {}
    for column, name in mapping.items():
        if column not in columns:
            raise InvalidInput.of(column, _("The file has no column “%(name)s”.", name=column))
        if name not in definition.fields:
            raise NotFound(_("There is no field “%(name)s”.", name=name[:80]))
        if name not in allowed:
            raise InvalidInput.of(
                column,
                _("%(field)s can't be imported by you.", field=definition.fields[name].label),
            )
        if name in used:
            raise InvalidInput.of(
                column,
                _("The columns “%(one)s” and “%(other)s” are both mapped to %(field)s.",
                  one=used[name], other=column, field=definition.fields[name].label),
            )  # fmt: skip
        used[name] = column
    if not mapping:
        raise InvalidInput.of(None, _("No column is mapped to a field: nothing would be imported."))


def check_mode(options: Options) -> None:
    """Raises InvalidInput for a mode that has nothing to find records by."""
    if options.mode == "update" and options.key is None:
        raise InvalidInput.of(
            "key", _("To change records only, choose the field that they are found by.")
        )


def check_required(definition: EntityDefinition, mapping: Mapping[str, str]) -> None:
    """Raises InvalidInput where no column fills a field that every new record needs."""
    missing = [
        field
        for field in importable(definition)
        if field.required and field.default is None and field.name not in mapping.values()
    ]
    if missing:
        raise InvalidInput.of(
            missing[0].name,
            _("No column is mapped to %(field)s, which is required.", field=missing[0].label),
        )


def _own_words(field: Field) -> Iterable[Any]:
    return (field.name, *both_languages(field.label))


def _synonyms(field: Field) -> Iterable[Any]:
    return field.synonyms
