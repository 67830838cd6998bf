"""A stale form: the record was saved by somebody else meanwhile. Both versions, side by side.

Three versions meet: what the form showed at first (known by its fingerprints), what was typed, and
what is stored now. A field that only they changed is theirs, one that only we changed is ours; for
one that both changed the person chooses.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from app.engine.errors import ValueProblem
from app.engine.fields import Field
from app.engine.presentation import companions
from app.engine.record_form import Texts, fingerprint
from app.engine.registry import EntityDefinition

TAKE = "take."
"""Prefix of the inputs by which the person chooses: `take.name` = `theirs` or `mine`."""


@dataclass(frozen=True)
class Difference:
    """A field in which what was typed and what is stored now differ."""

    name: str
    label: str
    mine: Markup | str
    theirs: Markup | str
    mine_touched: bool
    theirs_touched: bool


def differences(
    definition: EntityDefinition,
    fields: Sequence[Field],
    mine: Texts,
    row: Mapping[str, Any],
    theirs: Texts,
    first: Mapping[str, str],
    labels: Mapping[str, str],
) -> list[Difference]:
    """The fields that differ. `first`: fingerprints of what the form showed at first."""
    return [
        Difference(
            name=field.name,
            label=str(field.label),
            mine=_shown(field, mine[field.name], labels, definition, mine),
            theirs="" if row.get(field.name) is None else field.cell(row[field.name], dict(row)),
            mine_touched=first.get(field.name) != fingerprint(mine[field.name]),
            theirs_touched=first.get(field.name) != fingerprint(theirs[field.name]),
        )
        for field in fields
        if field.name in mine and not _same(field, mine[field.name], theirs[field.name])
    ]


def _same(field: Field, mine: str, theirs: str) -> bool:
    if field.widget == "boolean":
        return (mine or "0") == (theirs or "0")
    return mine == theirs


def _shown(
    field: Field, text: str, labels: Mapping[str, str], definition: EntityDefinition, mine: Texts
) -> Markup | str:
    """What was typed, as the page would show it; as it was typed where it can't be read."""
    try:
        value = field.from_form([text])
    except ValueProblem:
        return text
    if value is None:
        return ""
    row: dict[str, Any] = {field.name: value, f"{field.name}.label": labels.get(field.name)}
    row |= {name: mine.get(name) for name in field.needs if name in companions(definition)}
    return field.cell(value, row)


def merged(mine: Texts, theirs: Texts, found: Sequence[Difference]) -> dict[str, str]:
    """What the form shows next: what was typed, except where only the others changed something."""
    untouched = {item.name for item in found if not item.mine_touched}
    return {
        name: theirs[name] if name in untouched or name not in mine else mine[name]
        for name in theirs
    }


def chosen_theirs(fields: Sequence[Field], sent: Mapping[str, str]) -> set[str]:
    """The fields for which the person takes what is stored."""
    return {field.name for field in fields if sent.get(f"{TAKE}{field.name}") == "theirs"}
