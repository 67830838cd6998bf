"""Running: the plan carried out in batches, each one transaction of the import's one change set.

Where it has come to is written in the same transaction as the batch itself, so a run that was cut
off goes on exactly there. Transactions are short: parsing and looking up is done between them.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session

from app.engine import audit, policy, registry
from app.engine import changes as change_sets
from app.engine.adapters.database import db, dialect_name, in_turn, now, write_transaction
from app.engine.changes import Changes, change_set
from app.engine.registry import current
from app.engine.surfaces.imports.batches import Reading, reading
from app.engine.surfaces.imports.cells import ParsedRow, made_value, words_to_make
from app.engine.surfaces.imports.checking import (
    add_refusals,
    forget_refusals,
    keep_refusals,
)
from app.engine.surfaces.imports.models import (
    DONE,
    REVERSED,
    REVERSING,
    RUNNING,
    ImportRun,
    Tally,
)
from app.engine.surfaces.imports.plan import Outcome, reader
from app.engine.surfaces.imports.writing import write_outcomes

Hold = Callable[..., None]
"""Called inside each transaction with its session and `done=`; raises to give the run up."""

_PAUSE_SECONDS = 0.005
"""Between batches on SQLite, whose one writer others wait for."""


class _Refused(Exception):
    """A row was refused where all or nothing was asked for."""

    def __init__(self, outcomes: Sequence[Outcome]) -> None:
        super().__init__()
        self.outcomes = outcomes


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
        with reading(definition.name, self._path, run.file_name, run.decided) as file:
            whole = self._import(file, run)
        if whole:
            return self._finish(DONE)
        self._note_reversing()
        return self._reverse()

    def _begin(self) -> ImportRun:
        with write_transaction() as session:
            run = self._row(session)
            policy.current_viewer().require(run.entity, "import")
            self._hold(session)
            if run.state not in (REVERSING, DONE, REVERSED):
                run.state = RUNNING
                # Those of the preview, or of rows that were only looked at.
                forget_refusals(session, run.id, run.position)
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

    def _import(self, file: Reading, run: ImportRun) -> bool:
        """Take the rows; False where one is refused and all or nothing was asked for.

        What comes after that one is only looked at, so that every refused row is known.
        """
        whole = True
        for batch in file.batches():
            fresh = [row for row in batch if row.number > run.position]
            file.planner.meet(batch[: len(batch) - len(fresh)])
            if fresh and whole:
                whole = self._taken(file, fresh)
            elif fresh:
                self._note_refused(file.decide(fresh, reader(db.session())))
            if dialect_name() == "sqlite":
                time.sleep(_PAUSE_SECONDS)
        return whole

    def _taken(self, file: Reading, rows: Sequence[ParsedRow]) -> bool:
        try:
            self._take(file, rows)
        except _Refused as refused:
            self._note_refused(refused.outcomes)
            return False
        return True

    def _note_refused(self, outcomes: Sequence[Outcome]) -> None:
        """Keep which rows stood in the way, for the person to mend."""
        self._tell(outcomes)
        with write_transaction() as session:
            self._hold(session)
            keep_refusals(session, self._run_id, outcomes)
        db.session.expunge_all()

    def _tell(self, outcomes: Sequence[Outcome]) -> None:
        for outcome in outcomes:
            self._tally.count(outcome.kind)
            if outcome.kind == "refused":
                add_refusals(self._tally, outcome)

    def _take(self, file: Reading, rows: Sequence[ParsedRow]) -> None:
        """One batch, one transaction."""
        counts, kept = dict(self._tally.counts), len(self._tally.refusals)
        try:
            with write_transaction() as session:
                in_turn(
                    session, [f"import {n}" for n in (file.definition.name, *file.making.targets)]
                )
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
        file.references.resolve_again(rows)
        outcomes = file.decide(rows, changes)
        self._tally.counts["made"] += file.making.make(changes, outcomes)
        write_outcomes(changes, file.definition, outcomes, options.approved)
        self._tell(outcomes)
        if options.all_or_nothing and self._tally.counts["refused"]:
            raise _Refused(outcomes)
        keep_refusals(changes.session, run.id, outcomes)
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
            details: dict[str, Any] = {"import": run.id, "change_set": run.change_set_id}
            details |= {"state": state, "file": run.file_name, "counts": run.counts}
            audit.record("import", entity=run.entity, details=details)
        return run

    def _note_reversing(self) -> None:
        with write_transaction() as session:
            run = self._row(session)
            self._hold(session)
            run.state = REVERSING
            run.counts = dict(self._tally.counts)
            run.refusals = list(self._tally.refusals)

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
