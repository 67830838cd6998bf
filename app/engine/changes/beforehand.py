"""What writing records will need of their texts, worked out before, perhaps in another process."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from app.engine.changes.journal import searched
from app.engine.fields.text import Text
from app.engine.registry import EntityDefinition
from app.engine.search import Tokens, learn_pinyin_keys, pinyin_key


@dataclass(frozen=True)
class WorkedOut:
    """The tokens that the search index will keep, and the keys that names are sorted by."""

    tokens: Tokens = field(default_factory=dict)
    sort_keys: Mapping[str, str] = field(default_factory=dict)


def work_out(definition: EntityDefinition, rows: Sequence[Mapping[str, Any]]) -> WorkedOut:
    """From rows of values, as far as they are known by now."""
    index = definition.search_index
    names = [
        name
        for name, item in definition.fields.items()
        if isinstance(item, Text) and item.sort_column is not None
    ]
    texts = {value for row in rows for name in names if (value := row.get(name))}
    return WorkedOut(
        {} if index is None else index.taken_apart(searched(definition, rows)),
        {text: pinyin_key(text) for text in texts},
    )


def learn(definition: EntityDefinition, worked_out: WorkedOut) -> None:
    """Have it at hand when the records are written."""
    index = definition.search_index
    if index is not None:
        index.learn(worked_out.tokens)
    learn_pinyin_keys(worked_out.sort_keys)
