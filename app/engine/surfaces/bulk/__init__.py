"""Bulk work: editing, assigning, tagging, archiving, deleting and merging many records at once."""

from __future__ import annotations

from typing import Any

from flask import Flask

from app.engine.surfaces.bulk.merge import MergePages
from app.engine.surfaces.bulk.pages import BulkPages


def register(_app: Flask, appbuilder: Any) -> None:
    """Add the pages."""
    appbuilder.add_view_no_menu(BulkPages)
    appbuilder.add_view_no_menu(MergePages)
