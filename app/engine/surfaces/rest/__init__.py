"""REST: every entity's records as JSON, at Flask-AppBuilder's addresses and in its query form."""

from __future__ import annotations

from typing import Any

from flask import Flask

from app.engine.adapters.appbuilder.openapi import OpenApi
from app.engine.surfaces.rest.api import RecordsApi
from app.engine.surfaces.rest.trash import TrashApi

__all__ = ["register"]


def register(_app: Flask, appbuilder: Any) -> None:
    """Serve the records, the trash, and the OpenAPI document of everything under /api/v1."""
    appbuilder.add_api(RecordsApi)
    appbuilder.add_api(TrashApi)
    appbuilder.add_api(OpenApi)
