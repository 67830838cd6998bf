"""Forms: adding and editing a record, with likely duplicates shown while typing."""

from __future__ import annotations

from typing import Any

from flask import Flask

from app.engine.surfaces.forms.pages import FormPages


def register(_app: Flask, appbuilder: Any) -> None:
    """Add the pages."""
    appbuilder.add_view_no_menu(FormPages)
