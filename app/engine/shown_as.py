"""In which ways a selection of records can be shown: each page of one leads to the others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from flask_babel import lazy_gettext as _

from app.engine import policy
from app.engine.addresses import ListAddress, has_page, list_address, with_query
from app.engine.entity import REVIEW_NAMES
from app.engine.fields import Choice
from app.engine.presentation import companions, kept
from app.engine.registry import EntityDefinition

LIST, BOARD, CHARTS = "list", "board", "charts"
_LABELS = {LIST: _("List"), BOARD: _("Board"), CHARTS: _("Charts")}
_ICONS = {LIST: "list", BOARD: "layout-kanban", CHARTS: "chart-bar"}


@dataclass(frozen=True)
class Way:
    """A way of showing the selection, and where it does so."""

    name: str
    label: Any
    icon: str
    href: str
    active: bool


def ways(definition: EntityDefinition, address: ListAddress, active: str) -> list[Way]:
    """The list, and what else shows the same records; nothing where there is only one way."""
    pairs = address.first_page().pairs()
    bases = {LIST: list_address(definition)}
    if board_fields(definition) and has_page(f"/{definition.key}/board"):
        bases[BOARD] = f"/{definition.key}/board"
    if definition.model.charts and has_page(f"/{definition.key}/charts"):
        bases[CHARTS] = f"/{definition.key}/charts"
    if len(bases) == 1:
        return []
    return [
        Way(name, _LABELS[name], _ICONS[name], with_query(base, pairs), name == active)
        for name, base in bases.items()
    ]


def board_fields(definition: EntityDefinition) -> Sequence[Choice]:
    """The choices whose values can be a board's columns for the viewer: states with steps first."""
    viewer = policy.current_viewer()

    def make() -> list[Choice]:
        beside = companions(definition)
        found = [
            field
            for field in policy.plain(definition, viewer)
            if isinstance(field, Choice)
            and field.groupable
            and not field.internal
            and field.name not in beside
            and field.name not in REVIEW_NAMES
        ]
        return sorted(found, key=lambda field: (not field.moves, field.in_list is not True))

    return kept(("board fields", definition.key), make, viewer)
