"""A file's rows in batches, read and looked up: what checking and running share."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from flask import current_app

from app.engine.adapters.beside import ahead, collecting_seldom
from app.engine.changes import Changes, WorkedOut, learn, work_out
from app.engine.registry import EntityDefinition, current
from app.engine.surfaces.imports.cells import ParsedRow, RowParser, with_made_choices
from app.engine.surfaces.imports.columns import check_mapping
from app.engine.surfaces.imports.making import Making
from app.engine.surfaces.imports.models import Options
from app.engine.surfaces.imports.plan import Outcome, Planner
from app.engine.surfaces.imports.references import References
from app.engine.tables import Limits, Table, open_table

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
    making: Making

    def batches(self, size: int = BATCH) -> Iterator[list[ParsedRow]]:
        """The rows, parsed, with what they refer to looked up.

        The next ones are read beside whatever is done with these.
        """
        with collecting_seldom(), ahead(lambda: self._read(size)) as batches:
            for rows, learned in batches:
                learn(self.definition, learned)
                self.references.resolve(_good(rows))
                yield rows

    def decide(self, rows: Sequence[ParsedRow], changes: Changes) -> list[Outcome]:
        """The outcome of each row, see `Planner.decide`."""
        self.making.vouch(changes, rows)
        return self.planner.decide(rows, changes)

    def _read(self, size: int) -> Iterator[tuple[list[ParsedRow], WorkedOut]]:
        """Rows as values, and what writing them will need; nothing here asks the database."""
        rows = self.table.rows()
        while batch := [self.parser.parse(row) for row in islice(rows, size)]:
            yield batch, work_out(self.definition, [row.values for row in batch])


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
        making = Making(definition, options)
        yield Reading(
            definition,
            table,
            parser,
            References(definition, parser.column_of, making),
            Planner(definition, options, parser.column_of, compare, making.as_first_met),
            making,
        )


def _good(rows: Sequence[ParsedRow]) -> list[ParsedRow]:
    return [row for row in rows if row.references]
