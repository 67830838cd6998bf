"""The database that tests run on: prepared once, and as it was prepared again before each test.

SQLite's file is copied back. PostgreSQL's tables are emptied and filled from copies in a schema of
their own: making a database from a template takes seconds there.
"""

from __future__ import annotations

import os
import secrets
import shutil
from pathlib import Path

from sqlalchemy import Connection, create_engine, make_url, text

from app.engine.adapters.database import db

KEPT = "kept"
_TABLES = "SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY tablename"
_SEQUENCES = "SELECT sequencename, last_value FROM pg_sequences WHERE schemaname = 'public'"


class SqliteDatabase:
    """A file in a temporary folder."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "steward.db"
        self.kept = folder / "kept.db"
        self.url = f"sqlite:///{self.file}"

    def create(self) -> None:
        """Nothing: SQLite makes the file."""

    def keep(self) -> None:
        """What is in it now is what each test starts with."""
        db.session.remove()
        with db.engine.connect() as connection:
            connection.commit()
            connection.connection.driver_connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")  # type: ignore[union-attr]
        db.engine.dispose()
        shutil.copyfile(self.file, self.kept)

    def refresh(self) -> None:
        """As it was kept."""
        db.session.remove()
        db.engine.dispose()
        for suffix in ("-wal", "-shm"):
            Path(f"{self.file}{suffix}").unlink(missing_ok=True)
        shutil.copyfile(self.kept, self.file)

    def drop(self) -> None:
        """Nothing: the folder goes with the run."""


class PostgresqlDatabase:
    """A database of its own on the server that DATABASE_URL names."""

    def __init__(self, server: str) -> None:
        self.server = make_url(server.replace("postgresql://", "postgresql+psycopg://", 1))
        self.name = f"steward_test_{os.getpid()}_{secrets.token_hex(3)}"
        self.url = self.server.set(database=self.name).render_as_string(hide_password=False)
        self.restoring = ""

    def create(self) -> None:
        self._on_server(f'CREATE DATABASE "{self.name}"')

    def keep(self) -> None:
        """What is in it now is what each test starts with."""
        db.session.remove()
        with db.engine.begin() as connection:
            connection.execute(text(f"CREATE SCHEMA {KEPT}"))
            tables = list(connection.scalars(text(_TABLES)))
            for table in tables:
                connection.execute(text(f"CREATE TABLE {KEPT}.{table} AS TABLE public.{table}"))
            self.restoring = _restoring(connection, tables)

    def refresh(self) -> None:
        """As it was kept; tables that a test made are left, emptied."""
        db.session.remove()
        with db.engine.begin() as connection:
            connection.exec_driver_sql(self.restoring)

    def drop(self) -> None:
        self._on_server(f'DROP DATABASE IF EXISTS "{self.name}" WITH (FORCE)')

    def _on_server(self, statement: str) -> None:
        engine = create_engine(self.server, isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.execute(text(statement))
        engine.dispose()


def _restoring(connection: Connection, tables: list[str]) -> str:
    """One script: without foreign keys in the way, each table's rows are put back."""
    tables_back = [
        f"DO $$ BEGIN IF {_content('public', table)} IS DISTINCT FROM {_content(KEPT, table)}"
        f" THEN DELETE FROM public.{table};"
        f" INSERT INTO public.{table} SELECT * FROM {KEPT}.{table}; END IF; END $$"
        for table in tables
    ]
    sequences_back = [
        f"SELECT setval('public.{name}', {last or 1}, {str(last is not None).lower()})"
        for name, last in connection.execute(text(_SEQUENCES))
    ]
    return "; ".join(
        ["SET LOCAL session_replication_role = replica", *tables_back, *sequences_back]
    )


def _content(schema: str, table: str) -> str:
    rows = f"SELECT md5(string_agg(t::text, '' ORDER BY t::text)) FROM {schema}.{table} t"
    return f"({rows})"


def chosen_database(folder: Path) -> SqliteDatabase | PostgresqlDatabase:
    """The one that DATABASE_URL asks for; SQLite without it."""
    server = os.environ.get("DATABASE_URL", "")
    return PostgresqlDatabase(server) if server else SqliteDatabase(folder)
