"""Exports to be printed: a list as a table, or one record with all its fields."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from flask_babel import format_datetime, format_decimal
from flask_babel import lazy_gettext as _

from app.engine.adapters.database import now
from app.engine.presentation import groups
from app.engine.surfaces.exports.cells import Cells
from app.engine.surfaces.exports.order import Order
from app.engine.surfaces.exports.parts import Part
from app.engine.tables import TableProblem

MOST_ROWS, MOST_COLUMNS = 5_000, 16
"""More than that nobody reads on paper."""


def write_pdf(order: Order, path: Path) -> None:
    """Write the only table. Raises TableProblem when it is too large for paper."""
    from app.engine.tables import pdf  # it brings a font along: only for those who print

    part = order.parts[0]
    if len(order.parts) > 1:
        raise TableProblem(_("A PDF holds one list; choose another format for what belongs to it."))
    if order.snapshot.count(part.records) > MOST_ROWS:
        raise TableProblem(
            _(
                "A PDF holds at most %(count)s rows. Filter the list or export as CSV.",
                count=MOST_ROWS,
            )
        )
    if len(part.fields) > MOST_COLUMNS and not part.alone:
        raise TableProblem(
            _("A PDF holds at most %(count)s columns. Choose fewer.", count=MOST_COLUMNS)
        )
    cells = part.cells(order.snapshot, order.zone)
    rows = _rows(order, part, cells)
    note = format_datetime(now(), "medium")
    if part.alone:
        pdf.write_record(path, _name(part, rows[0]), note, _groups(part, rows[0]))
        return
    heads = [str(cell.field.label) for cell in cells]
    right = [cell.kind in ("integer", "decimal", "money") for cell in cells]
    pdf.write_table(path, part.title, note, heads, right, rows)


def _rows(order: Order, part: Part, cells: Sequence[Cells]) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = []
    for batch in order.batches(part):
        columns = [_texts(cell, raw) for cell, raw in zip(cells, batch, strict=True)]
        rows += zip(*columns, strict=True)
    return rows


def _texts(cell: Cells, raw: Sequence[Any]) -> list[str]:
    """As people read the values; an amount's currency stands in a field of its own."""
    if cell.kind == "money":
        return ["" if v is None else format_decimal(v, "#,##0.00") for v in cell.native(raw)]
    if cell.kind == "datetime":
        return ["" if v is None else f"{v:%Y-%m-%d %H:%M}" for v in cell.values(raw)]
    if cell.kind == "text":
        return ["" if value is None else str(value) for value in cell.values(raw)]
    return [cell.field.text(value) for value in cell.native(raw)]


def _name(part: Part, row: Sequence[str]) -> str:
    """“Customer: Acme”, or the kind alone where the viewer may not know the name."""
    names = [field.name for field in part.fields]
    title = part.records.definition.title_field.name
    return f"{part.title}: {row[names.index(title)]}" if title in names else part.title


def _groups(part: Part, row: Sequence[str]) -> list[tuple[str, list[tuple[str, str]]]]:
    """Under the titles of the record's page; what the system keeps comes last."""
    values = {field.name: text for field, text in zip(part.fields, row, strict=True)}
    found = groups(part.records.definition, part.fields)
    found.sort(key=lambda group: all(field.system for field in group.fields))
    titled = [
        (group.title, [(str(f.label), values[f.name]) for f in group.fields if values[f.name]])
        for group in found
    ]
    return [(title, facts) for title, facts in titled if facts]
