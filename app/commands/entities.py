"""`run.py entities`: what is registered, and which surfaces follow from it."""

from __future__ import annotations

import argparse
import json
from typing import Any

from flask import current_app

from app.commands import terminal
from app.engine import registry, surfaces
from app.engine.registry import EntityDefinition
from config import Settings

OF_AN_ENTITY = "key"  # the part of an address that stands for an entity


def run(settings: Settings, options: argparse.Namespace) -> int:
    """Print every entity, its fields and its surfaces."""
    with terminal.session(settings):
        described = [_described(entity) for entity in registry.current().entities.values()]
    if options.json:
        print(json.dumps(described, ensure_ascii=False))
        return 0
    for entity in described:
        print(f"{entity['name']}  {entity['label']}  /{entity['key']}/  ({entity['area_label']})")
        print(f"    fields    {', '.join(entity['fields'])}")
        print(f"    surfaces  {', '.join(entity['surfaces'])}")
    return 0


def _described(entity: EntityDefinition) -> dict[str, Any]:
    return {
        "name": entity.name,
        "key": entity.key,
        "label": str(entity.label),
        "area": entity.area,
        "area_label": str(entity.area_label),
        "fields": {name: type(field).__name__ for name, field in entity.fields.items()},
        "surfaces": _surfaces(entity),
    }


def _surfaces(entity: EntityDefinition) -> dict[str, list[str]]:
    """The entity's addresses, by the surface that answers them."""
    place = f"{surfaces.__name__}."
    found: dict[str, list[str]] = {}
    for rule in current_app.url_map.iter_rules():
        view = current_app.view_functions[rule.endpoint]
        module = (
            type(owner).__module__
            if (owner := getattr(view, "__self__", None))
            else view.__module__
        )
        if OF_AN_ENTITY in rule.arguments and module.startswith(place):
            name = module.removeprefix(place).partition(".")[0]
            found.setdefault(name, []).append(rule.rule.replace(f"<{OF_AN_ENTITY}>", entity.key))
    return {name: sorted(set(addresses)) for name, addresses in sorted(found.items())}
