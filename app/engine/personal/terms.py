"""What a person is known by: the words to look for, and how they are taken out of texts.

Numbers, addresses and names of accounts belong to one person, wherever they stand. Names do not:
two people may be called alike, so that a name alone changes no other record.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from sqlalchemy import ColumnElement, Text, cast, or_

from app.engine.adapters.vault import WRAPPED, SealedJson, is_on
from app.engine.changes.erasing import ERASED_TITLE
from app.engine.fields import Field
from app.engine.likeness import likeness_of
from app.engine.registry import EntityDefinition

MARK = "▇▇"
"""Stands for what was taken out of a text. No longer than the shortest word that is."""

_SHORTEST_NUMBER = 5
_SHORTEST_NAME = 2
_TEXTS = ("text", "long_text", "email", "phone", "url", "tags")
_WORDED = ("text", "email", "phone")


def is_person(definition: EntityDefinition, record: Any) -> bool:
    """Whether the record is about one person."""
    return definition.options.is_about_person(lambda name: definition.fields[name].get(record))


def fields_about(definition: EntityDefinition, whole: bool | None = None) -> list[Field]:
    """The fields that tell of a person: personal ones, and all texts where the record is about one.

    `whole`: that this one is; without it, whether every record of the entity is.
    """
    if whole is None:
        whole = definition.options.about_person is True
    return [
        field
        for field in definition.fields.values()
        if not field.system
        and field.target is None
        and (field.personal or (whole and field.type_name in _TEXTS))
    ]


@dataclass(frozen=True)
class Terms:
    """`sure`: what belongs to this person alone; `names`: what they are called."""

    sure: tuple[str, ...] = ()
    names: tuple[str, ...] = ()

    @property
    def all(self) -> tuple[str, ...]:
        return (*self.sure, *self.names)

    @property
    def plain_names(self) -> tuple[str, ...]:
        """Without names of one Latin word, which may be a word of the system as well."""
        return tuple(n for n in self.names if not n.isascii() or " " in n)

    def __bool__(self) -> bool:
        return bool(self.sure or self.names)


def terms_of(definition: EntityDefinition, values: Iterable[Mapping[str, Any]]) -> Terms:
    """Out of the values that the record has, and those that it had."""
    sure: dict[str, None] = {}
    names: dict[str, None] = {}
    title = definition.title_field
    fields = [f for f in fields_about(definition) if f.personal and f.type_name in _WORDED]
    for row in values:
        for field in fields:
            value = row.get(field.name)
            if isinstance(value, str) and len(value) >= _SHORTEST_NUMBER:
                sure |= dict.fromkeys((value, *_forms(field, value)))
        name = row.get(title.name)
        if isinstance(name, str) and len(name.strip()) >= _SHORTEST_NAME and name != ERASED_TITLE:
            names[name.strip()] = None
    return Terms(tuple(sure), tuple(name for name in names if name not in sure))


def _forms(field: Field, value: str) -> Iterable[str]:
    """The other ways in which a number may be written."""
    maker = likeness_of(field) if field.type_name == "phone" else None
    if maker is None:
        return ()
    likeness = maker(field)
    key = likeness.key_of(value)
    return likeness.forms(key) if key else ()


def _as_word(word: str) -> str:
    """A Latin name stands by itself: Ann is not in annual."""
    escaped = re.escape(word)
    if word.isascii() and word.replace(" ", "").isalpha():
        return rf"(?<![A-Za-z]){escaped}(?![A-Za-z])"
    return escaped


def is_closed(column: Any) -> bool:
    """Whether the database cannot look into the column."""
    return is_on() and isinstance(column.type, SealedJson)


class Finder:
    """Looks for words and takes them out."""

    def __init__(self, words: Iterable[str]) -> None:
        self.words = tuple(sorted(set(words), key=len, reverse=True))

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        return re.compile("|".join(map(_as_word, self.words)), re.IGNORECASE)

    def __bool__(self) -> bool:
        return bool(self.words)

    def holds(self, value: Any) -> bool:
        """Whether any of the words stands in the value, however deep."""
        return bool(self.words) and self.clean(value) != value

    def clean(self, value: Any) -> Any:
        """The value with every word taken out of its texts; keys stay."""
        if not self.words:
            return value
        if isinstance(value, str):
            return self._pattern.sub(MARK, value)
        if isinstance(value, Mapping):
            return {key: self.clean(part) for key, part in value.items()}
        if isinstance(value, list):
            return [self.clean(part) for part in value]
        if isinstance(value, int) and not isinstance(value, bool) and str(value) in self.words:
            return MARK
        return value

    def clause(self, column: Any) -> ColumnElement[bool]:
        """Rows whose column holds one of the words, as text or as JSON.

        Where it is encrypted, whichever may: `holds` tells.
        """
        text = cast(column, Text)
        spellings = {s for word in self.words for s in (word, json.dumps(word)[1:-1])}
        found = or_(*(text.icontains(one, autoescape=True) for one in sorted(spellings)))
        return or_(found, text.contains(WRAPPED)) if is_closed(column) else found

    def encoded(self) -> re.Pattern[bytes]:
        """The words in the encodings that files come in."""
        found = set()
        for word in self.words:
            escaped = word.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
            for text in (word, escaped, json.dumps(word)[1:-1], word.lower()):
                for encoding in ("utf-8", "gb18030", "utf-16-le", "utf-16-be"):
                    found.add(text.encode(encoding))
        return re.compile(b"|".join(map(re.escape, sorted(found, key=len, reverse=True))))
