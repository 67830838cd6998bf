"""A search table beside an entity's own, written in the caller's transaction.

SQLite: an FTS5 table whose rowid is the record's id. Its lists hold ids only (`detail=none`, no
column sizes): smaller, and the records of a common word are walked from the newest down without
sorting. PostgreSQL: an ordinary table of `tsvector` with a GIN index; the index's list of pending
entries, which every search reads whole, is bounded: longer ones gain nothing when many are written. The columns are named alike on both.

The tables are made by `SearchIndex.create`, not by Alembic, which cannot see virtual tables.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import TypeVar

from sqlalchemy import ColumnElement, Connection, Select, bindparam, delete, inspect, text

from app.engine.adapters.loading import load_rows
from app.engine.search.query import parse
from app.engine.search.statements import Search, search_table
from app.engine.search.tokens import MARKS, SearchField, field_words

TABLE_PREFIX = "search_"
"""Every search table's name begins so; Alembic's comparison leaves such tables alone."""

TOKENS_VERSION = 4
"""Raised when what is put into the index changes: entries of another version are written anew."""

_NAME = re.compile(r"search_[a-z0-9_]{1,48}")
_BATCH = 1000
_REMEMBERED = 1500
"""Texts of a field whose tokens are remembered at once."""

_SQLITE_OPTIONS = f"tokenize=\"ascii tokenchars '{MARKS}'\", detail=none, columnsize=0"
_SQLITE_CREATE = (
    "CREATE VIRTUAL TABLE {table} USING fts5(words, {options})",
    # Bytes of a transaction's entries gathered before they are sorted and written: the default, one
    # megabyte, makes an import merge several times as many small pieces.
    "INSERT INTO {table} ({table}, rank) VALUES ('hashsize', 4194304)",
)
_POSTGRESQL_CREATE = (
    "CREATE TABLE {table} (rowid bigint PRIMARY KEY, words tsvector NOT NULL)",
    # The planner must know which tokens are common: it walks the newest records for those, and
    # asks the index for the others. The default keeps statistics of too few.
    "ALTER TABLE {table} ALTER COLUMN words SET STATISTICS 300",
    # Entries are longer than what a row keeps as it is; where the server has lz4, packing one takes
    # half as long and the table a fifth less room.
    (
        "DO $$ BEGIN ALTER TABLE {table} ALTER COLUMN words SET COMPRESSION lz4;"
        " EXCEPTION WHEN feature_not_supported OR syntax_error THEN NULL; END $$"
    ),
    "{index}",
)
_POSTGRESQL_INDEX = (
    "CREATE INDEX {table}_words ON {table} USING gin (words)"
    " WITH (fastupdate = on, gin_pending_list_limit = 4096)"
)
_WRITE = {
    "sqlite": "INSERT OR REPLACE INTO {table} (rowid, words) VALUES (:id, :words)",
    "postgresql": (
        "INSERT INTO {table} (rowid, words)"
        " VALUES (:id, array_to_tsvector(string_to_array(trim(:words), ' ')))"
        " ON CONFLICT (rowid) DO UPDATE SET words = excluded.words"
        " WHERE {table}.words IS DISTINCT FROM excluded.words"
    ),
}

Row = tuple[int, Mapping[str, str | None]]
Tokens = dict[str, dict[str, str]]
"""By field: texts, and the tokens of each between blanks."""
_Item = TypeVar("_Item")


class SearchIndex:
    """The search entries of one entity: `table_name` is search_<entity key>.

    Nothing here commits: every method takes the caller's connection and acts in its transaction.
    """

    def __init__(self, table_name: str, fields: Iterable[SearchField]) -> None:
        if not _NAME.fullmatch(table_name):
            raise ValueError(f"not a name for a search table: {table_name!r}")
        self.table_name = table_name
        self.fields: Mapping[str, SearchField] = {field.name: field for field in fields}
        if len({field.code for field in self.fields.values()}) != len(self.fields):
            raise ValueError(f"two fields of {table_name} share a search code")
        if sum(field.kind == "contents" for field in self.fields.values()) > 1:
            raise ValueError(f"{table_name} has no room for the contents of two files")
        self.table = search_table(table_name)
        self._known: dict[str, dict[str, str]] = {name: {} for name in self.fields}

    def create(self, connection: Connection) -> None:
        """Make the empty search table and its index."""
        postgresql = connection.dialect.name == "postgresql"
        for statement in _POSTGRESQL_CREATE if postgresql else _SQLITE_CREATE:
            self._execute(connection, statement)

    def drop(self, connection: Connection) -> None:
        """Remove the search table with everything in it; one that does not exist is no error."""
        self._execute(connection, "DROP TABLE IF EXISTS {table}")

    def exists(self, connection: Connection) -> bool:
        """Say whether the search table has been made."""
        return inspect(connection).has_table(self.table_name)

    def rebuild(self, connection: Connection, rows: Iterable[Row]) -> None:
        """Make the table anew from `rows`, which may be millions: read once, in batches.

        On PostgreSQL the index is built after the rows, many times faster than row by row.
        """
        self.drop(connection)
        if connection.dialect.name != "postgresql":
            self.create(connection)
            self.write(connection, rows)
            return
        for statement in _POSTGRESQL_CREATE[:-1]:
            self._execute(connection, statement)
        self.write(connection, rows)
        self._execute(connection, "{index}")
        self._execute(connection, "ANALYZE {table}")

    def write(self, connection: Connection, rows: Iterable[Row]) -> None:
        """Put in the entries of `rows` (id, values by field name) instead of any they had.

        Values of names that are not searched are ignored, a missing one counts as empty.
        """
        statement = text(_WRITE[connection.dialect.name].format(table=self.table_name))
        for batch in _batches(rows, _BATCH):
            entries = [
                {"id": identifier, "words": self._words(values)} for identifier, values in batch
            ]
            connection.execute(statement, entries)

    def add(
        self,
        connection: Connection,
        ids: Sequence[int],
        texts: Sequence[Mapping[str, str | None]],
    ) -> None:
        """Put in the entries of new records, which have none yet, all at once."""
        words = [self._words(values) for values in texts]
        if connection.dialect.name == "postgresql":
            # Tokens hold no apostrophe and no backslash: so a list of them is written for tsvector.
            words = [_as_tsvector(line.strip()) for line in words]
        load_rows(
            connection, self.table_name, ("rowid", "words"), list(zip(ids, words, strict=True))
        )

    def taken_apart(self, rows: Iterable[Mapping[str, str | None]]) -> Tokens:
        """Each field's texts with their tokens: for `learn` here or in another process."""
        found: Tokens = {name: {} for name in self.fields}
        for row in rows:
            for name, known in found.items():
                value = row.get(name)
                if value and value not in known:
                    known[value] = field_words(self.fields[name], value)
        return found

    def learn(self, tokens: Tokens) -> None:
        """Remember the tokens of texts that will be written soon."""
        for name, words in tokens.items():
            known = self._known[name]
            _make_room(known, len(words))
            known |= words

    def remove(self, connection: Connection, ids: Iterable[int]) -> None:
        """Take out the entries of these records; an id without an entry is no error."""
        rowid = self.table.c.rowid
        statement = delete(self.table).where(rowid == bindparam("id"))
        for batch in _batches(ids, _BATCH):
            connection.execute(statement, [{"id": identifier} for identifier in batch])

    def tidy(
        self, connection: Connection, above: int, until: int | None, living: Select[tuple[int]]
    ) -> None:
        """Take out entries of ids `above` one and up to another that `living` does not give."""
        rowid = self.table.c.rowid
        statement = delete(self.table).where(rowid > above, rowid.not_in(living))
        connection.execute(statement if until is None else statement.where(rowid <= until))

    def tokens(self, values: Mapping[str, str | None]) -> list[str]:
        """Return what is put into the index for a record with these values, in a fixed order."""
        return sorted(set(self._words(values).split()))

    def search(self, query: str, fields: Collection[str], sounds: bool = True) -> Search | None:
        """Return the search for what somebody typed, in those of `fields` that are searched.

        Without `sounds` only for the text as it is written, not for pinyin or initials.

        None when nothing can be searched for (empty, only punctuation): no condition then. With no
        field to search in, the search finds nothing.
        """
        allowed: Sequence[SearchField] = [f for n, f in self.fields.items() if n in fields]
        condition = parse(query, allowed, sounds)
        return None if condition is None else Search(self.table, condition)

    def condition(
        self, query: str, fields: Collection[str], id_column: ColumnElement[int]
    ) -> ColumnElement[bool] | None:
        """Return a condition for any select: the record with this id matches. None: no filter."""
        search = self.search(query, fields)
        return None if search is None else search.condition(id_column)

    def _words(self, values: Mapping[str, str | None]) -> str:
        """The tokens of all fields as they are stored: each between single blanks.

        Choices, tags and notes come again and again: what they give is remembered for a while.
        """
        parts = [""]
        for name in self.fields:
            value = values.get(name)
            if not value:
                continue
            words = self._field_words(name, value)
            if words:
                parts.append(words)
        parts.append("")
        return " ".join(parts)

    def _field_words(self, name: str, value: str) -> str:
        if self.fields[name].kind == "contents":  # too long to be remembered
            return field_words(self.fields[name], value)
        known = self._known[name]
        words = known.get(value)
        if words is None:
            _make_room(known, 1)
            words = known[value] = field_words(self.fields[name], value)
        return words

    def _execute(self, connection: Connection, statement: str) -> None:
        index = _POSTGRESQL_INDEX.format(table=self.table_name)
        ready = statement.format(table=self.table_name, options=_SQLITE_OPTIONS, index=index)
        connection.exec_driver_sql(ready)


def _as_tsvector(words: str) -> str:
    """Words between single blanks as PostgreSQL's tsvector is written."""
    return "'" + words.replace(" ", "' '") + "'" if words else ""


def _make_room(known: dict[str, str], count: int) -> None:
    """Forget the oldest texts where there would be too many."""
    if len(known) + count > _REMEMBERED:
        for old in list(islice(known, max(count, _REMEMBERED // 2))):
            known.pop(old, None)


def _batches(items: Iterable[_Item], size: int) -> Iterator[list[_Item]]:
    iterator = iter(items)
    while batch := list(islice(iterator, size)):
        yield batch
