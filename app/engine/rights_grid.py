"""Grids of rights: what they are granted on, action by action, each cell in words."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from flask_babel import gettext
from flask_babel import lazy_gettext as _

from app.engine import registry
from app.engine.policy import ACTIONS, ANY, BESIDE, Grant
from app.engine.rights_words import ACTION_WORDS, SCOPE_WORDS, entity_word, grant_words

COLUMNS = (ANY, *ACTIONS)
"""The columns of a grid: everything at once, then action by action."""

GENERAL = _("In general")


def column_words() -> list[str]:
    """The headings of a grid's columns."""
    return [str(ACTION_WORDS[action]) for action in COLUMNS]


def areas() -> list[tuple[str, list[str]]]:
    """What rights are granted on, by area: the name of the area, and the names in it."""
    found: dict[str, list[str]] = {}
    for definition in registry.current().entities.values():
        found.setdefault(str(definition.area_label), []).append(definition.name)
    return [(str(GENERAL), [ANY, *BESIDE]), *found.items()]


def worded() -> Callable[[str, Iterable[Grant]], str]:
    """Grants in words; what thousands of cells say alike is put into words once."""
    plain: dict[str, str] = {scope: str(word) for scope, word in SCOPE_WORDS.items()}
    between = f" {gettext('or')} "

    def words(name: str, grants: Iterable[Grant]) -> str:
        return between.join(
            grant_words(name, grant) if grant.conditions else plain[grant.scope] for grant in grants
        )

    return words


def row(name: str, cells: Iterable[tuple[str, bool]]) -> dict[str, Any]:
    """A row: what it is about, and for each column the words and whether they are its own."""
    found = [{"text": text, "own": own} for text, own in cells]
    return {"name": name, "label": str(entity_word(name)), "cells": found}
