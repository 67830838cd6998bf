"""The export of the command line."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flask_babel import lazy_gettext as _

from app.engine.query import Records
from app.engine.registry import current
from app.engine.surfaces.exports.files import write_export
from app.engine.surfaces.exports.noting import note_export
from app.engine.surfaces.exports.parts import export_fields
from app.engine.tables import TableProblem


@dataclass(frozen=True)
class ExportReport:
    """What was written where."""

    file: str
    rows: int
    size: int
    sha256: str

    def __str__(self) -> str:
        return str(self.rows)

    def as_json(self) -> dict[str, Any]:
        return {"file": self.file, "rows": self.rows, "size": self.size, "sha256": self.sha256}


def command(entity_name: str, format: str, out: Path) -> ExportReport:
    """Write all records that the viewer may see to `out`, whole or not at all. Raises StewardErrors."""
    definition = current().entity(entity_name)
    unfinished = out.with_name(f"{out.name}.part")
    try:
        written = write_export(Records(definition), export_fields(definition), format, unfinished)
        unfinished.replace(out)
    except OSError as error:
        raise TableProblem(
            _("“%(name)s” can't be written: %(why)s.", name=str(out), why=error.strerror or error)
        ) from error
    finally:
        unfinished.unlink(missing_ok=True)
    parts = [{"entity": e, "fields": list(names), "rows": n} for e, names, n in written.parts]
    note_export({"parts": parts, "rows": written.rows, "sha256": written.sha256}, format)
    return ExportReport(str(out), written.rows, written.size, written.sha256)
