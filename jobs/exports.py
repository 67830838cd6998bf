"""Writes exports and puts them into the store."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from werkzeug.datastructures import MultiDict

from app.engine.adapters.database import now
from app.engine.adapters.storage import store
from app.engine.addresses import ListAddress
from app.engine.fields.time import reader_zone
from app.engine.job import Run
from app.engine.registry import current
from app.engine.surfaces.exports import FORMATS, export_fields, write_export


def run(run: Run) -> dict[str, Any]:
    """Export the selection `query` of `entity`; run again it writes the same file anew."""
    arguments = run.arguments
    definition = current().entity(arguments["entity"])
    kind = arguments["format"]
    fields = export_fields(definition, arguments["fields"])
    records = ListAddress.parse(MultiDict([tuple(pair) for pair in arguments["query"]])).records(
        definition
    )
    records.viewer.require(definition.name, "export")
    total = records.exact_count()
    path = f"exports/{run.id}.{kind}"
    with tempfile.TemporaryDirectory(prefix="steward-export-") as folder:
        file = Path(folder) / "file"
        written = write_export(
            records, fields, kind, file, lambda done: run.progress(done, max(total, done))
        )
        store().save(path, file)
    day = now().astimezone(reader_zone()).strftime("%Y%m%d")
    return {
        "file": path,
        "name": f"{definition.plural}-{day}.{kind}",
        "type": FORMATS[kind],
        "rows": written.rows,
        "size": written.size,
        "sha256": written.sha256,
        "entity": definition.name,
        "fields": [field.name for field in fields],
    }
