"""Templates to fill in, and the choices that their cells may hold."""

from __future__ import annotations

import datetime
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from flask_babel import gettext
from flask_babel import lazy_gettext as _

from app.engine import tables
from app.engine.errors import NotFound
from app.engine.fields import Choice, Field
from app.engine.parsing import cell_text
from app.engine.registry import EntityDefinition
from app.engine.surfaces.imports.columns import importable
from app.engine.tables import Column, TemplateColumn, write_csv

REQUIRED = " *"
"""After the header of a column that must be filled; reading a header takes no notice of it."""

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


def write_template(definition: EntityDefinition, format: str, path: Path) -> None:
    """Write a file with the headers that an import knows and one row as an example.

    Raises NotFound for a format that there is none of.
    """
    columns = [_column(field) for field in importable(definition)]
    if format == "csv":
        headers = [Column(column.header) for column in columns]
        example = [None if c.example is None else cell_text(c.example) for c in columns]
        write_csv(path, headers, [example])
    elif format == "xlsx":
        tables.write_template(path, columns, str(definition.plural), gettext("Choices"))
    else:
        raise NotFound(_("There is no format “%(name)s”.", name=format[:20]))


def write_choices(definition: EntityDefinition, path: Path) -> None:
    """Write what the cells of each column of choices may hold: field, choice, what it belongs to."""
    headers = (_("Field"), _("Choice"), _("Belongs to"))
    rows = [
        [str(field.label), str(option.label), _parent(definition, field, option.parent)]
        for field in importable(definition)
        if isinstance(field, Choice)
        for option in field.options.active()
    ]
    write_csv(path, [Column(str(header)) for header in headers], rows)


def _parent(definition: EntityDefinition, field: Choice, value: str | None) -> str | None:
    if field.parent is None or value is None:
        return None
    return definition.fields[field.parent].text(value)


def _column(field: Field) -> TemplateColumn:
    needed = field.required and field.default is None
    return TemplateColumn(
        header=str(field.label) + (REQUIRED if needed else ""),
        example=_example(field),
        note="\n".join(_notes(field, needed)),
        required=needed,
        choices=_choices(field),
        only=not (isinstance(field, Choice) and field.open),
    )


def _notes(field: Field, needed: bool) -> Iterable[str]:
    if needed:
        yield gettext("Required.")
    if field.hint:
        yield str(field.hint)
    if field.target:
        yield gettext("The name or code of a record that is there.")


def _choices(field: Field) -> list[str]:
    """The words to pick from, each once."""
    if isinstance(field, Choice):
        return list(dict.fromkeys(str(option.label) for option in field.options.active()))
    return [gettext("Yes"), gettext("No")] if field.type_name == "boolean" else []


def _example(field: Field) -> Any:
    """What somebody might write into the field; only what any import would take."""
    if isinstance(field, Choice):
        if field.parent is not None:
            return None  # it would have to fit the choice that it refines
        options = field.options.active()
        return str(options[0].label) if options else None
    if field.target or field.unique:
        return None
    if field.type_name in _EXAMPLES:
        example = _EXAMPLES[field.type_name]
        plain = isinstance(example, str | int | datetime.date)
        return example if plain else str(example)
    return str(_("Example: delete this row")) if field.required else None
