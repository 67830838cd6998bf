"""Boards: a list's records in columns, one for each value of a choice; a card goes from one to another."""

from __future__ import annotations

from typing import Any

from flask import Flask

from app.engine.surfaces.boards.pages import BoardPages


def register(_app: Flask, appbuilder: Any) -> None:
    """Add the pages."""
    appbuilder.add_view_no_menu(BoardPages)


__all__ = ["register"]
