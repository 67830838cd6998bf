"""Imports: a file brought in, from its columns and their fields to a preview, a run and its undoing."""

from __future__ import annotations

from typing import Any

from flask import Flask

import app.engine.surfaces.imports.kind  # noqa: F401  (declares the kinds of jobs)
from app.engine import attention
from app.engine.surfaces.imports.checking import Preview, check, forget_refusals, keep_refusals
from app.engine.surfaces.imports.command import ImportReport, command
from app.engine.surfaces.imports.downloads import ImportDownloads
from app.engine.surfaces.imports.models import CHECKED, CHECKING, ImportProfile, ImportRun
from app.engine.surfaces.imports.pages import ImportPages
from app.engine.surfaces.imports.profile_pages import ImportProfilePages
from app.engine.surfaces.imports.running import Runner
from app.engine.surfaces.imports.waiting import undecided

__all__ = [
    "CHECKED",
    "CHECKING",
    "ImportDownloads",
    "ImportPages",
    "ImportProfile",
    "ImportProfilePages",
    "ImportReport",
    "ImportRun",
    "Preview",
    "Runner",
    "check",
    "command",
    "forget_refusals",
    "keep_refusals",
    "register",
]


def register(_app: Flask, appbuilder: Any) -> None:
    """Add the pages, and what the first page tells of imports."""
    appbuilder.add_view_no_menu(ImportPages)
    appbuilder.add_view_no_menu(ImportDownloads)
    appbuilder.add_view_no_menu(ImportProfilePages)
    attention.of_mine("imports", undecided)
