"""Files that imports give out: the refused rows with the reasons, and a template to fill in."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from flask_babel import lazy_gettext as _
from sqlalchemy import select

from app.engine.adapters.database import db
from app.engine.adapters.storage import store
from app.engine.errors import NotFound
from app.engine.fields import Choice, Field
from app.engine.messages import thaw
from app.engine.parsing import cell_text
from app.engine.registry import EntityDefinition
from app.engine.surfaces.imports.batches import open_file
from app.engine.surfaces.imports.columns import REASON, importable, is_reason
from app.engine.surfaces.imports.models import ImportRefusal, ImportRun
from app.engine.tables import Column, write_csv, write_xlsx

FORMATS = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}

_EXAMPLES: dict[str, Any] = {
    "integer": 12,
    "decimal": "12.5",
    "money": "¥1,234.50",
    "currency": "CNY",
    "date": datetime.date(2026, 3, 5),
    "datetime": datetime.datetime(2026, 3, 5, 14, 30),  # noqa: DTZ001 (as a person types it)
    "boolean": _("Yes"),
    "email": "name@example.com",
    "phone": "010-88880000",
    "url": "https://www.example.com",
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


def write_template(definition: EntityDefinition, format: str, path: Path) -> None:
    """Write a file with the headers that an import knows and one row as an example.

    Raises NotFound for a format that there is none of.
    """
    fields = importable(definition)
    columns = [Column(str(field.label)) for field in fields]
    rows = [[_example(field) for field in fields]]
    if format == "csv":
        write_csv(path, columns, rows)
    elif format == "xlsx":
        write_xlsx(path, columns, rows, sheet=str(definition.plural))
    else:
        raise NotFound(_("There is no format “%(name)s”.", name=format[:20]))


def _example(field: Field) -> str | None:
    """What somebody might write into the field; only what any import would take."""
    if isinstance(field, Choice):
        if field.parent is not None:
            return None  # it would have to fit the choice that it refines
        options = field.options.active()
        return str(options[0].label) if options else None
    if field.target or field.unique:
        return None
    if field.type_name in _EXAMPLES:
        return cell_text(_EXAMPLES[field.type_name])
    return str(_("Example")) if field.required else None
