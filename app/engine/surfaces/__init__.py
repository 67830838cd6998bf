"""Surfaces: what follows from a declaration. Each reads the registry and the mechanisms only;
none imports another, and taking one off this list takes one feature away and nothing else.
"""

from __future__ import annotations

import importlib
from typing import Any

from flask import Flask

SURFACES = (
    "home",
    "menu",
    "lists",
    "saved_views",
    "bulk",
    "records",
    "forms",
    "files",
    "unmask",
    "pickers",
    "charts",
    "boards",
    "rest",
    "imports",
    "exports",
    "previews",
    "history",
    "roles",
    "access",
    "sharing",
    "timeline",
    "graph",
    "tree",
    "view_as",
    "personal",
    "leaving",
    "pool",
    "trash",
    "custom_fields",
    "search_page",
    "palette",
    "help",
    "jobs",
    "notifications",
    "schedules",
    "audit_log",
    "archives",
    "demonstration",
    "links",
    "health",
)
"""Each is a module of this package with `register(app, appbuilder)`."""


def register(app: Flask, appbuilder: Any) -> None:
    """Put every surface's pages and APIs into the application."""
    for name in SURFACES:
        importlib.import_module(f"{__name__}.{name}").register(app, appbuilder)
