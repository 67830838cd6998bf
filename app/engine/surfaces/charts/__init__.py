"""Charts: those that an entity declares, and one that the reader puts together; grouped in SQL."""

from __future__ import annotations

from typing import Any

from flask import Flask

from app.engine.surfaces.charts.pages import ChartPages


def register(_app: Flask, appbuilder: Any) -> None:
    """Add the pages."""
    appbuilder.add_view_no_menu(ChartPages)


__all__ = ["register"]
