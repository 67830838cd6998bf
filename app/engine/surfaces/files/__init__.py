"""Files of records: given out to whoever may see them, taken in as they are sent."""

from __future__ import annotations

from typing import Any

from flask import Flask

from app.engine.surfaces.files.adding import AddingPages
from app.engine.surfaces.files.downloads import DownloadPages
from app.engine.surfaces.files.tus import FilesApi


def register(_app: Flask, appbuilder: Any) -> None:
    """Add the pages and the API."""
    appbuilder.add_view_no_menu(DownloadPages)
    appbuilder.add_view_no_menu(AddingPages)
    appbuilder.add_api(FilesApi)
