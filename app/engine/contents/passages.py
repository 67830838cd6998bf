"""Where in records' files the words stand that somebody searched for: for those who may see the file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from app.engine.addresses import record_address
from app.engine.contents.keeping import paged, pages_of
from app.engine.fields import Field
from app.engine.registry import EntityDefinition
from app.engine.search import find_passage


@dataclass(frozen=True)
class Found:
    """A piece of a file's text, taken apart at the words found. `page`: where people know it by one."""

    parts: tuple[tuple[str, bool], ...]
    page: int | None
    href: str


def passages(
    definition: EntityDefinition,
    words: str,
    rows: Sequence[Mapping[str, Any]],
    fields: Sequence[Field],
) -> dict[int, Found]:
    """By the record's number, for records in whose files the words are.

    `fields`: those that hold files, as far as the viewer may see what is in them.
    """
    ids = {row[field.name] for field in fields for row in rows if row.get(field.name) is not None}
    if not ids:
        return {}
    texts, numbered = pages_of(ids), paged(ids)
    found: dict[int, Found] = {}
    for row in rows:
        for field in fields:
            file_id = row.get(field.name)
            passage = find_passage(words, texts[file_id]) if file_id in texts else None
            if passage is not None:
                here = f"{record_address(definition, row['id'])}/preview/{field.name}"
                page = passage.page if file_id in numbered else None
                href = f"{here}?page={passage.page}" if page else here
                found[row["id"]] = Found(passage.parts, page, href)
    return found
