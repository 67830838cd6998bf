"""What an answer says of an entity beside its records: labels, orders, filters, rights."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from flask_babel import gettext

from app.engine import policy
from app.engine.fields import OPERATOR_LABELS, Choice, Field
from app.engine.presentation import kept
from app.engine.registry import EntityDefinition

PERMISSIONS = (
    ("can_get", "read"),
    ("can_info", "read"),
    ("can_post", "create"),
    ("can_put", "update"),
    ("can_delete", "delete"),
    ("can_approve", "approve"),
    ("can_import", "import"),
    ("can_export", "export"),
    ("can_purge", "purge"),
)
"""Flask-AppBuilder's names of what may be done, and further ones of the same kind."""


def described(
    definition: EntityDefinition, fields: Sequence[Field], keys: Sequence[str]
) -> dict[str, Any]:
    """The descriptions that `keys` names, of these fields."""
    texts = _texts(definition)
    makers: dict[str, Callable[[], Any]] = {
        "list_columns": lambda: [field.name for field in fields],
        "show_columns": lambda: [field.name for field in fields],
        "label_columns": lambda: {field.name: texts[field.name][0] for field in fields},
        "description_columns": lambda: {f.name: texts[f.name][1] for f in fields if f.hint},
        "order_columns": lambda: order_columns(definition, fields),
        "list_title": lambda: str(definition.plural),
        "show_title": lambda: str(definition.label),
        "permissions": lambda: permissions(definition),
        "add_columns": lambda: columns_info(definition),
        "edit_columns": lambda: columns_info(definition),
        "filters": lambda: filters_info(definition),
        "add_title": lambda: gettext("Add: %(entity)s", entity=definition.label),
        "edit_title": lambda: gettext("Edit: %(entity)s", entity=definition.label),
    }
    return {key: makers[key]() for key in keys}


def _texts(definition: EntityDefinition) -> dict[str, tuple[str, str]]:
    """Each field's label and hint in the reader's language."""
    return kept(
        ("field texts", definition.name),
        lambda: {
            name: (str(field.label), str(field.hint)) for name, field in definition.fields.items()
        },
    )


def order_columns(definition: EntityDefinition, fields: Sequence[Field]) -> list[str]:
    """The fields among these that the viewer may sort by."""
    plain = {field.name for field in policy.plain(definition) if field.sortable}
    return [field.name for field in fields if field.name in plain]


def permissions(definition: EntityDefinition) -> list[str]:
    """What the viewer may do with records of the entity."""
    viewer = policy.current_viewer()
    return [name for name, action in PERMISSIONS if viewer.can(definition.name, action)]


def columns_info(definition: EntityDefinition) -> list[dict[str, Any]]:
    """The fields that the viewer may write, with what is known of each."""
    return [_column_info(field) for field in policy.writable(definition)]


def _column_info(field: Field) -> dict[str, Any]:
    info = {
        "name": field.name,
        "label": str(field.label),
        "description": str(field.hint),
        "type": field.type_name or "text",
        "required": field.required,
        "unique": field.unique,
    }
    if isinstance(field, Choice):
        info["values"] = [
            {"id": option.value, "value": str(option.label)} for option in field.options.active()
        ]
    if field.target:
        info["target"] = field.target
    return info


def filters_info(definition: EntityDefinition) -> dict[str, list[dict[str, str]]]:
    """The operators of each field that the viewer may filter by."""
    return {
        field.name: [
            {"name": str(OPERATOR_LABELS[operator]), "operator": operator}
            for operator in field.operators
        ]
        for field in policy.plain(definition)
    }
