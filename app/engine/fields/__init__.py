"""The field types, and how to make one by its name."""

from __future__ import annotations

from typing import Any

from app.engine.fields.base import FIELD_TYPES, MASK, Field
from app.engine.fields.choice import Boolean, Choice, Tags
from app.engine.fields.entity_name import EntityName
from app.engine.fields.file import File, FileInfo
from app.engine.fields.number import Currency, Decimal, Integer, Money
from app.engine.fields.operators import OPERATOR_LABELS
from app.engine.fields.periods import PERIODS
from app.engine.fields.reference import FoundBy, Owner, Reference
from app.engine.fields.text import Email, LongText, Phone, Serial, Text, Url
from app.engine.fields.time import Date, DateTime

SIMPLE_TYPES = (
    "text", "long_text", "integer", "decimal", "money", "date", "datetime", "boolean",
    "choice", "tags", "email", "phone", "url",
)  # fmt: skip
"""The types that an administrator can add in the browser."""


def field_type(name: str) -> type[Field]:
    """The class of a type. Raises KeyError for an unknown one: it is never skipped."""
    return FIELD_TYPES[name]


def make_field(type_name: str, *arguments: Any, **options: Any) -> Field:
    """A field of the named type."""
    return field_type(type_name)(*arguments, **options)


__all__ = [
    "FIELD_TYPES",
    "MASK",
    "OPERATOR_LABELS",
    "PERIODS",
    "SIMPLE_TYPES",
    "Boolean",
    "Choice",
    "Currency",
    "Date",
    "DateTime",
    "Decimal",
    "Email",
    "EntityName",
    "Field",
    "File",
    "FileInfo",
    "FoundBy",
    "Integer",
    "LongText",
    "Money",
    "Owner",
    "Phone",
    "Reference",
    "Serial",
    "Tags",
    "Text",
    "Url",
    "field_type",
    "make_field",
]
