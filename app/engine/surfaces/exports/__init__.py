"""Exports: any selection of a list as a CSV or XLSX file, written by a job, streamed."""

from __future__ import annotations

from typing import Any

from flask import Flask

import app.engine.surfaces.exports.kind  # noqa: F401  (declares the kinds of jobs)
from app.engine.surfaces.exports.command import ExportReport, command
from app.engine.surfaces.exports.files import FORMATS, export_fields, write_export
from app.engine.surfaces.exports.pages import ExportPages

__all__ = [
    "FORMATS",
    "ExportPages",
    "ExportReport",
    "command",
    "export_fields",
    "register",
    "write_export",
]


def register(_app: Flask, appbuilder: Any) -> None:
    """Add the pages."""
    appbuilder.add_view_no_menu(ExportPages)
