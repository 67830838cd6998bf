"""The audit log for those who may read it: found, filtered, looked at, taken out."""

from __future__ import annotations

from typing import Any

from flask import Flask

from app.engine import attention
from app.engine.surfaces.audit_log.amiss import amiss
from app.engine.surfaces.audit_log.export import FORMATS, write
from app.engine.surfaces.audit_log.finding import Wanted
from app.engine.surfaces.audit_log.pages import AuditPages

__all__ = ["FORMATS", "AuditPages", "Wanted", "register", "write"]


def register(_app: Flask, appbuilder: Any) -> None:
    """Add the pages, and what the first page tells of the log."""
    appbuilder.add_view_no_menu(AuditPages)
    attention.of_the_system("audit_log", amiss)
