"""How Alembic finds the tables and runs a migration; `run.py migrate` sets everything else up."""

from __future__ import annotations

from typing import Any

from alembic import context
from flask import current_app
from sqlalchemy import DefaultClause, False_, True_
from sqlalchemy.dialects import postgresql, sqlite

from app.engine.adapters import database as types

database = current_app.extensions["migrate"].db
metadata = database.metadatas[None]


def is_ours(_object: Any, name: str | None, kind: str, reflected: bool, compare_to: Any) -> bool:
    """Leave alone what the database has and no model declares, such as the tables of a search index.

    And keys that only one of the databases checks.
    """
    if getattr(_object, "_ddl_if", None) is not None:
        return False
    return not (kind in ("table", "index") and reflected and compare_to is None)


def in_sql(item: Any) -> list[str]:
    """A column type as both databases spell it."""
    return [
        str(item.compile(dialect=dialect)) for dialect in (sqlite.dialect(), postgresql.dialect())
    ]


def spelled(kind: str, item: Any, autogen_context: Any) -> str | bool:
    """Our column types by their names, and truth as each database spells it."""
    if kind == "type":
        for name in ("Identifier", "Json"):
            ours = getattr(types, name)
            if type(item) is type(ours) and in_sql(item) == in_sql(ours):
                return f"types.{name}"
    if isinstance(item, DefaultClause) and isinstance(item.arg, (False_, True_)):
        return f"sa.{item.arg}()"
    return False


def keep_empty_ones_out(_context: Any, _revision: Any, directives: list[Any]) -> None:
    """No migration when nothing has changed."""
    if (
        getattr(context.config.cmd_opts, "autogenerate", False)
        and directives[0].upgrade_ops.is_empty()
    ):
        directives[:] = []


def run() -> None:
    """One transaction for all that is to be done, where the database can."""
    with database.engine.connect() as connection:
        context.configure(
            connection=connection,
            target_metadata=metadata,
            include_object=is_ours,
            process_revision_directives=keep_empty_ones_out,
            compare_type=True,
            render_as_batch=connection.dialect.name == "sqlite",
            user_module_prefix="types.",
            render_item=spelled,
        )
        with context.begin_transaction():
            context.run_migrations()


run()
