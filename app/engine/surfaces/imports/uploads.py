"""An uploaded file: looked at, kept in the store, and its columns given to fields."""

from __future__ import annotations

import hashlib
import tempfile
import uuid
from collections.abc import Mapping
from pathlib import Path, PurePath
from typing import IO, Any

from sqlalchemy import select

from app.engine import policy
from app.engine.adapters.database import db, now, write_transaction
from app.engine.adapters.storage import store
from app.engine.messages import freeze
from app.engine.registry import EntityDefinition
from app.engine.surfaces.imports.batches import open_file
from app.engine.surfaces.imports.columns import importable, key_candidates, propose
from app.engine.surfaces.imports.models import UPLOADED, ImportRun, Options
from app.engine.tables import Table

_CHUNK = 1024 * 1024
_SAMPLES = 5


def take(definition: EntityDefinition, stream: IO[bytes], name: str) -> int:
    """Keep an uploaded table; the id of its import. Raises TableProblem for what is none."""
    name = PurePath(name.replace("\\", "/")).name[:200] or "file"
    with tempfile.TemporaryDirectory(prefix="steward-upload-") as folder:
        here = Path(folder) / "file"
        digest = _copy(stream, here)
        with open_file(here, name, Options(header=None)) as table:
            options, columns = _first_options(definition, table), table.columns
            warnings = [freeze(warning) for warning in table.warnings]
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
            options=options.as_json(),
            columns=columns,
            plan={"warnings": warnings},
            position=0,
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
        options, columns = _first_options(definition, table), table.columns
        warnings = [freeze(warning) for warning in table.warnings]
    with write_transaction() as session:
        fresh = session.get_one(ImportRun, run.id, populate_existing=True)
        fresh.options = options.as_json()
        fresh.columns = columns
        fresh.plan = {"warnings": warnings}
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


def _first_options(definition: EntityDefinition, table: Table) -> Options:
    """How the file was read, and the mapping proposed for it."""
    fields = importable(definition)
    earlier = _earlier(definition)
    known = {c: name for c, name in earlier.get("mapping", {}).items() if c in table.columns}
    mapping = propose(table.columns, fields, known)
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


def _earlier(definition: EntityDefinition) -> Mapping[str, Any]:
    """What this person chose last: columns, mode, what is done with rows that resemble others."""
    viewer = policy.current_viewer()
    options: Mapping[str, Any] | None = db.session.scalar(
        select(ImportRun.options)
        .where(
            ImportRun.user_id == viewer.user_id,
            ImportRun.entity == definition.name,
            ImportRun.change_set_id.is_not(None),
        )
        .order_by(ImportRun.id.desc())
        .limit(1)
    )
    return options or {}


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
