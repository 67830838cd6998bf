"""Lists: an entity's records in a table, found, filtered, sorted, paged, and acted on together."""

from __future__ import annotations

from typing import Any

from flask import Flask

from app.engine.surfaces.lists.pages import ListPages


def register(_app: Flask, appbuilder: Any) -> None:
    """Add the pages."""
    appbuilder.add_view_no_menu(ListPages)
