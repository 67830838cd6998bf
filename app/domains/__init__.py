"""The areas of the business. Importing this package declares every entity."""

from app.domains import customers

__all__ = ["customers"]
