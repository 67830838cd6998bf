"""The navigation beside every page, and the quick way to add something."""

from __future__ import annotations

from typing import Any

from flask import Flask, current_app, request
from flask_login import current_user

from app.engine import policy, registry
from app.engine.navigation import additions, areas
from app.engine.presentation import kept


def register(app: Flask, _appbuilder: Any) -> None:
    """Give every page's template its `navigation`, and the `additions` of the menu “New”."""
    app.context_processor(lambda: {"navigation": navigation(), "additions": new_menu()})


def new_menu() -> list[dict[str, Any]]:
    """What the person may add."""
    if not current_user.is_authenticated:
        return []
    _ready()
    viewer = policy.current_viewer()
    return kept("additions", lambda: additions(viewer), viewer)


def navigation() -> list[dict[str, Any]]:
    """Areas with their items; the one of this page is active."""
    if not current_user.is_authenticated:
        return []
    _ready()
    viewer = policy.current_viewer()
    here = request.path
    found = kept("navigation", lambda: areas(viewer), viewer)
    every = [item["href"] for area in found for item in area["items"]]
    active = max((href for href in every if _is_here(href, here)), key=len, default=None)
    return [
        {
            "label": area["label"],
            "items": [{**item, "active": item["href"] == active} for item in area["items"]],
        }
        for area in found
    ]


def _ready() -> None:
    if "steward.registry" not in current_app.extensions:
        registry.refresh()  # an address that leads nowhere was this process's first request


def _is_here(href: str, path: str) -> bool:
    if href == "/":
        return path == "/"
    stem = href.removesuffix("list/").rstrip("/")
    return path == href or path.startswith(f"{stem}/")
