"""Running: the plan carried out in batches, each one transaction of the import's one change set.

Where it has come to is written in the same transaction as the batch itself, so a run that was cut
off goes on exactly there. Transactions are short: parsing and looking up is done between them.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import insert
from sqlalchemy.orm import Session

from app.engine import changes as change_sets
from app.engine import policy, registry
from app.engine.adapters.database import dialect_name, now, write_transaction
from app.engine.changes import Changes, change_set
from app.engine.registry import current
from app.engine.surfaces.imports.batches import Reading, reading
from app.engine.surfaces.imports.cells import ParsedRow, made_value, words_to_make
from app.engine.surfaces.imports.checking import add_refusals, refusal_rows
from app.engine.surfaces.imports.models import (
    DONE,
    REVERSED,
    REVERSING,
    RUNNING,
    ImportRefusal,
    ImportRun,
    Tally,
)
from app.engine.surfaces.imports.writing import write_outcomes

Hold = Callable[..., None]
"""Called inside each transaction with its session and `done=`; raises to give the run up."""

_PAUSE_SECONDS = 0.01
"""Between batches on SQLite, whose one writer others wait for."""


class _Refused(Exception):
    """A row was refused where all or nothing was asked for."""


class Runner:
    """Carries out one import from where it stands."""

    def __init__(self, run_id: int, path: Path, hold: Hold) -> None:
        self._run_id = run_id
        self._path = path
        self._hold = hold
        self._tally = Tally()

    def run(self) -> ImportRun:
        """Import the rest of the file; the run as it stands at the end."""
        run = self._begin()
        if run.state == REVERSING:
            return self._reverse()
        if run.state in (DONE, REVERSED):
            return run
        self._make_choices(run)
        definition = current().entity(run.entity)
        try:
            with reading(definition.name, self._path, run.file_name, run.decided) as file:
                self._import(file, run)
        except _Refused:
            self._note_reversing()
            return self._reverse()
        return self._finish(DONE)

    def _begin(self) -> ImportRun:
        with write_transaction() as session:
            run = self._row(session)
            policy.current_viewer().require(run.entity, "import")
            self._hold(session)
            if run.state not in (REVERSING, DONE, REVERSED):
                run.state = RUNNING
        self._tally.counts |= run.counts or {}
        self._tally.refusals = list(run.refusals or [])
        return run

    def _make_choices(self, run: ImportRun) -> None:
        """Make the choices that the user asked for, in the import's own change set."""
        wanted = words_to_make(current().entity(run.entity), run.decided.choices)
        if not wanted:
            return
        with self._change_set(run) as changes:
            run = self._row(changes.session)
            self._hold(changes.session)
            target = current().entity("ChoiceOption")
            for field, word in wanted:
                changes.create(
                    target,
                    {"list_name": field.list_name, "value": made_value(word), "label_zh": word},
                )
            run.change_set_id = changes.id
        registry.refresh()

    def _import(self, file: Reading, run: ImportRun) -> None:
        for batch in file.batches():
            fresh = [row for row in batch if row.number > run.position]
            file.planner.meet(batch[: len(batch) - len(fresh)])
            if fresh:
                self._take(file, fresh)
            if dialect_name() == "sqlite":
                time.sleep(_PAUSE_SECONDS)

    def _take(self, file: Reading, rows: Sequence[ParsedRow]) -> None:
        """One batch, one transaction."""
        counts, kept = dict(self._tally.counts), len(self._tally.refusals)
        try:
            with write_transaction() as session:
                run = self._row(session)
                with self._change_set(run) as changes:
                    self._write(file, rows, run, changes)
        except BaseException:
            self._tally.counts = counts
            del self._tally.refusals[kept:]
            raise
        finally:
            session.expunge_all()

    def _write(
        self, file: Reading, rows: Sequence[ParsedRow], run: ImportRun, changes: Changes
    ) -> None:
        options = run.decided
        outcomes = file.planner.decide(rows, changes)
        file.read_ahead()
        write_outcomes(changes, file.definition, outcomes, options.approved)
        for outcome in outcomes:
            self._tally.count(outcome.kind)
            if outcome.kind == "refused":
                add_refusals(self._tally, outcome)
        if options.all_or_nothing and self._tally.counts["refused"]:
            raise _Refused
        refused = refusal_rows(run.id, outcomes)
        if refused:
            changes.session.execute(insert(ImportRefusal), refused)
        run.position = rows[-1].number
        run.counts = dict(self._tally.counts)
        run.refusals = list(self._tally.refusals)
        run.change_set_id = changes.id
        self._hold(changes.session, done=self._tally.counts["total"])

    def _change_set(self, run: ImportRun, last: bool = False) -> Any:
        return change_set(
            "import", reason=run.file_name, change_set_id=run.change_set_id, last=last
        )

    def _finish(self, state: str) -> ImportRun:
        with write_transaction() as session:
            run = self._row(session)
            if state == DONE and run.change_set_id is not None:
                with self._change_set(run, last=True):
                    pass
            run.state = state
            run.finished_at = now()
            run.counts = dict(self._tally.counts)
            self._hold(session)
        return run

    def _note_reversing(self) -> None:
        with write_transaction() as session:
            run = self._row(session)
            self._hold(session)
            run.state = REVERSING

    def _reverse(self) -> ImportRun:
        """Take back the batches that were committed before a row was refused."""
        with write_transaction() as session:
            run = self._row(session)
        made = run.change_set_id
        if made is not None and change_sets.undone_with(made) is None:
            change_sets.undo(made, hold=self._hold)
        return self._finish(REVERSED)

    def _row(self, session: Session) -> ImportRun:
        return session.get_one(ImportRun, self._run_id, populate_existing=True)
