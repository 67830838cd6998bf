"""History: what was changed of a record, by whom and how; going back to a version; change sets."""

from __future__ import annotations

from typing import Any

from flask import Flask

import app.engine.surfaces.history.kind  # noqa: F401  (declares the kinds of jobs)
from app.engine.surfaces.history.record import RecordHistoryPages
from app.engine.surfaces.history.sets import ChangeSetPages


def register(_app: Flask, appbuilder: Any) -> None:
    """Add the pages."""
    appbuilder.add_view_no_menu(RecordHistoryPages)
    appbuilder.add_view_no_menu(ChangeSetPages)


__all__ = ["register"]
