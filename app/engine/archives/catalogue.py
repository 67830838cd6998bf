"""The catalogue of a package: what lies in it, item by item, on paper and as a sheet."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flask_babel import format_datetime, gettext

from app.engine import policy
from app.engine.adapters.database import now
from app.engine.registry import EntityDefinition, current
from app.engine.tables import Column, Sheet, write_sheets


@dataclass(frozen=True)
class Catalogue:
    """`facts`: what is so for the package as a whole; `rows`: a row for each item, in the order of numbers."""

    title: str
    facts: Sequence[tuple[str, str]]
    columns: Sequence[Column]
    rows: Sequence[Sequence[Any]]


def plain(record: Any, name: str) -> bool:
    """Whether the viewer sees the field's values as they are."""
    return policy.sees(_definition(record), (name,))


def seen(record: Any, name: str) -> Any:
    """The record's value as the viewer sees it: as it is, masked, or None of a hidden field."""
    definition = _definition(record)
    field = definition.fields[name]
    if policy.access(definition, field) == "hidden":
        return None
    return policy.shown(definition, field, field.get(record), policy.current_viewer())


def _definition(record: Any) -> EntityDefinition:
    return current().entity(type(record).__name__)


def write_pdf(path: Path, catalogue: Catalogue) -> None:
    """For paper: the facts, and the items as a table with its heads on each page."""
    from app.engine.tables import pdf  # it brings a font along: only for those who print

    right = [column.kind in ("integer", "decimal", "money") for column in catalogue.columns]
    table = pdf.Table(
        [column.header for column in catalogue.columns],
        right,
        [[text(value) for value in row] for row in catalogue.rows],
        gettext("Items"),
    )
    note = format_datetime(now(), "medium")
    groups = [(gettext("Package"), list(catalogue.facts))]
    pdf.write_record(path, catalogue.title, note, groups, [table])


def write_xlsx(path: Path, catalogue: Catalogue) -> None:
    """Two sheets: the items, and the facts. Raises TableProblem."""
    columns: list[list[Any]] = [list(column) for column in zip(*catalogue.rows, strict=True)]
    items = Sheet(catalogue.title, catalogue.columns, [columns] if columns else [])
    labels, values = zip(*catalogue.facts, strict=True) if catalogue.facts else ((), ())
    heads = [Column(gettext("Fact")), Column(gettext("Value"))]
    facts = Sheet(gettext("Package"), heads, [[list(labels), list(values)]])
    write_sheets(path, [items, facts])


def text(value: Any) -> str:
    """A value as it stands on paper."""
    match value:
        case None:
            return ""
        case datetime.datetime():
            return str(format_datetime(value, "medium"))
        case datetime.date():
            return value.isoformat()
    return str(value)
