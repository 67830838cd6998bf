"""Roles as tables in words: the grid of a role, the roles beside each other, and history."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

from flask_babel import format_decimal, gettext
from flask_babel import lazy_gettext as _

from app.engine.policy import Difference, Grant, Rights
from app.engine.registry import EntityDefinition
from app.engine.rights_grid import COLUMNS, areas, row, worded
from app.engine.rights_words import (
    ACCESS_WORDS,
    ACTION_WORDS,
    SCOPE_WORDS,
    entity_word,
    field_word,
    grant_words,
)
from app.engine.roles import RoleBook, RoleChange, RolePicture
from app.engine.roles.preview import COUNTED_UP_TO, RecordChange

Worded = Callable[[str, Iterable[Grant]], str]


def grid(book: RoleBook, role_id: int) -> list[dict[str, Any]]:
    """The role's grid: areas with their rows, each with a cell for every action."""
    picture, rights, words = book.roles[role_id], book.rights([role_id]), worded()
    return [
        {"label": label, "rows": [_row(picture, rights, name, words) for name in names]}
        for label, names in areas()
    ]


def _row(picture: RolePicture, rights: Rights, name: str, words: Worded) -> dict[str, Any]:
    return row(
        name,
        (
            (words(name, _given(picture, rights, name, action)), (name, action) in picture.grants)
            for action in COLUMNS
        ),
    )


def _given(picture: RolePicture, rights: Rights, name: str, action: str) -> Iterable[Grant]:
    """What the role gives; a line of its own by way of a view with the name of that."""
    given = rights.grants(name, action)
    own = picture.grants.get((name, action))
    if own is None or own.view is None:
        return given
    return [own if grant == replace(own, view=None) else grant for grant in given]


def field_lines(picture: RolePicture) -> list[tuple[str, str, str]]:
    """Where the role sees fields otherwise than in full: entity, field, access."""
    found = [
        (str(entity_word(entity)), str(field_word(entity, name)), str(ACCESS_WORDS[access]))
        for (entity, name), access in picture.fields.items()
    ]
    return sorted(found)


# -- all roles, one entity -----------------------------------------------------------------


def comparison(book: RoleBook, name: str) -> list[dict[str, Any]]:
    """Every role's row for one entity."""
    words = worded()
    return [
        {
            **_row(book.roles[role_id], book.rights([role_id]), name, words),
            "id": role_id,
            "label": str(book.roles[role_id].label),
        }
        for role_id in sorted(book.roles)
    ]


def field_comparison(book: RoleBook, definition: EntityDefinition) -> list[dict[str, Any]]:
    """Each field with what every role sees of it; only fields that some role does not write."""
    ids = sorted(book.roles)
    rights = {role_id: book.rights([role_id]) for role_id in ids}
    plain = {access: str(word) for access, word in ACCESS_WORDS.items()}
    found = []
    for field in declared_fields(definition):
        accesses = [rights[i].access(definition.name, field.name, field.personal) for i in ids]
        readers = [rights[i].scope(definition.name, "read") != "none" for i in ids]
        cells = [plain[a] if r else "" for a, r in zip(accesses, readers, strict=True)]
        if any(r and a != "write" for a, r in zip(accesses, readers, strict=True)):
            found.append({"label": str(field.label), "cells": cells, "personal": field.personal})
    return found


def declared_fields(definition: EntityDefinition) -> list[Any]:
    """The fields that access is granted on; the system's own are read by whoever reads."""
    return [field for field in definition.fields.values() if not field.system]


# -- what a change does --------------------------------------------------------------------


def difference_lines(difference: Difference) -> list[dict[str, str]]:
    """Before and after in words, a line for each action and field."""
    words, nothing = worded(), str(SCOPE_WORDS["none"])

    actions = [
        {
            "entity": str(entity_word(change.entity)),
            "what": str(ACTION_WORDS[change.action]),
            "before": words(change.entity, change.before) or nothing,
            "after": words(change.entity, change.after) or nothing,
        }
        for change in difference.actions
    ]
    fields = [
        {
            "entity": str(entity_word(change.entity)),
            "what": str(field_word(change.entity, change.field)),
            "before": str(ACCESS_WORDS[change.before]),
            "after": str(ACCESS_WORDS[change.after]),
        }
        for change in difference.fields
    ]
    return [*actions, *fields]


NAME_WORDS = {
    "label_zh": _("Chinese name"),
    "label_en": _("English name"),
    "purpose_zh": _("Purpose in Chinese"),
    "purpose_en": _("Purpose in English"),
}


def picture_lines(
    before: RolePicture | None, after: RolePicture | None, book: RoleBook
) -> list[dict[str, str]]:
    """What differs between two states of a role, line by line, as it was written."""
    old, new = _written(before, book), _written(after, book)
    found = []
    for key in dict.fromkeys([*old, *new]):
        entity, what = (new.get(key) or old[key])[:2]
        was, becomes = (lines[key][2] if key in lines else "" for lines in (old, new))
        if was != becomes:
            found.append({"entity": entity, "what": what, "before": was, "after": becomes})
    return found


def _written(
    picture: RolePicture | None, book: RoleBook
) -> dict[tuple[str, str, str], tuple[str, str, str]]:
    """Each line by what it is: what it is about, which line, and what it says, in words."""
    if picture is None:
        return {}
    found = {("name", name, ""): ("", str(NAME_WORDS[name]), text)
             for name, text in picture.names.items()}  # fmt: skip
    labels = [str(book.roles[i].label) if i in book.roles else f"#{i}" for i in picture.includes]
    found["includes", "", ""] = ("", str(gettext("Includes")), str(_(", ")).join(labels))
    for (entity, action), grant in picture.grants.items():
        what = str(ACTION_WORDS[action])
        found["grant", entity, action] = str(entity_word(entity)), what, grant_words(entity, grant)
    for (entity, name), access in picture.fields.items():
        words = str(entity_word(entity)), str(field_word(entity, name)), str(ACCESS_WORDS[access])
        found["field", entity, name] = words
    return found


def history(changes: Iterable[RoleChange], book: RoleBook) -> list[dict[str, Any]]:
    """Changes of roles: who, when, and what differs."""
    found = []
    for change in changes:
        before, after = (
            RolePicture.of_json(data) if data is not None else None
            for data in (change.before, change.after)
        )
        named = after or before
        found.append(
            {
                "id": change.id,
                "at": change.at,
                "who": change.by_name,
                "role": str(named.label) if named else change.role_name,
                "href": f"/roles/{change.role_id}" if change.role_id in book.roles else None,
                "kind": _kind(change),
                "undone": change.undone,
                "lines": picture_lines(before, after, book),
            }
        )
    return found


def _kind(change: RoleChange) -> str:
    if change.undoes_id is not None:
        return str(gettext("undone"))
    if change.before is None:
        return str(gettext("added"))
    return str(gettext("deleted")) if change.after is None else str(gettext("changed"))


def record_lines(changes: Iterable[RecordChange]) -> list[dict[str, str]]:
    """How many records somebody gains and loses, by entity and action."""
    return [
        {
            "entity": str(entity_word(change.entity)),
            "what": str(ACTION_WORDS[change.action]),
            "gained": _up_to_the_cap(change.gained),
            "lost": _up_to_the_cap(change.lost),
        }
        for change in changes
    ]


def _up_to_the_cap(number: int) -> str:
    if number > COUNTED_UP_TO:
        return f"{format_decimal(COUNTED_UP_TO)}+"
    return str(format_decimal(number)) if number else ""
