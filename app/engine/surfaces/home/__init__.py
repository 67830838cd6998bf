"""The first page: what waits for whoever looks, what needs them, the figures of their role."""

from __future__ import annotations

from typing import Any

from flask import Flask

from app.engine.surfaces.home.pages import HomeView

__all__ = ["HomeView", "register"]


def register(_app: Flask, _appbuilder: Any) -> None:
    """Nothing: Flask-AppBuilder was given HomeView as its index when it was made."""
