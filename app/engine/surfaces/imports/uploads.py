"""An uploaded file: looked at, kept in the store, and its columns given to fields."""

from __future__ import annotations

import contextlib
import hashlib
import tempfile
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any

from sqlalchemy import select

from app.engine import policy
from app.engine.adapters.database import db, now, write_transaction
from app.engine.adapters.disk import full_disk_told
from app.engine.adapters.storage import store
from app.engine.messages import freeze
from app.engine.registry import EntityDefinition
from app.engine.surfaces.imports.batches import open_file
from app.engine.surfaces.imports.columns import (
    importable,
    key_candidates,
    matched,
    propose,
)
from app.engine.surfaces.imports.models import UPLOADED, ImportRun, Options
from app.engine.surfaces.imports.profiles import applied, fitting
from app.engine.tables import Table, TableProblem, safe_name

_CHUNK = 1024 * 1024
_SAMPLES = 5
_ENOUGH_FIELDS = 2
_OTHER_SHEETS = 9
_REMEMBERED = 20
"""So many of a person's imports are looked at for what they chose for a column last."""


@full_disk_told()
def take(definition: EntityDefinition, stream: IO[bytes], name: str) -> int:
    """Keep an uploaded table; the id of its import. Raises TableProblem for what is none."""
    name = safe_name(name)
    with tempfile.TemporaryDirectory(prefix="steward-upload-") as folder:
        here = Path(folder) / "file"
        digest = _copy(stream, here)
        looked = _found_out(definition, here, name)
        path = f"imports/{uuid.uuid4().hex}"
        size = store().save(path, here)
    viewer = policy.current_viewer()
    with write_transaction() as session:
        run = ImportRun(
            entity=definition.name,
            user_id=viewer.user_id,
            user_name=viewer.name,
            created_at=now(),
            file_name=name,
            file_path=path,
            file_size=size,
            sha256=digest,
            state=UPLOADED,
            position=0,
            **looked,
        )
        session.add(run)
        session.flush()
        return run.id


def read_differently(
    definition: EntityDefinition, run: ImportRun, wanted: Mapping[str, Any]
) -> None:
    """Look at the file anew: another encoding, separator, sheet, header. Raises TableProblem."""
    first = Options(**wanted)
    with store().local(str(run.file_path)) as path, open_file(path, run.file_name, first) as table:
        looked = _first_look(definition, table)
    with write_transaction() as session:
        fresh = session.get_one(ImportRun, run.id, populate_existing=True)
        for name, value in looked.items():
            setattr(fresh, name, value)
        fresh.state = UPLOADED


def looked_at(run: ImportRun) -> dict[str, Any]:
    """The first rows of the file and how it is read, for the page that maps its columns."""
    with (
        store().local(str(run.file_path)) as path,
        open_file(path, run.file_name, run.decided) as table,
    ):
        rows = table.sample(_SAMPLES)
        return {
            "columns": table.columns,
            "samples": [
                [row.cells[index] for row in rows if row.cells[index] not in ("", None)]
                for index in range(len(table.columns))
            ],
            "sheets": table.sheets,
            "kind": table.kind,
        }


def _found_out(definition: EntityDefinition, path: Path, name: str) -> dict[str, Any]:
    """The first look at a file; at another sheet where the first one names no fields.

    And with the first row as header where it names fields though it does not look like one: with
    two columns of one name, say. Raises TableProblem.
    """
    with open_file(path, name, Options(header=None)) as table:
        looked = _first_look(definition, table)
        ways = [] if table.has_header else [Options(sheet=table.sheet)]
        others = [sheet for sheet in table.sheets if sheet != table.sheet]
    ways += [Options(header=None, sheet=sheet) for sheet in others[:_OTHER_SHEETS]]
    for way in ways:
        if _filled(looked) >= _ENOUGH_FIELDS:
            break
        with contextlib.suppress(TableProblem), open_file(path, name, way) as table:
            other = _first_look(definition, table)
            if _filled(other) >= _ENOUGH_FIELDS:
                looked = other
    return looked


def _filled(looked: Mapping[str, Any]) -> int:
    """How many fields the file fills."""
    return len(looked["options"]["mapping"])


def _first_look(definition: EntityDefinition, table: Table) -> dict[str, Any]:
    """The columns, what is proposed for them, and what is to be said of the file.

    A profile that was made with the very same columns is taken at once.
    """
    unfit: list[Any] = []
    options = _first_options(definition, table)
    best = next(iter(fitting(definition, table.columns)), None)
    if best is not None and best.exact:
        options, unfit = applied(definition, best.profile, table.columns, options)
    return {
        "options": options.as_json(),
        "columns": table.columns,
        "plan": {
            "warnings": [freeze(warning) for warning in (*table.warnings, *table.faults())],
            "unfit": [freeze(warning) for warning in unfit],
        },
    }


def _first_options(definition: EntityDefinition, table: Table) -> Options:
    """How the file was read, and the mapping proposed for it."""
    fields = importable(definition)
    before = _before(definition)
    earlier: Mapping[str, Any] = before[0] if before else {}
    mapping = propose(table.columns, fields, _chosen_before(before, table.columns))
    keys = key_candidates(definition, mapping)
    return Options(
        encoding=table.encoding,
        delimiter=table.delimiter,
        header=table.has_header,
        sheet=table.sheet,
        mapping=mapping,
        key=keys[0].name if keys else None,
        mode=earlier.get("mode", "both") if keys else "both",
        near=earlier.get("near", "add"),
        approved=definition.review and policy.current_viewer().can(definition.name, "approve"),
    )


def _before(definition: EntityDefinition) -> Sequence[Mapping[str, Any]]:
    """What this person decided in their last imports here, newest first."""
    viewer = policy.current_viewer()
    statement = (
        select(ImportRun.options)
        .where(
            ImportRun.user_id == viewer.user_id,
            ImportRun.entity == definition.name,
            ImportRun.change_set_id.is_not(None),
        )
        .order_by(ImportRun.id.desc())
        .limit(_REMEMBERED)
    )
    return list(db.session.scalars(statement))


def _chosen_before(before: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> dict[str, str]:
    """Column → the field that it was given last; "" for one that was left out."""
    chosen: dict[str, str] = {}
    for options in before:
        decided = {**options.get("mapping", {}), **dict.fromkeys(options.get("left_out", ()), "")}
        for name, column in matched(columns, decided).items():
            chosen.setdefault(column, decided[name])
    return chosen


def _copy(stream: IO[bytes], target: Path) -> str:
    """Copy to a file; the SHA-256 of the content."""
    digest = hashlib.sha256()
    with target.open("wb") as file:
        while chunk := stream.read(_CHUNK):
            digest.update(chunk)
            file.write(chunk)
    return digest.hexdigest()


def discard(run: ImportRun) -> None:
    """Forget an import that was not run, with its file."""
    if run.file_path:
        store().remove(run.file_path)
    with write_transaction() as session:
        session.delete(session.get_one(ImportRun, run.id))
