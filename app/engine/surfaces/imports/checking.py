"""Checking: the whole file gone through without writing anything. Its result is the preview."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import delete, insert, select
from sqlalchemy.orm import Session

from app.engine import policy
from app.engine.adapters.database import db
from app.engine.changes import ChangeSet
from app.engine.changes import models as kinds
from app.engine.messages import freeze
from app.engine.surfaces.imports.batches import Reading, reading
from app.engine.surfaces.imports.making import Wanted, stands_for_new
from app.engine.surfaces.imports.models import ImportRefusal, ImportRun, Options, Tally
from app.engine.surfaces.imports.plan import Outcome, reader
from app.engine.surfaces.imports.resembling import Resembled

TO_BE_MADE = "made"
"""In place of a reference's value: the name of a record that is yet to be made."""

_KEPT_WORDS = 300
_KEPT_CHANGES = 50
_KEPT_DUPLICATES = 200
_KEPT_MADE = 50

OnProgress = Callable[[int, int], None]
OnRefused = Callable[[Sequence[Outcome]], None]


@dataclass
class Preview(Tally):
    """What an import would do: counts, refusals, choices not known, the first changes."""

    unknown: dict[str, Counter[str]] = field(default_factory=dict)
    changes: list[dict[str, Any]] = field(default_factory=list)
    fields: Counter[str] = field(default_factory=Counter)
    """How many rows change each field."""

    duplicates: list[dict[str, Any]] = field(default_factory=list)
    warnings: list[Any] = field(default_factory=list)
    near: int = 0
    alike: list[dict[str, Any]] = field(default_factory=list)
    """Rows that resemble a record or an earlier row: how many, and the first of them."""

    made: dict[str, tuple[int, list[str]]] = field(default_factory=dict)
    """Entity → how many records are made on the way, and what the first of them will be called."""

    missing: dict[str, int] = field(default_factory=dict)
    """Reference → how many different words refer to nothing."""

    def make(self, wanted: Iterable[Wanted]) -> None:
        """Count what rows need and what is made for them."""
        for one in wanted:
            self.counts["made"] += 1
            count, names = self.made.get(one.target.name, (0, []))
            if len(names) < _KEPT_MADE:
                names.append(one.name)
            self.made[one.target.name] = count + 1, names

    def add(self, file: Reading, outcome: Outcome) -> None:
        self.count(outcome.kind)
        if outcome.resembles is not None:
            self._resembling(outcome, outcome.resembles)
        for name, word in outcome.row.unknown:
            self.unknown.setdefault(name, Counter())[word] += 1
        if outcome.kind == "refused":
            add_refusals(self, outcome)
        elif outcome.kind == "duplicate" and len(self.duplicates) < _KEPT_DUPLICATES:
            reason = freeze(outcome.problems[0].message)
            self.duplicates.append({"row": outcome.row.number, "message": reason})
        elif outcome.kind == "changed" and outcome.prepared is not None:
            self.fields.update(outcome.prepared.changed)
            if len(self.changes) < _KEPT_CHANGES:
                self.changes.append(_described(file, outcome))

    def _resembling(self, outcome: Outcome, resembles: Resembled) -> None:
        self.near += 1
        if len(self.alike) < _KEPT_DUPLICATES:
            self.alike.append(
                {
                    "row": outcome.row.number,
                    "field": resembles.field.name,
                    "value": str(outcome.row.values.get(resembles.field.name)),
                    "line": resembles.line,
                    "record_id": resembles.record_id,
                    "kind": outcome.kind,
                }
            )

    def as_json(self) -> dict[str, Any]:
        return {
            **self.counts,
            "refusals": self.refusals,
            "unknown": {
                name: words.most_common(_KEPT_WORDS) for name, words in self.unknown.items()
            },
            "changes": self.changes,
            "fields": dict(self.fields.most_common()),
            "duplicates": self.duplicates,
            "warnings": self.warnings,
            "near": self.near,
            "alike": self.alike,
            "making": self.made,
            "missing": self.missing,
        }


def check(
    entity: str,
    path: Path,
    name: str,
    options: Options,
    on_progress: OnProgress | None = None,
    on_refused: OnRefused | None = None,
) -> Preview:
    """Go through the file as a run would. Raises TableProblem, InvalidInput, NotAllowed.

    `on_refused` gets every batch of rows that are refused.
    """
    viewer = policy.current_viewer()
    viewer.require(entity, "import")
    preview = Preview()
    with reading(entity, path, name, options, compare=True) as file:
        told = [*file.table.warnings, *file.table.faults()]
        preview.warnings = [freeze(warning) for warning in told]
        about = file.table.estimated_rows()
        for batch in file.batches():
            session = db.session()
            outcomes = file.decide(batch, reader(session))
            preview.make(file.making.needs(outcomes))
            for outcome in outcomes:
                preview.add(file, outcome)
            session.expunge_all()
            refused = [outcome for outcome in outcomes if outcome.kind == "refused"]
            if on_refused and refused:
                on_refused(refused)
            if on_progress:
                done = preview.counts["total"]
                on_progress(done, max(about, done))
        preview.missing = file.references.missing()
    db.session.rollback()
    return preview


def add_refusals(tally: Tally, outcome: Outcome) -> None:
    """Keep each reason why a row is refused."""
    for problem in outcome.problems:
        tally.refuse(outcome.row.number, problem.column, problem.value, freeze(problem.message))


def keep_refusals(session: Session, run_id: int, outcomes: Iterable[Outcome]) -> None:
    """Keep the refused rows among the outcomes with their reasons."""
    rows = [
        {
            "run_id": run_id,
            "row": outcome.row.number,
            "problems": [
                {"column": problem.column, "message": freeze(problem.message)}
                for problem in outcome.problems
            ],
        }
        for outcome in outcomes
        if outcome.kind == "refused"
    ]
    if rows:
        session.execute(insert(ImportRefusal), rows)


def forget_refusals(session: Session, run_id: int, after: int = 0) -> None:
    """Forget the refused rows that come after a line of the file."""
    session.execute(
        delete(ImportRefusal).where(ImportRefusal.run_id == run_id, ImportRefusal.row > after),
        execution_options={"synchronize_session": False},
    )


def imported_before(entity: str, sha256: str, not_this: int | None = None) -> ImportRun | None:
    """The latest import of the same content into the entity that still stands."""
    statement = (
        select(ImportRun)
        .join(ChangeSet, ChangeSet.id == ImportRun.change_set_id)
        .where(
            ImportRun.entity == entity,
            ImportRun.sha256 == sha256,
            ChangeSet.state.not_in((kinds.UNDONE,)),
        )
        .order_by(ImportRun.id.desc())
    )
    if not_this is not None:
        statement = statement.where(ImportRun.id != not_this)
    found: ImportRun | None = db.session.scalar(statement.limit(1))
    return found


def _described(file: Reading, outcome: Outcome) -> dict[str, Any]:
    """A change field by field, as JSON values of the fields; what a rule adds elsewhere is not told."""
    prepared, definition = outcome.prepared, file.definition
    assert prepared is not None
    fields = definition.fields
    plain = {field.name for field in policy.plain(definition)}

    def after(name: str) -> Any:
        value = prepared.values[name]
        if fields[name].target and stands_for_new(value):
            return {TO_BE_MADE: file.making.name_of(value)}
        return fields[name].dump(value)

    return {
        "row": outcome.row.number,
        "record_id": prepared.record_id,
        "name": policy.record_name(definition, outcome.record),
        "fields": [
            [
                name,
                fields[name].dump(prepared.before.get(name)),
                after(name),
            ]
            for name in prepared.changed
            if name in plain
        ],
    }
