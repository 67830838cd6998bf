"""One state of the database, read to its end, whatever is written meanwhile: what exports read."""

from __future__ import annotations

import contextlib
from array import array
from collections.abc import Collection, Iterator, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Select, func, select
from sqlalchemy.orm import Session

from app.engine.adapters.database import db, dialect_name
from app.engine.fields import Field
from app.engine.query import walk
from app.engine.query.copying import copied
from app.engine.query.labels import titles
from app.engine.query.portable import Columns, RowReader
from app.engine.query.records import Records

BATCH = 500
"""Rows at a time: few enough for the processor's cache, which is worth a third of the time."""

_PARTIAL = 2000
"""Rows fetched at a time: each fetch is a way to the server and back."""


@contextlib.contextmanager
def snapshot() -> Iterator[Snapshot]:
    """A reading transaction of its own, on the viewer's behalf; what it reads fits together."""
    postgresql = dialect_name() == "postgresql"
    options = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
    with db.engine.connect().execution_options(**(options if postgresql else {})) as connection:
        if not postgresql:
            # A mapped file would count as our memory; it is read once, from end to end.
            connection.exec_driver_sql("PRAGMA mmap_size=0")
        try:
            with Session(connection) as session:
                yield Snapshot(session, "postgresql" if postgresql else "sqlite")
        finally:
            if not postgresql:
                connection.exec_driver_sql("PRAGMA mmap_size=1073741824")


class Snapshot:
    """Reads selections of records in one state of the database."""

    def __init__(self, session: Session, dialect: str) -> None:
        self.session = session
        self.dialect = dialect

    def count(self, records: Records) -> int:
        """How many records there are."""
        statement = records.narrowed(select(func.count(records.model.id)))
        return self.session.scalar(statement) or 0

    def columns(self, records: Records, fields: Sequence[Field]) -> Iterator[Columns]:
        """Some hundred rows at a time, as columns, in the order of the selection."""
        reader = RowReader(fields, records.model, self.dialect)
        order = records.ordering()
        if not order.keys:
            by_id = records.model.id.desc() if order.descending else records.model.id
            statement = records.narrowed(reader.select()).order_by(by_id)
            for part in self._parts(statement, _PARTIAL):
                for start in range(0, len(part), BATCH):
                    yield reader.columns_of(part[start : start + BATCH])
        else:
            ids = self._ids(records, order)
            for start in range(0, len(ids), BATCH):
                rows = self._of_ids(records, reader, ids[start : start + BATCH])
                if rows:
                    yield reader.columns_of(rows)

    def lines(
        self, records: Records, cells: Sequence[ColumnElement[Any]]
    ) -> Iterator[list[bytes]] | None:
        """Lines of CSV made of these expressions by the database, some hundred at a time.

        None where it can't, or should not: rows that are sorted by a field are read by their ids.
        """
        order = records.ordering()
        if self.dialect != "postgresql" or order.keys or not self._unicode:
            return None
        by_id = records.model.id.desc() if order.descending else records.model.id
        statement = records.narrowed(select(*cells)).order_by(by_id)
        return copied(self.session, statement, BATCH)

    @property
    def _unicode(self) -> bool:
        """Whether the database counts characters as Python does."""
        driver: Any = self.session.connection().connection.driver_connection
        return bool(driver.info.parameter_status("server_encoding") == "UTF8")

    def titles(self, target: str, record_ids: Collection[int]) -> dict[int, str]:
        """The names of records of an entity, or of users."""
        return titles(target, record_ids, self.session)

    def _parts(self, statement: Select[Any], size: int) -> Iterator[Sequence[Any]]:
        """The rows of a statement, fetched as they are needed."""
        streamed = statement.execution_options(yield_per=size)
        yield from self.session.execute(streamed).partitions()

    def _ids(self, records: Records, order: walk.Order) -> array[int]:
        """The ids in order, eight bytes each: the database sorts these and not the wide rows."""
        model = records.model
        by = walk.ordering(order.keys, model.id, order.descending)
        ids: array[int] = array("q")
        for part in self._parts(records.narrowed(select(model.id)).order_by(*by), _PARTIAL):
            ids.extend(row[0] for row in part)
        return ids

    def _of_ids(
        self, records: Records, reader: RowReader, ids: Sequence[int]
    ) -> list[Sequence[Any]]:
        model = records.model
        statement = records.optioned(reader.select(model.id).where(model.id.in_(ids)))
        found = {row[0]: row[1:] for row in self.session.execute(statement)}
        return [found[record_id] for record_id in ids if record_id in found]
