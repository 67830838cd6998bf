"""Names for fields, made from their labels."""

from __future__ import annotations

import re

from app.engine import registry
from app.engine.entity import DECLARED
from app.engine.search import pinyin_key

LONGEST = 40


def suggested(entity: str, label_en: str, label_zh: str = "") -> str:
    """A free name for a field of the entity, from the English label, else from the pinyin.

    Empty when neither holds a letter.
    """
    stem = as_name(label_en) or as_name(pinyin_key(label_zh) if label_zh else "")
    if not stem or entity not in DECLARED:
        return stem
    name, number = stem, 2
    while is_taken(entity, name):
        tail = f"_{number}"
        name, number = f"{stem[: LONGEST - len(tail)]}{tail}", number + 1
    return name


def as_name(text: str) -> str:
    """`Second phone (home)` → `second_phone_home`."""
    words = re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_")
    return re.sub(r"^[0-9_]+", "", words)[:LONGEST].rstrip("_")


def is_taken(entity: str, name: str) -> bool:
    """Whether the entity has something of this name already."""
    fields = registry.current().entity(entity).fields
    return name in fields or hasattr(DECLARED[entity], name)
