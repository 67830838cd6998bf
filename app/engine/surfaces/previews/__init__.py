"""Previews: what is in a record's file, shown without letting anything in it run or be fetched."""

from app.engine.surfaces.previews.pages import register

__all__ = ["register"]
