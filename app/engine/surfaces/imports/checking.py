"""Checking: the whole file gone through without writing anything. Its result is the preview."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import select

from app.engine import policy
from app.engine.adapters.database import db
from app.engine.changes import ChangeSet
from app.engine.changes import models as kinds
from app.engine.messages import freeze
from app.engine.registry import EntityDefinition
from app.engine.surfaces.imports.batches import reading
from app.engine.surfaces.imports.models import ImportRun, Options, Tally
from app.engine.surfaces.imports.plan import Outcome, reader
from app.engine.surfaces.imports.resembling import Resembled

_KEPT_WORDS = 300
_KEPT_CHANGES = 50
_KEPT_DUPLICATES = 200

OnProgress = Callable[[int, int], None]


@dataclass
class Preview(Tally):
    """What an import would do: counts, refusals, choices not known, the first changes."""

    unknown: dict[str, Counter[str]] = field(default_factory=dict)
    changes: list[dict[str, Any]] = field(default_factory=list)
    duplicates: list[dict[str, Any]] = field(default_factory=list)
    warnings: list[Any] = field(default_factory=list)
    near: int = 0
    alike: list[dict[str, Any]] = field(default_factory=list)
    """New rows that resemble a record or an earlier row: how many, and the first of them."""

    def add(self, definition: EntityDefinition, outcome: Outcome) -> None:
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
        elif outcome.kind == "changed" and len(self.changes) < _KEPT_CHANGES:
            self.changes.append(_described(definition, outcome))

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
            "duplicates": self.duplicates,
            "warnings": self.warnings,
            "near": self.near,
            "alike": self.alike,
        }


def check(
    entity: str, path: Path, name: str, options: Options, on_progress: OnProgress | None = None
) -> Preview:
    """Go through the file as a run would. Raises TableProblem, InvalidInput, NotAllowed."""
    viewer = policy.current_viewer()
    viewer.require(entity, "import")
    preview = Preview()
    with reading(entity, path, name, options, compare=True) as file:
        preview.warnings = [freeze(warning) for warning in file.table.warnings]
        about = file.table.estimated_rows()
        for batch in file.batches():
            session = db.session()
            for outcome in file.planner.decide(batch, reader(session)):
                preview.add(file.definition, outcome)
            session.expunge_all()
            if on_progress:
                done = preview.counts["total"]
                on_progress(done, max(about, done))
    db.session.rollback()
    return preview


def add_refusals(tally: Tally, outcome: Outcome) -> None:
    """Keep each reason why a row is refused."""
    for problem in outcome.problems:
        tally.refuse(outcome.row.number, problem.column, problem.value, freeze(problem.message))


def refusal_rows(run_id: int, outcomes: Iterable[Outcome]) -> list[dict[str, Any]]:
    """The refused rows among the outcomes, as they are kept with their reasons."""
    return [
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


def _described(definition: EntityDefinition, outcome: Outcome) -> dict[str, Any]:
    """A change field by field, as JSON values of the fields."""
    prepared = outcome.prepared
    assert prepared is not None
    fields = definition.fields
    return {
        "row": outcome.row.number,
        "record_id": prepared.record_id,
        "name": definition.title_field.text(definition.title_field.get(outcome.record)),
        "fields": [
            [
                name,
                fields[name].dump(prepared.before.get(name)),
                fields[name].dump(prepared.values[name]),
            ]
            for name in prepared.changed
        ],
    }
