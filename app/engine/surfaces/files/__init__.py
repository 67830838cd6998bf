"""Files of records: given out to whoever may see them, taken in as they are sent."""

from __future__ import annotations

from typing import Any

from flask import Flask
from flask_babel import lazy_gettext as _

from app.engine.job import JobKind, declare
from app.engine.surfaces.files.adding import AddingPages
from app.engine.surfaces.files.downloads import DownloadPages
from app.engine.surfaces.files.tus import FilesApi

SWEEP = declare(JobKind("files.sweep", _("Clean-up of files"), queue="bulk", notifies=False))


def register(_app: Flask, appbuilder: Any) -> None:
    """Add the pages and the API."""
    appbuilder.add_view_no_menu(DownloadPages)
    appbuilder.add_view_no_menu(AddingPages)
    appbuilder.add_api(FilesApi)
