"""Schedules in the browser: what runs by itself, when next, how it went; administrators' own."""

from __future__ import annotations

from typing import Any

from flask import Flask
from flask_babel import lazy_gettext as _

from app.engine import attention
from app.engine.job import JobKind, declare
from app.engine.surfaces.schedules.amiss import amiss
from app.engine.surfaces.schedules.pages import SchedulePages

CLEAN_UP = declare(JobKind("clean_up", _("Clean-up"), notifies=False))


def register(_app: Flask, appbuilder: Any) -> None:
    """Add the pages, and what the first page tells of schedules."""
    appbuilder.add_view_no_menu(SchedulePages)
    attention.of_the_system("schedules", amiss)


__all__ = ["register"]
