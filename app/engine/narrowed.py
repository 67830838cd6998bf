"""The chips that stand for what narrows a selection, on whatever page shows it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask_babel import gettext

from app.engine import policy
from app.engine.addresses import ListAddress
from app.engine.conditions import Condition, described
from app.engine.fields import Field
from app.engine.query import titles
from app.engine.registry import EntityDefinition


def chips(
    definition: EntityDefinition, address: ListAddress, leads: Callable[[ListAddress], str]
) -> list[dict[str, Any]]:
    """One for each filter and one for the search; `leads`: where the page is without it."""
    found = []
    for condition in address.conditions:
        field = policy.plain_field(definition, condition.field)
        words = described(field, condition, _names_in(field, condition))
        found.append({
            "label": field.label,
            "value": words.removeprefix(str(field.label)).strip(),
            "remove_href": leads(address.without(condition)),
        })  # fmt: skip
    if address.text:
        found.append({
            "label": gettext("Search"),
            "value": address.text,
            "remove_href": leads(address.first_page(text="")),
        })  # fmt: skip
    return found


def _names_in(field: Field, condition: Condition) -> dict[Any, str]:
    """The names of the records that a filter on a reference names by id."""
    if not field.target:
        return {}
    ids = [int(item) for item in str(condition.operand).split(",") if item.strip().isdecimal()]
    return dict(titles(field.target, ids))
