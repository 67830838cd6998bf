"""The areas of the business. Importing this package declares every entity."""

from app.domains import customers, documents, evaluations, tasks, tickets

__all__ = ["customers", "documents", "evaluations", "tasks", "tickets"]
