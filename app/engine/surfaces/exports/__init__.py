"""Exports: any selection of a list as a file, written by a job, streamed, whole or not at all."""

from __future__ import annotations

from typing import Any

from flask import Flask

import app.engine.surfaces.exports.kind  # noqa: F401  (declares the kinds of jobs)
from app.engine.surfaces.exports.command import ExportReport, command
from app.engine.surfaces.exports.files import Written, format_of, write_export
from app.engine.surfaces.exports.formats import FORMATS
from app.engine.surfaces.exports.mailing import ask_for_mails
from app.engine.surfaces.exports.noting import note_export
from app.engine.surfaces.exports.pages import ExportPages
from app.engine.surfaces.exports.parts import export_fields
from app.engine.surfaces.exports.request import Request, checked_folder, manifest

__all__ = [
    "FORMATS",
    "ExportPages",
    "ExportReport",
    "Request",
    "Written",
    "ask_for_mails",
    "checked_folder",
    "command",
    "export_fields",
    "format_of",
    "manifest",
    "note_export",
    "register",
    "write_export",
]


def register(_app: Flask, appbuilder: Any) -> None:
    """Add the pages."""
    appbuilder.add_view_no_menu(ExportPages)
