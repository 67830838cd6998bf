"""Personal data: the page of what is held on one person, its report, and its erasing."""

from __future__ import annotations

from typing import Any

from flask import Flask

from app.engine.surfaces.personal.kinds import ERASE, REPORT
from app.engine.surfaces.personal.pages import PersonalPages

__all__ = ["ERASE", "REPORT", "register"]


def register(_app: Flask, appbuilder: Any) -> None:
    """Add the pages."""
    appbuilder.add_view_no_menu(PersonalPages)
