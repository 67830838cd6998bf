"""Many rows into a table at once, by the quickest way of each database, and their ids beforehand.

SQLite: one statement for hundreds of rows, so that the interpreter is free for other work
meanwhile. PostgreSQL: COPY. Errors are SQLAlchemy's on both.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from itertools import chain
from typing import Any

import psycopg
from sqlalchemy import Connection, Table, bindparam, func, select, text
from sqlalchemy.exc import IntegrityError

_MOST_PARAMETERS = 32_000
"""SQLite takes 32,766 in one statement."""

_GROWN = 100
"""So many times as large as when it was last looked at, a table is looked at again."""

Binder = Callable[[Any], Any]


def reserve_ids(connection: Connection, table: Table, count: int) -> list[int]:
    """Ids for `count` new rows, rising; nobody else gets them. Inside a writing transaction."""
    if connection.dialect.name == "postgresql":
        sequence = func.nextval(func.pg_get_serial_sequence(table.name, "id"))
        series = func.generate_series(1, bindparam("count", count)).table_valued("n")
        return list(connection.scalars(select(sequence).select_from(series)))
    # The highest id ever given; rows put in with their ids raise it as others do.
    last = connection.scalar(
        text("SELECT seq FROM sqlite_sequence WHERE name = :name"), {"name": table.name}
    )
    first = int(last or 0) + 1
    return list(range(first, first + count))


def binders(connection: Connection, table: Table, names: Sequence[str]) -> list[Binder | None]:
    """What turns a value of each column into what the driver takes; None where nothing does."""
    dialect = connection.dialect
    return [table.c[name].type.dialect_impl(dialect).bind_processor(dialect) for name in names]


def load_rows(
    connection: Connection, table: str, names: Sequence[str], rows: Sequence[Sequence[Any]]
) -> None:
    """Put in rows of driver values, in the order of `names`. Raises IntegrityError."""
    if not rows:
        return
    if connection.dialect.name == "postgresql":
        _copy(connection, table, names, rows)
        return
    most = max(1, _MOST_PARAMETERS // len(names))
    for start in range(0, len(rows), most):
        part = rows[start : start + most]
        values = tuple(chain.from_iterable(part))
        connection.exec_driver_sql(_insert(table, tuple(names), len(part)), values)


def look_at_grown(connection: Connection, table: str) -> None:
    """Have PostgreSQL look at a table that has grown so much that it knows nothing of its rows.

    It does so by itself a minute later; until then it would read a table that is being filled from
    beginning to end for every batch that is compared with it.
    """
    if connection.dialect.name != "postgresql":
        return
    grown = text(
        "SELECT pg_relation_size(oid) > :times * current_setting('block_size')::bigint"
        " * greatest(relpages, 1) FROM pg_class WHERE oid = CAST(:name AS regclass)"
    )
    if connection.scalar(grown, {"times": _GROWN, "name": f'"{table}"'}):
        connection.exec_driver_sql(f'ANALYZE "{table}"')


@lru_cache(maxsize=64)
def _insert(table: str, names: tuple[str, ...], count: int) -> str:
    row = f"({','.join('?' * len(names))})"
    columns = ", ".join(f'"{name}"' for name in names)
    return f'INSERT INTO "{table}" ({columns}) VALUES {",".join([row] * count)}'  # noqa: S608


def _copy(
    connection: Connection, table: str, names: Sequence[str], rows: Sequence[Sequence[Any]]
) -> None:
    columns = ", ".join(f'"{name}"' for name in names)
    statement = f'COPY "{table}" ({columns}) FROM STDIN'
    driver: Any = connection.connection.driver_connection
    try:
        with driver.cursor() as cursor, cursor.copy(statement) as copy:
            for row in rows:
                copy.write_row(row)
    except psycopg.IntegrityError as error:
        raise IntegrityError(statement, None, error) from error
