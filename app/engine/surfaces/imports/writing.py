"""Writing what was decided: new records with one statement, changed ones one by one."""

from __future__ import annotations

from collections.abc import Sequence

from app.engine.changes import Changes, create_prepared
from app.engine.errors import InvalidInput, NotAllowed, StewardError
from app.engine.query import allowed
from app.engine.registry import EntityDefinition
from app.engine.surfaces.imports.cells import CellProblem
from app.engine.surfaces.imports.plan import Outcome


def write_outcomes(
    changes: Changes,
    definition: EntityDefinition,
    outcomes: Sequence[Outcome],
    approved: bool,
) -> None:
    """Store new and changed records; what the database refuses becomes a refused row."""
    new = [outcome for outcome in outcomes if outcome.kind == "new"]
    if not _create(changes, definition, new, approved):
        for outcome in new:
            _create(changes, definition, [outcome], approved)
    for outcome in outcomes:
        if outcome.kind == "changed" and outcome.prepared is not None:
            try:
                with changes.session.begin_nested():
                    changes.write(outcome.prepared, outcome.record)
            except StewardError as error:
                _refuse(outcome, error)


def _create(
    changes: Changes, definition: EntityDefinition, new: Sequence[Outcome], approved: bool
) -> bool:
    """Make the records together; False when one of several spoils it and each is to be tried."""
    prepared = [outcome.prepared for outcome in new if outcome.prepared is not None]
    if not prepared:
        return True
    try:
        with changes.session.begin_nested():
            ids = create_prepared(changes, definition, prepared, approved)
            if changes.viewer.scope(definition.name, "create") != "all" and len(
                allowed(definition, ids, "create")
            ) < len(ids):
                raise NotAllowed
    except StewardError as error:
        if len(new) > 1:
            return False
        _refuse(new[0], error)
    return True


def _refuse(outcome: Outcome, error: StewardError) -> None:
    outcome.kind = "refused"
    problems = error.problems if isinstance(error, InvalidInput) else ()
    outcome.problems = [CellProblem(None, "", problem.message) for problem in problems]
    if not outcome.problems:
        outcome.problems = [CellProblem(None, "", error.message)]
