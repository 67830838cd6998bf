"""Tasks: what a person has to do by a day, by hand or because a rule or a record asked for it."""

from app.domains.tasks.task import Task

__all__ = ["Task"]
