"""What administrators shape in the browser: fields of their own, and the choices of lists."""

from __future__ import annotations

from typing import Any

from flask import Flask

from app.engine.surfaces.custom_fields.fields import CustomFieldPages
from app.engine.surfaces.custom_fields.lists import ChoiceListPages


def register(_app: Flask, appbuilder: Any) -> None:
    """Add the pages."""
    appbuilder.add_view_no_menu(CustomFieldPages)
    appbuilder.add_view_no_menu(ChoiceListPages)


__all__ = ["register"]
