"""A file's rows in batches, read and looked up: what checking and running share."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from flask import current_app

from app.engine.changes import searched
from app.engine.registry import EntityDefinition, current
from app.engine.surfaces.imports.cells import ParsedRow, RowParser, with_made_choices
from app.engine.surfaces.imports.columns import check_mapping
from app.engine.surfaces.imports.models import Options
from app.engine.surfaces.imports.plan import Planner
from app.engine.surfaces.imports.references import References
from app.engine.tables import Limits, Row, Table, open_table

BATCH = 1000
"""Rows in one transaction: so few that whoever saves meanwhile on SQLite waits a moment only."""


def limits() -> Limits:
    """The bounds within which this installation reads files."""
    return Limits(file_bytes=current_app.config["STEWARD"].upload_limit)


def open_file(path: Path, name: str, options: Options) -> Table:
    """The file as a table, as the options say. Raises TableProblem."""
    return open_table(
        path,
        name,
        encoding=options.encoding,
        delimiter=options.delimiter,
        header=options.header,
        sheet=options.sheet,
        limits=limits(),
    )


@dataclass
class Reading:
    """A file being imported into an entity: the parts that know its columns."""

    definition: EntityDefinition
    table: Table
    parser: RowParser
    references: References
    planner: Planner

    _ahead: Future[list[ParsedRow]] | None = None
    _read_on: Callable[[], Future[list[ParsedRow]]] | None = None

    def batches(self, size: int = BATCH) -> Iterator[list[ParsedRow]]:
        """The rows, parsed, with what they refer to looked up."""
        rows = self.table.rows()
        with ThreadPoolExecutor(1, "import-reader") as reader:
            # On the same person's behalf and in the same language as here.
            self._read_on = lambda: reader.submit(copy_context().run, self._read, rows, size)
            batch = self._read(rows, size)
            while batch:
                self.references.resolve(_good(batch))
                yield batch
                ahead, self._ahead = self._ahead, None
                batch = ahead.result() if ahead else self._read(rows, size)

    def read_ahead(self) -> None:
        """Read the next batch beside what follows: while a database writes, Python is free."""
        if self._ahead is None and self._read_on is not None:
            self._ahead = self._read_on()

    def _read(self, rows: Iterator[Row], size: int) -> list[ParsedRow]:
        """Rows as values, and what writing them will need; nothing here asks the database."""
        batch = [self.parser.parse(row) for row in islice(rows, size)]
        index = self.definition.search_index
        if index is not None:
            for texts in searched(self.definition, [row.values for row in batch]):
                index.remember(texts)
        return batch


@contextlib.contextmanager
def reading(
    entity: str, path: Path, name: str, options: Options, compare: bool = False
) -> Iterator[Reading]:
    """Open a file for import. Raises TableProblem, InvalidInput for options that do not fit it.

    `compare`: say of each new row what it resembles.
    """
    definition = with_made_choices(current().entity(entity), options)
    with open_file(path, name, options) as table:
        check_mapping(definition, table.columns, options.mapping)
        parser = RowParser(definition, table.columns, options)
        yield Reading(
            definition,
            table,
            parser,
            References(definition, parser.column_of),
            Planner(definition, options, parser.column_of, compare),
        )


def _good(rows: Sequence[ParsedRow]) -> list[ParsedRow]:
    return [row for row in rows if row.references]
