"""A search put into SQL, in the form that is quick for how common its words are.

A rare word: ask the index for all its records, then filter and sort those. A common one: walk the
records in the order wanted and keep those that match, since a page is full after a few hundred.
Either form on the other kind of word costs a hundred times more, and neither database can be left
to choose: SQLite has no statistics of words, PostgreSQL knows none of the rare ones.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self, TypeVar

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ColumnElement,
    Connection,
    Dialect,
    MetaData,
    Select,
    Table,
    Text,
    and_,
    bindparam,
    case,
    column,
    exists,
    func,
    or_,
    select,
    table,
    text,
)
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.expression import FunctionElement, UnaryExpression
from sqlalchemy.sql.operators import custom_op
from sqlalchemy.types import TypeDecorator

from app.engine.search.conditions import All, Condition, Token
from app.engine.search.query import as_fts5, as_tsquery, in_first_field

COMMON = 10_000
"""From so many records on that PostgreSQL thinks to match, a search may be a common one..."""

SAMPLE = 400
COMMON_IN_SAMPLE = 3
"""...and is, if so many of the newest records match: its estimate for a word that it has no
statistics of is too high, and walking the records for such a word would go through all of them."""

WIDESPREAD = 15_000
"""From so many records on PostgreSQL counts quicker by walking the records: of a million, those
walked until the cap is reached cost as much as looking up so many, side by side on two cores."""

COUNTED = 10_001
"""Records are counted up to here: one more than the greatest number that is shown."""

_Statement = TypeVar("_Statement", bound=Select[Any])


def search_table(name: str) -> Table:
    """Describe the search table: its columns on both databases, and FTS5's own one to match on."""
    return Table(
        name,
        MetaData(),
        Column("rowid", BigInteger, primary_key=True),
        Column("words", Text),
        Column(name, Text),
    )


class _Expression(TypeDecorator[Condition]):
    """A condition on tokens, sent in the words of the database."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Condition | None, dialect: Dialect) -> str | None:
        if value is None:
            return None
        return as_tsquery(value) if dialect.name == "postgresql" else as_fts5(value)

    def process_literal_param(self, value: Condition | None, dialect: Dialect) -> str:
        return self.process_bind_param(value, dialect) or ""


class _Matches(FunctionElement[bool]):
    """The search table matches: over FTS5's own column, the words, and the expression."""

    type = Boolean()
    inherit_cache = True
    name = "search_matches"

    def self_group(self, against: Any = None) -> Self:
        """Stay as it is: SQLAlchemy would compare a function with 1 where booleans are numbers."""
        return self


@compiles(_Matches, "sqlite")
def _matches_fts5(element: _Matches, compiler: SQLCompiler, **options: Any) -> str:
    whole, _, expression = element.clauses
    return f"{compiler.process(whole, **options)} MATCH {compiler.process(expression, **options)}"


@compiles(_Matches, "postgresql")
def _matches_tsquery(element: _Matches, compiler: SQLCompiler, **options: Any) -> str:
    # The expression goes into the statement as a literal when it is executed: a plan made once for
    # all parameters takes every word for a rare one.
    _, words, expression = element.clauses
    literal = compiler.process(expression, **{**options, "literal_execute": True})
    return f"{compiler.process(words, **options)} @@ CAST({literal} AS tsquery)"


class _Among(FunctionElement[bool]):
    """An id is among those that a statement gives: over the id and the statement.

    PostgreSQL reads the ids once and looks the records up; given IN, it prefers to check record
    after record in the order wanted, which for a rare word means nearly all of them.
    """

    type = Boolean()
    inherit_cache = True
    name = "search_among"

    def self_group(self, against: Any = None) -> Self:
        return self


@compiles(_Among, "sqlite")
def _among_in(element: _Among, compiler: SQLCompiler, **options: Any) -> str:
    identifier, ids = (compiler.process(clause, **options) for clause in element.clauses)
    return f"{identifier} IN {ids}"


