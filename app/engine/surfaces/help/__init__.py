"""Help where it is needed: the list of keys."""

from app.engine.surfaces.help.pages import register

__all__ = ["register"]
