"""Roles: what each gives, in words; changed with a look at who gains and loses what."""

from __future__ import annotations

from typing import Any

from flask import Flask

from app.engine.surfaces.roles.changing import RoleChangePages
from app.engine.surfaces.roles.pages import RolePages
from app.engine.surfaces.roles.views import RoleViewPages


def register(_app: Flask, appbuilder: Any) -> None:
    """Add the pages."""
    appbuilder.add_view_no_menu(RolePages)
    appbuilder.add_view_no_menu(RoleChangePages)
    appbuilder.add_view_no_menu(RoleViewPages)