@compiles(_Among, "postgresql")
def _among_array(element: _Among, compiler: SQLCompiler, **options: Any) -> str:
    identifier, ids = (compiler.process(clause, **options) for clause in element.clauses)
    return f"{identifier} = ANY(ARRAY{ids})"


@dataclass(frozen=True)
class Search:
    """What somebody searches for, ready to be put into statements."""

    table: Table
    wanted: Condition

    def condition(self, id_column: ColumnElement[int]) -> ColumnElement[bool]:
        """Return a condition for any select: the record with this id matches.

        The index is asked for all matches: the cost grows with their number, not with the table.
        """
        ids = select(self.table.c.rowid).where(self.matches).correlate(None)
        return _Among(id_column, ids.scalar_subquery())

    def weigh(self, connection: Connection) -> WeighedSearch:
        """Find out how common the matches are: about a millisecond, whatever the table's size."""
        if connection.dialect.name == "postgresql":
            estimate = _estimate(connection, self)
            common = estimate >= COMMON and _found_lately(connection, self)
            return PostgresqlSearch(self, common, estimate)
        return SqliteSearch(self, _count(connection, self) >= COUNTED)

    @cached_property
    def matches(self) -> ColumnElement[bool]:
        """The condition on a row of the search table."""
        return self._matches(self.table.c[self.table.name], self.table.c.words)

    def matches_words(self, words: ColumnElement[str]) -> ColumnElement[bool]:
        """The condition on such words from elsewhere; PostgreSQL only."""
        return self._matches(words, words)

    def _matches(self, *columns: ColumnElement[str]) -> ColumnElement[bool]:
        expression = bindparam(None, self.wanted, type_=_Expression(), unique=True)
        return _Matches(*columns, expression)


def _count(connection: Connection, search: Search) -> int:
    hits = select(search.table.c.rowid).where(search.matches).limit(COUNTED).subquery()
    return connection.execute(select(func.count()).select_from(hits)).scalar_one()


def _estimate(connection: Connection, search: Search) -> int:
    name = search.table.name
    plan = connection.execute(
        text(
            f"EXPLAIN (FORMAT JSON) SELECT rowid FROM {name}"  # noqa: S608 (a checked name)
            " WHERE words @@ CAST(:wanted AS tsquery)"
        ),
        {"wanted": as_tsquery(search.wanted)},
    ).scalar_one()
    return int(plan[0]["Plan"]["Plan Rows"])


def _found_lately(connection: Connection, search: Search) -> bool:
    entries = search.table
    newest = select(entries.c.words).order_by(entries.c.rowid.desc()).limit(SAMPLE)
    matching = search.matches_words(newest.subquery().c.words)
    found = connection.execute(select(func.count()).where(matching)).scalar_one()
    return found >= COMMON_IN_SAMPLE


@dataclass(frozen=True)
class WeighedSearch:
    """A search of which is known whether it is `common`: matched by many records."""

    search: Search
    common: bool

    def narrow(self, statement: _Statement, id_column: ColumnElement[int]) -> _Statement:
        """Keep the matching records: for counts up to a cap, and where the order is free."""
        raise NotImplementedError

    def ordered(
        self,
        statement: _Statement,
        id_column: ColumnElement[int],
        *,
        descending: bool = True,
        beyond: int | None = None,
    ) -> _Statement:
        """Keep the matching records, ordered by id; only those after id `beyond` in that order.

        For a page: to be limited, and free of any other order.
        """
        raise NotImplementedError

    def counted(self, cap: int) -> Select[Any]:
        """Count the matching entries in the search table alone, up to `cap`.

        For where the entity's own table would take none of them away.
        """
        return _counted(select(self.search.table.c.rowid).where(self.search.matches), cap)

    def condition(self, id_column: ColumnElement[int]) -> ColumnElement[bool]:
        """Return the condition for a page in the order of another, indexed column."""
        raise NotImplementedError


