"""The database: one session factory, column types that behave alike on both engines, transactions.

SQLite runs in WAL mode. A transaction that will write says so when it begins (`write_transaction`):
SQLite cannot turn a reading transaction into a writing one once somebody else has written.
"""

from __future__ import annotations

import contextlib
import datetime
import decimal
import fcntl
import sqlite3
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from flask_appbuilder import Model as Model
from flask_appbuilder.models.sqla.base import SQLA
from sqlalchemy import (
    JSON,
    BigInteger,
    DateTime,
    Dialect,
    Engine,
    Integer,
    Numeric,
    event,
    func,
    select,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.engine import Connection, make_url
from sqlalchemy.orm import Session, scoped_session
from sqlalchemy.types import TypeDecorator, TypeEngine

from app.engine.errors import NotAllowed

Model.metadata.naming_convention = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}

db = SQLA(metadata=Model.metadata, session_options={"expire_on_commit": False})

BUSY_TIMEOUT_SECONDS = 30
"""How long a writer waits for another one on SQLite before it gives up."""

Identifier = BigInteger().with_variant(Integer, "sqlite")
"""Primary and foreign keys."""

Json = JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")


class UtcDateTime(TypeDecorator[datetime.datetime]):
    """A moment, stored in UTC; always with zone in Python. Naive values are refused."""

    impl = DateTime
    cache_ok = True

    @property
    def python_type(self) -> type[Any]:
        return datetime.datetime

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(DateTime(timezone=dialect.name == "postgresql"))

    def process_bind_param(
        self, value: datetime.datetime | None, dialect: Dialect
    ) -> datetime.datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a moment without a zone cannot be stored")
        value = value.astimezone(datetime.UTC)
        return value if dialect.name == "postgresql" else value.replace(tzinfo=None)

    def process_result_value(
        self, value: datetime.datetime | None, dialect: Dialect
    ) -> datetime.datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            return value.replace(tzinfo=datetime.UTC)
        return value.astimezone(datetime.UTC)


class ExactDecimal(TypeDecorator[decimal.Decimal]):
    """A Decimal of fixed scale: NUMERIC on PostgreSQL, a scaled integer on SQLite, which has none.

    SQLite's own NUMERIC is a float; sums of the scaled integers stay exact there.
    """

    impl = Numeric
    cache_ok = True

    @property
    def python_type(self) -> type[Any]:
        return decimal.Decimal

    def __init__(self, precision: int = 18, scale: int = 2) -> None:
        super().__init__(precision, scale)
        self.precision = precision
        self.scale = scale

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        if dialect.name == "sqlite":
            return dialect.type_descriptor(BigInteger())
        return dialect.type_descriptor(Numeric(self.precision, self.scale))

    def process_bind_param(self, value: Any, dialect: Dialect) -> Any:
        if value is None:
            return None
        value = decimal.Decimal(value)
        return int(value.scaleb(self.scale).to_integral_value()) if _is_sqlite(dialect) else value

    def process_result_value(self, value: Any, dialect: Dialect) -> decimal.Decimal | None:
        if value is None:
            return None
        if not _is_sqlite(dialect):
            return decimal.Decimal(value)
        whole = value if isinstance(value, int) else decimal.Decimal(str(value))
        return decimal.Decimal(whole).scaleb(-self.scale)


def _is_sqlite(dialect: Dialect) -> bool:
    return dialect.name == "sqlite"


def now() -> datetime.datetime:
    """This moment, in UTC with zone."""
    return datetime.datetime.now(datetime.UTC)


def engine_options(url: str) -> dict[str, Any]:
    """What create_engine gets for this address."""
    if make_url(url).get_backend_name() == "sqlite":
        given = {"timeout": BUSY_TIMEOUT_SECONDS, "check_same_thread": False}
        return {"connect_args": given, "hide_parameters": True}
    return {
        "pool_pre_ping": True,
        "pool_size": 10,
        "max_overflow": 20,
        "hide_parameters": True,  # of a statement that failed: its values are people's, not the log's
    }


