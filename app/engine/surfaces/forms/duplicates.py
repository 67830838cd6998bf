"""Likely duplicates: records that resemble what is being typed, shown before there are two of them."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from app.engine import policy
from app.engine.addresses import record_address
from app.engine.fields import Field
from app.engine.parsing import fold
from app.engine.presentation import is_draft, title_of
from app.engine.query import Condition, Records
from app.engine.registry import EntityDefinition

SHORTEST = 2
SHOWN = 5
CANDIDATES = 10
WINDOW = 4
MOST_WINDOWS = 5
ALIKE = 0.72
"""How alike two texts must be that are not part of each other (1: the same)."""


@dataclass(frozen=True)
class Likely:
    """A record that resembles the one being typed, and what in it does."""

    title: str
    href: str
    field: Any
    text: str
    draft: bool
    likeness: float


def compared(definition: EntityDefinition) -> list[Field]:
    """The fields that the declaration compares, as far as this viewer sees them."""
    plain = policy.plain(definition)
    fields = [definition.fields[name] for name in definition.options.duplicates]
    return [field for field in fields if field in plain]


def likely(definition: EntityDefinition, texts: dict[str, str]) -> list[Likely]:
    """Records that resemble these texts, the most alike first. Only what the viewer may see."""
    found: dict[int, Likely] = {}
    for field in compared(definition):
        typed = texts.get(field.name, "").strip()[:200]
        if len(typed) < SHORTEST:
            continue
        for row in _candidates(definition, field, typed):
            likeness = _likeness(typed, field.text(row[field.name], row))
            known = found.get(row["id"])
            if likeness >= ALIKE and (known is None or known.likeness < likeness):
                found[row["id"]] = _likely(definition, field, row, likeness)
    return sorted(found.values(), key=lambda item: -item.likeness)[:SHOWN]


def _likely(
    definition: EntityDefinition, field: Field, row: dict[str, Any], likeness: float
) -> Likely:
    itself = field is definition.title_field
    return Likely(
        title=title_of(definition, row),
        href=record_address(definition, row["id"]),
        field=field.label,
        text="" if itself else field.text(row[field.name], row),
        draft=is_draft(definition, row),
        likeness=likeness,
    )


def _candidates(definition: EntityDefinition, field: Field, typed: str) -> Iterator[dict[str, Any]]:
    """Found by the whole text first; when hardly any is, by pieces of it."""
    fields = [definition.title_field, field]
    if definition.review:
        fields.append(definition.fields["review_state"])
    wanted = [item for item in dict.fromkeys(fields) if item in policy.known(definition)]
    if not field.search or definition.search_index is None:
        records = Records(definition).where(Condition(field.name, "eq", typed))
        yield from records.page(SHOWN, wanted).rows
        return
    seen = 0
    for piece in (typed, *_pieces(typed)):
        if seen >= SHOWN:
            return
        for row in Records(definition).search(piece).page(CANDIDATES, wanted).rows:
            if row.get(field.name):
                seen += 1
                yield row


def _pieces(typed: str) -> list[str]:
    """Windows over a long text: one of them may be spelled the same in the other record."""
    text = fold(typed).replace(" ", "")
    if len(text) <= WINDOW + 1:
        return []
    starts = range(0, len(text) - WINDOW + 1, max(2, (len(text) - WINDOW) // MOST_WINDOWS))
    return [text[start : start + WINDOW] for start in starts][:MOST_WINDOWS]


def _likeness(typed: str, stored: str) -> float:
    """From 0 to 1; a text that is part of the other counts as nearly the same."""
    one, other = (fold(text).casefold().replace(" ", "") for text in (typed, stored))
    if not one or not other:
        return 0.0
    if one == other:
        return 1.0
    if one in other or other in one:
        return 0.9
    return difflib.SequenceMatcher(None, one, other, autojunk=False).ratio()
