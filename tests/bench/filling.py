"""Databases that are filled once and kept: Steward's and the stock application's, same rows."""

from __future__ import annotations

import itertools
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from flask import Flask
from sqlalchemy import (
    Connection,
    Engine,
    Table,
    create_engine,
    func,
    insert,
    make_url,
    select,
    text,
)
from sqlalchemy.engine import URL
from sqlalchemy.pool import NullPool

from tests.bench.rows import Row, Rows, people
from tests.bench.serving import PASSWORD, run
from tests.bench.writing import Writer

BATCH = 5_000
FILLED = "bench_filled"
"""A table that is made last: what it is missing from was not filled to the end."""


@dataclass(frozen=True)
class Database:
    """A database of the benchmark, with its folder."""

    name: str
    url: URL
    folder: Path

    @property
    def address(self) -> str:
        return self.url.render_as_string(hide_password=False)

    @property
    def settings(self) -> dict[str, str]:
        """What Steward's command line is given."""
        return {"DATABASE_URL": self.address, "DATA_DIR": str(self.folder), "DEMO": "0"}

    def engine(self) -> Engine:
        return create_engine(self.url, poolclass=NullPool)


def database(name: str, folder: Path, given: str) -> Database:
    """The database of that name: a file, or one on the server of the address given."""
    home = folder / name
    home.mkdir(parents=True, exist_ok=True)
    if not given:
        return Database(name, make_url(f"sqlite:///{home / 'bench.db'}"), home)
    url = make_url(given.replace("postgresql://", "postgresql+psycopg://", 1))
    return Database(name, url.set(database=name), home)


def filled(database: Database) -> bool:
    """Whether it holds all its rows from an earlier run."""
    if database.url.get_backend_name() == "sqlite" and not (database.folder / "bench.db").exists():
        return False
    engine = database.engine()
    try:
        with engine.connect() as connection:
            return bool(connection.dialect.has_table(connection, FILLED))
    except Exception as error:  # whatever the driver says
        print(f"{database.name}: to be made ({type(error).__name__})", file=sys.stderr)
        return False


def make_anew(database: Database) -> None:
    """An empty database instead of what was there."""
    if database.url.get_backend_name() == "sqlite":
        for path in database.folder.glob("bench.db*"):
            path.unlink()
        return
    server = create_engine(database.url.set(database="postgres"), isolation_level="AUTOCOMMIT")
    with server.connect() as connection:
        connection.execute(text(f'DROP DATABASE IF EXISTS "{database.name}" WITH (FORCE)'))
        connection.execute(text(f'CREATE DATABASE "{database.name}"'))
    server.dispose()


def prepare(steward: Database, stock: Database | None, count: int, people_count: int) -> Flask:
    """Make and fill what is not filled yet; gives Steward's application on its database."""
    missing = [one for one in (steward, stock) if one is not None and not filled(one)]
    for one in missing:
        make_anew(one)
    if steward in missing:
        run(["run.py", "migrate"], steward.settings)
        run(["run.py", "seed"], steward.settings)
    if stock is not None and stock in missing:
        settings = {"DATABASE_URL": stock.address, "ADMIN_PASSWORD": PASSWORD}
        run(["-m", "tests.bench.stock", "create"], settings)
    app = _application(steward)
    if missing:
        _fill(app, missing, steward, count, people_count)
    return app


def _application(steward: Database) -> Flask:
    from app import create_app
    from app.engine import registry
    from app.engine.adapters import data_folder
    from config import Settings

    settings = Settings(data_dir=steward.folder, database_url=steward.address, demo=False)
    app = create_app(data_folder.prepare(settings))
    with app.app_context():
        registry.refresh()
    return app


def _fill(
    app: Flask, missing: Sequence[Database], steward: Database, count: int, people_count: int
) -> None:
    from app.engine import registry

    began = time.monotonic()
    with app.app_context():
        definition = registry.current().entity("Customer")
        index = definition.search_index
        assert index is not None
        targets = []
        for one in missing:
            engine = one.engine()
            with engine.begin() as connection:
                people_ids = _add_people(connection, people_count)
            targets.append((one, engine, people_ids))
        rows = Rows(definition, targets[0][2], count)
        with _writers(targets, steward, index.table_name) as writers:
            for number, batch in enumerate(_batches(rows)):
                for write in writers:
                    write(batch)
                if (number + 1) % 20 == 0:
                    print(f"  {(number + 1) * BATCH:,} rows", file=sys.stderr)
        for _one, engine, _ids in targets:
            engine.dispose()
    print(f"filled in {time.monotonic() - began:.0f} s", file=sys.stderr)


def _batches(rows: Iterable[Row]) -> Iterator[list[Row]]:
    iterator = iter(rows)
    while batch := list(itertools.islice(iterator, BATCH)):
        yield batch


def _add_people(connection: Connection, count: int) -> list[int]:
    """The ids of the accounts, which are the same in both databases."""
    table = _table(connection, "ab_user")
    connection.execute(insert(table), people(count))
    wanted = table.c.username.like("bench%")
    return list(connection.scalars(select(table.c.id).where(wanted).order_by(table.c.id)))


def _table(connection: Connection, name: str) -> Table:
    from sqlalchemy import MetaData

    return Table(name, MetaData(), autoload_with=connection)


@contextmanager
def _writers(
    targets: Sequence[tuple[Database, Engine, list[int]]], steward: Database, search_table: str
) -> Iterator[list[Callable[[list[Row]], None]]]:
    """For each database a function that writes a batch; indexes are made after the last."""
    writers = [
        Writer(engine, search_table if one is steward else None) for one, engine, _ids in targets
    ]
    yield [writer.write for writer in writers]
    for writer in writers:
        writer.finish()


def counted(database: Database) -> int:
    """How many customers there are."""
    engine = database.engine()
    with engine.connect() as connection:
        found = connection.scalar(select(func.count()).select_from(text("customer")))
    return int(found or 0)


def remove_after(database: Database, last_id: int) -> None:
    """Take away the customers that a run has made, so that the next one finds the same rows."""
    engine = database.engine()
    with engine.begin() as connection:
        if connection.dialect.has_table(connection, "search_customer"):
            connection.execute(text("DELETE FROM search_customer WHERE rowid > :i"), {"i": last_id})
            made = "SELECT id FROM change_set WHERE door = 'api'"
            connection.execute(text(f"DELETE FROM change WHERE change_set_id IN ({made})"))
            connection.execute(text("DELETE FROM change_set WHERE door = 'api'"))
        connection.execute(text("DELETE FROM customer WHERE id > :i"), {"i": last_id})
