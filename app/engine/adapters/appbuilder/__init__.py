"""Flask-AppBuilder: the only folder that knows its insides. It keeps routing, roles, sign-in, API."""

from app.engine.adapters.appbuilder.builder import StewardAppBuilder

__all__ = ["StewardAppBuilder"]
