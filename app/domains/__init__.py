"""The areas of the business. Importing this package declares every entity."""

from app.domains import customers, evaluations, tasks, tickets

__all__ = ["customers", "evaluations", "tasks", "tickets"]
