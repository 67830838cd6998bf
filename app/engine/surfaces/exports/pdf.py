"""Exports to be printed: a list as a table, or one record with all its fields."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flask_babel import format_datetime, gettext
from flask_babel import lazy_gettext as _

from app.engine.adapters.database import now
from app.engine.errors import NotFound
from app.engine.fields import Field
from app.engine.presentation import groups
from app.engine.surfaces.exports.cells import Cells
from app.engine.surfaces.exports.order import Order
from app.engine.surfaces.exports.parts import Part
from app.engine.tables import TableProblem

if TYPE_CHECKING:
    from app.engine.tables.pdf import Table

MOST_ROWS = 5_000
"""More than that nobody reads on paper."""


def write_pdf(order: Order, path: Path) -> None:
    """Write a list, or one record, and what belongs to it. Raises TableProblem when it is too large for paper."""
    from app.engine.tables import pdf  # it brings a font along: only for those who print

    part, *related = order.parts
    if sum(order.snapshot.count(one.records) for one in order.parts) > MOST_ROWS:
        raise TableProblem(
            _(
                "A PDF holds at most %(count)s rows. Filter the list or export as CSV.",
                count=MOST_ROWS,
            )
        )
    note = format_datetime(now(), "medium")
    if part.alone:
        rows = _rows(order, part, part.cells(order.snapshot, order.zone))
        if not rows:
            raise NotFound(_("There is no such record, or you may not see it."))
        row = rows[0]
        groups = _groups(part, row)
        tables = [_table(order, one, with_title=True) for one in related]
        pdf.write_record(path, _name(part, row), note, groups, [t for t in tables if t.rows])
        return
    tables = [_table(order, one, with_title=one is not part) for one in order.parts]
    pdf.write_tables(path, part.title, note, tables)


def _table(order: Order, part: Part, with_title: bool) -> Table:
    from app.engine.tables.pdf import Table

    cells = part.cells(order.snapshot, order.zone)
    rows = _rows(order, part, cells)
    fields = _printed(part)
    names = [field.name for field in fields]
    numeric = {c.field.name for c in cells if c.kind in ("integer", "decimal", "money")}
    title = part.records.definition.title_field.name
    return Table(
        heads=[str(field.label) for field in fields],
        right=[name in numeric for name in names],
        rows=rows,
        title=gettext("%(title)s (%(count)s)", title=part.title, count=len(rows))
        if with_title
        else "",
        key=names.index(title) if title in names else 0,
    )


def _printed(part: Part) -> list[Field]:
    """The fields that get a place of their own: a currency stands beside its amount."""
    beside = {name for field in part.fields for name in field.needs}
    return [field for field in part.fields if field.name not in beside]


def _rows(order: Order, part: Part, cells: Sequence[Cells]) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = []
    printed = {field.name for field in _printed(part)}
    for batch in order.batches(part):
        read = {cell.field.name: raw for cell, raw in zip(cells, batch, strict=True)}
        columns = [_texts(c, read) for c in cells if c.field.name in printed]
        rows += zip(*columns, strict=True)
    return rows


def _texts(cell: Cells, read: Mapping[str, Sequence[Any]]) -> list[str]:
    """As people read the values."""
    raw = read[cell.field.name]
    if cell.kind == "money":
        (beside,) = cell.field.needs or ("",)
        values, currencies = cell.native(raw), read.get(beside) or [None] * len(raw)
        return [
            "" if value is None else cell.field.text(value, {beside: currency})
            for value, currency in zip(values, currencies, strict=True)
        ]
    if cell.kind == "datetime":
        return ["" if v is None else f"{v:%Y-%m-%d %H:%M}" for v in cell.values(raw)]
    if cell.kind == "text":
        return ["" if value is None else str(value) for value in cell.values(raw)]
    return [cell.field.text(value) for value in cell.native(raw)]


def _name(part: Part, row: Sequence[str]) -> str:
    """“Customer: Acme”, or the kind alone where the viewer may not know the name."""
    names = [field.name for field in _printed(part)]
    title = part.records.definition.title_field.name
    if title not in names:
        return part.title
    return str(gettext("%(kind)s: %(name)s", kind=part.title, name=row[names.index(title)]))


def _groups(part: Part, row: Sequence[str]) -> list[tuple[str, list[tuple[str, str]]]]:
    """Under the titles of the record's page; what the system keeps comes last."""
    fields = _printed(part)
    values = {field.name: text for field, text in zip(fields, row, strict=True)}
    found = groups(part.records.definition, fields)
    found.sort(key=lambda group: all(field.system for field in group.fields))
    titled = [
        (group.title, [(str(f.label), values[f.name]) for f in group.fields if values[f.name]])
        for group in found
    ]
    return [(title, facts) for title, facts in titled if facts]
