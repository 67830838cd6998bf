"""Writing many rows quickly, straight into the tables: indexes off, then made again."""

from __future__ import annotations

import datetime
import decimal
import json
from typing import Any

from sqlalchemy import Connection, Engine, MetaData, Table, text

from tests.bench.rows import Row, Template

TABLE = "customer"


class Writer:
    """Fills the customers of one database, and Steward's search table where it has one."""

    def __init__(self, engine: Engine, search_table: str | None) -> None:
        self.engine = engine
        self.search_table = search_table
        self.postgresql = engine.dialect.name == "postgresql"
        with engine.begin() as connection:
            self.table = Table(TABLE, MetaData(), autoload_with=connection)
            tables = [TABLE, search_table] if self.postgresql and search_table else [TABLE]
            self.indexes = [
                line for name in tables for line in self._drop_indexes(connection, name)
            ]
            if not self.postgresql:
                kinds = connection.exec_driver_sql("PRAGMA table_info(customer)").all()
                self.scaled = {row[1] for row in kinds if row[2] == "BIGINT"}
        self.columns = [column.name for column in self.table.columns]
        self._known: dict[int, list[Any]] = {}
        self._held = engine.raw_connection()
        self.raw: Any = self._held.driver_connection
        if not self.postgresql:
            for pragma in ("journal_mode=WAL", "synchronous=OFF", "cache_size=-500000"):
                self.raw.execute(f"PRAGMA {pragma}")

    def write(self, batch: list[Row]) -> None:
        """One transaction."""
        if self.postgresql:
            self._copy(batch)
        else:
            self._insert(batch)

    def finish(self) -> None:
        """Make the indexes, and note that everything is there."""
        cursor = self.raw.cursor()
        if self.postgresql:
            cursor.execute(
                "SET maintenance_work_mem = '1GB'"
            )  # a GIN index is slow to make in less
        for line in self.indexes:
            cursor.execute(line)
        if self.postgresql:
            cursor.execute(
                f"SELECT setval(pg_get_serial_sequence('{TABLE}', 'id'),"
                f" (SELECT max(id) FROM {TABLE}))"
            )
            self.raw.commit()
            self.raw.autocommit = True
            cursor.execute("VACUUM ANALYZE")  # the server's own daemon would, a little later
        cursor.execute("CREATE TABLE bench_filled (id integer)")
        if not self.postgresql:
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        cursor.close()
        self._held.close()

    def _drop_indexes(self, connection: Connection, table: str) -> list[str]:
        """Drop all but those of constraints; gives the statements that make them again."""
        found = connection.execute(
            text(
                "SELECT indexname, indexdef FROM pg_indexes WHERE tablename = :table AND indexname"
                " NOT IN (SELECT conname FROM pg_constraint)"
                if self.postgresql
                else "SELECT name, sql FROM sqlite_master WHERE type = 'index'"
                " AND tbl_name = :table AND sql IS NOT NULL"
            ),
            {"table": table},
        ).all()
        for name, _statement in found:
            connection.exec_driver_sql(f'DROP INDEX "{name}"')
        return [statement for _name, statement in found]

    # -- rows --------------------------------------------------------------------------------

    def _values(self, row: Row) -> list[Any]:
        values = list(self._template(row.template))
        for place, name in enumerate(self.columns):
            if name in row.own:
                values[place] = self._native(name, row.own[name])
        return values

    def _template(self, template: Template) -> list[Any]:
        key = id(template)
        if key not in self._known:
            self._known[key] = [
                self._native(name, template.columns.get(name)) for name in self.columns
            ]
        return self._known[key]

    def _native(self, name: str, value: Any) -> Any:
        """The value as the driver stores it."""
        match value:
            case list() | dict():
                return json.dumps(value, ensure_ascii=False)
            case None | bool() | int() | str():
                return value
            case _ if self.postgresql:
                return value
            case decimal.Decimal():
                return int(value.scaleb(2)) if name in self.scaled else float(value)
            case datetime.datetime():
                return value.replace(tzinfo=None).isoformat(" ", "microseconds")
            case _:
                return value.isoformat()

    def _insert(self, batch: list[Row]) -> None:
        marks = ", ".join("?" * len(self.columns))
        cursor = self.raw.cursor()
        cursor.execute("BEGIN")
        cursor.executemany(
            f"INSERT INTO {TABLE} ({', '.join(self.columns)}) VALUES ({marks})",
            [self._values(row) for row in batch],
        )
        if self.search_table:
            cursor.executemany(
                f"INSERT INTO {self.search_table} (rowid, words) VALUES (?, ?)",
                [(row.own["id"], row.words) for row in batch],
            )
        cursor.execute("COMMIT")

    def _copy(self, batch: list[Row]) -> None:
        with self.raw.cursor() as cursor:
            with cursor.copy(f"COPY {TABLE} ({', '.join(self.columns)}) FROM STDIN") as copy:
                for row in batch:
                    copy.write_row(self._values(row))
            if self.search_table:
                cursor.execute("CREATE TEMP TABLE IF NOT EXISTS entry (id bigint, words text)")
                cursor.execute("TRUNCATE entry")
                with cursor.copy("COPY entry FROM STDIN") as copy:
                    for row in batch:
                        copy.write_row((row.own["id"], row.words))
                cursor.execute(
                    f"INSERT INTO {self.search_table} (rowid, words) SELECT id,"
                    " array_to_tsvector(string_to_array(words, ' ')) FROM entry"
                )
        self.raw.commit()