@event.listens_for(Engine, "connect")
def _prepare_sqlite(connection: Any, _record: Any) -> None:
    if not isinstance(connection, sqlite3.Connection):
        return
    connection.isolation_level = None  # we say BEGIN ourselves, see _begin
    cursor = connection.cursor()
    for pragma in (
        "journal_mode=WAL",
        "synchronous=NORMAL",
        "foreign_keys=ON",
        "cache_size=-65536",
        "mmap_size=1073741824",
        "temp_store=MEMORY",
        "wal_autocheckpoint=8000",  # 32 MB: a create touches a page of each index
        f"busy_timeout={BUSY_TIMEOUT_SECONDS * 1000}",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


@event.listens_for(Engine, "begin")
def _begin(connection: Connection) -> None:
    if connection.dialect.name == "sqlite":
        writes = connection.get_execution_options().get("steward_writes", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


READ_ONLY = "read_only"
"""In a session's `info`: it takes no writing transaction, for the reason given there."""


@contextlib.contextmanager
def write_transaction(
    session: Session | scoped_session[Session] | None = None,
) -> Iterator[Session]:
    """One writing transaction on the session (default: this request's); commits, or rolls back.

    Raises NotAllowed when the session is held to reading.

    Anything read before is left as it was read: load again what you are about to change.
    Inside another writing transaction it joins that one.
    """
    scoped = session or db.session
    real = scoped() if isinstance(scoped, scoped_session) else scoped
    if real.info.get("writing"):
        yield real
        return
    if READ_ONLY in real.info:
        raise NotAllowed(real.info[READ_ONLY])
    if real.in_transaction():
        real.commit()  # ends the reading transaction; there is nothing to write in it
    real.info["writing"] = True
    try:
        with _turn(real):
            try:
                real.connection(execution_options={"steward_writes": True})
                yield real
                real.commit()
            except BaseException:
                real.rollback()
                raise
    finally:
        real.info.pop("writing", None)


@contextlib.contextmanager
def write_if_free() -> Iterator[Connection | None]:
    """A small writing transaction beside the request's; None where it would have to wait (SQLite)."""
    with contextlib.ExitStack() as stack:
        url = db.engine.url
        if url.get_backend_name() == "sqlite":
            file = stack.enter_context(Path(f"{url.database}-turn").open("a"))
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                yield None
                return
        connection = stack.enter_context(db.engine.connect())
        connection.execution_options(steward_writes=True)
        with connection.begin():
            yield connection


@contextlib.contextmanager
def _turn(session: Session) -> Iterator[None]:
    """On SQLite writers queue for a lock of the system's, which wakes the next one at once.

    SQLite's own way of waiting is to sleep and look again, up to a tenth of a second at a time.
    The system gives the lock back when a process dies.
    """
    url = session.get_bind().engine.url
    if url.get_backend_name() != "sqlite" or not url.database:
        yield
        return
    with Path(f"{url.database}-turn").open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def in_turn(session: Session, names: Iterable[str]) -> None:
    """Wait for every other transaction that has named one of these, and keep the next out.

    For what must see all that another has written before it decides. SQLite has one writer anyway.
    """
    if session.get_bind().dialect.name != "postgresql":
        return
    for name in sorted(set(names)):
        session.execute(select(func.pg_advisory_xact_lock(func.hashtext(name))))


def sort_in_memory(connection: Connection) -> None:
    """Lets a statement over whole tables sort in memory, until the transaction ends.

    PostgreSQL's 4 MB are meant for a hundred at once; such statements come one at a time.
    """
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql("SET LOCAL work_mem = '64MB'")


def dialect_name() -> str:
    """`sqlite` or `postgresql`."""
    return str(db.engine.dialect.name)


SMALL_FILE = 512 * 1024 * 1024
"""A larger SQLite file is not rewritten as a whole while people work with it."""


def forget_freed(search_tables: Iterable[str]) -> bool:
    """Have the database give up what was overwritten, so that nobody finds it in its files either.

    Both databases keep old rows for a while. What other transactions still need stays until they
    end. False where the file is too large to be rewritten now: VACUUM is left to whoever runs it.
    """
    if dialect_name() != "sqlite":
        autocommit = db.engine.execution_options(isolation_level="AUTOCOMMIT")
        with autocommit.connect() as connection:
            connection.exec_driver_sql("VACUUM")
        return True
    with db.engine.connect() as connection:
        raw = connection.connection.driver_connection
        assert raw is not None
        pages, size = (
            raw.execute(f"PRAGMA {n}").fetchone()[0] for n in ("page_count", "page_size")
        )
        if pages * size > SMALL_FILE:
            return False
        there = {row[0] for row in raw.execute("SELECT name FROM sqlite_master")}
        for name in set(search_tables) & there:
            raw.execute(f"INSERT INTO {name} ({name}) VALUES ('optimize')")  # noqa: S608
        raw.execute("VACUUM")
        raw.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return True