class SqliteSearch(WeighedSearch):
    """FTS5 walks any word's records by id: entity tables are looked up from there, by a join."""

    def narrow(self, statement: _Statement, id_column: ColumnElement[int]) -> _Statement:
        # The sign keeps SQLite from searching anew for every record of the entity's table.
        rowid: UnaryExpression[int] = UnaryExpression(
            self.search.table.c.rowid, operator=custom_op("+")
        )
        return statement.where(self.search.matches, id_column == rowid)

    def ordered(
        self,
        statement: _Statement,
        id_column: ColumnElement[int],
        *,
        descending: bool = True,
        beyond: int | None = None,
    ) -> _Statement:
        rowid = self.search.table.c.rowid
        narrowed = self.narrow(statement, id_column)
        if beyond is not None:
            narrowed = narrowed.where(rowid < beyond if descending else rowid > beyond)
        return narrowed.order_by(rowid.desc() if descending else rowid.asc())

    def condition(self, id_column: ColumnElement[int]) -> ColumnElement[bool]:
        if not self.common:
            return self.search.condition(id_column)
        # Looking for the tokens in the record's own entry takes 3 µs, asking the index 90 µs.
        content = table(f"{self.search.table.name}_content", column("id"), column("c0"))
        return exists().where(
            content.c.id == id_column, _contains(content.c.c0, self.search.wanted)
        )


def _contains(words: ColumnElement[str], wanted: Condition) -> ColumnElement[bool]:
    """The condition on an entry's words themselves, which stand between single spaces."""
    if isinstance(wanted, Token):
        ending = "" if wanted.prefix else " "
        return func.instr(words, f" {wanted.text}{ending}") > 0
    join = and_ if isinstance(wanted, All) else or_
    return join(*(_contains(words, part) for part in wanted.parts))


@dataclass(frozen=True)
class PostgresqlSearch(WeighedSearch):
    """Common words: the planner walks the order wanted. Rare ones: the index's answer first."""

    estimate: int = 0

    def narrow(self, statement: _Statement, id_column: ColumnElement[int]) -> _Statement:
        widespread = self.common and self.estimate >= WIDESPREAD
        condition = self.condition if widespread else self.search.condition
        return statement.where(condition(id_column))

    def ordered(
        self,
        statement: _Statement,
        id_column: ColumnElement[int],
        *,
        descending: bool = True,
        beyond: int | None = None,
    ) -> _Statement:
        condition = self.condition(id_column)
        if beyond is not None:
            rowid = self.search.table.c.rowid
            statement = statement.where(id_column < beyond if descending else id_column > beyond)
            if self.common:
                bound = rowid < beyond if descending else rowid > beyond
                condition = id_column.in_(select(rowid).where(self.search.matches, bound))
        return statement.where(condition).order_by(
            id_column.desc() if descending else id_column.asc()
        )

    def condition(self, id_column: ColumnElement[int]) -> ColumnElement[bool]:
        if not self.common:
            return self.search.condition(id_column)
        return id_column.in_(select(self.search.table.c.rowid).where(self.search.matches))

    def counted(self, cap: int) -> Select[Any]:
        every = _counted(_entries_by_index(self.search, "found"), cap)
        if not self.common:
            return every
        # The index's answers for one field take a third of the time of those for all of them.
        named = Search(self.search.table, in_first_field(self.search.wanted))
        in_names = _counted(_entries_by_index(named, "named"), cap).scalar_subquery()
        return select(case((in_names >= cap, cap), else_=every.scalar_subquery()))


def _counted(ids: Select[Any], cap: int) -> Select[Any]:
    return select(func.count()).select_from(ids.limit(cap).subquery())


def _entries_by_index(search: Search, name: str) -> Select[Any]:
    """The matching entries' ids, on PostgreSQL.

    Limited, a look at one entry after the other seems cheap to the planner, which does not count
    what fetching their words from beside the table costs: 3.4 s instead of 0.2 s for 10,000 of a
    million. Materialized, it plans for all matches, and asks the index.
    """
    matching = select(search.table.c.rowid).where(search.matches)
    found = matching.cte(name).prefix_with("MATERIALIZED")
    return select(found.c.rowid)
