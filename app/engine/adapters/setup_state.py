"""What setting up has already done to this database, by name: a handful of rows."""

from __future__ import annotations

from flask_appbuilder import Model
from sqlalchemy import Column, String, Table, delete, insert, select

from app.engine.adapters.database import db

setup_state = Table(
    "steward_setup",
    Model.metadata,
    Column("name", String(100), primary_key=True),
    Column("value", String(200), nullable=False),
)


def noted(name: str) -> str | None:
    """What was noted under a name, or None."""
    statement = select(setup_state.c.value).where(setup_state.c.name == name)
    found: str | None = db.session.scalar(statement)
    return found


def note(name: str, value: str) -> None:
    """Put a value under a name, in the session's transaction."""
    forget(name)
    db.session.execute(insert(setup_state).values(name=name, value=value))


def forget(name: str) -> None:
    """Take away what was noted under a name, in the session's transaction."""
    db.session.execute(delete(setup_state).where(setup_state.c.name == name))
