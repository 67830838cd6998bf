"""The file of refused rows that an import gives out: as they were, with the reasons."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from flask_babel import lazy_gettext as _
from sqlalchemy import select

from app.engine.adapters.database import db
from app.engine.adapters.storage import store
from app.engine.errors import NotFound
from app.engine.messages import thaw
from app.engine.parsing import cell_text
from app.engine.surfaces.imports.batches import open_file
from app.engine.surfaces.imports.columns import REASON, is_reason
from app.engine.surfaces.imports.models import ImportRefusal, ImportRun
from app.engine.tables import Column, write_csv, write_xlsx

FORMATS = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


def write_refused(run: ImportRun, path: Path) -> str:
    """Write the refused rows as they were, with the reasons; gives the format, as uploaded.

    Raises NotFound where the file is not kept any more.
    """
    if run.file_path is None:
        raise NotFound(_("The file is not kept any more."))
    with (
        store().local(run.file_path) as source,
        open_file(source, run.file_name, run.decided) as table,
    ):
        own = [place for place, name in enumerate(table.columns) if not is_reason(name)]
        columns = [Column(table.columns[place]) for place in own]
        columns.append(Column(str(REASON)))
        rows = _refused_rows(run, table.rows(), own)
        if table.kind == "text":
            write_csv(path, columns, rows)
            return "csv"
        write_xlsx(path, columns, rows)
        return "xlsx"


def _refused_rows(run: ImportRun, rows: Any, own: list[int]) -> Iterator[list[str]]:
    statement = (
        select(ImportRefusal.row, ImportRefusal.problems)
        .where(ImportRefusal.run_id == run.id)
        .order_by(ImportRefusal.row)
    )
    refused = iter(db.session.execute(statement.execution_options(yield_per=1000)))
    waiting = next(refused, None)
    for row in rows:
        if waiting is None:
            return
        if row.number == waiting.row:
            reasons = "; ".join(_reason(problem) for problem in waiting.problems)
            yield [*(cell_text(row.cells[place]) for place in own), reasons]
            waiting = next(refused, None)


def _reason(problem: dict[str, Any]) -> str:
    message = thaw(problem["message"])
    return f"{problem['column']}: {message}" if problem["column"] else message
