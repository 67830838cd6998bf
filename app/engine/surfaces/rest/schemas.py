"""JSON schemas of an entity's records, out of its fields as they are now."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import marshmallow

from app.engine import policy
from app.engine.fields import Field
from app.engine.registry import EntityDefinition

Schema = dict[str, Any]
Converter = Callable[[marshmallow.fields.Field[Any]], Schema]

ERROR: Schema = {
    "type": "object",
    "properties": {
        "message": {"type": "string", "description": "What is wrong, in the asker's language."},
        "request_id": {"type": "string", "nullable": True},
        "problems": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "field": {"type": "string", "nullable": True},
                    "message": {"type": "string"},
                },
                "required": ["field", "message"],
            },
        },
    },
    "required": ["message"],
}

REFERENCE: Schema = {
    "type": "object",
    "nullable": True,
    "properties": {
        "id": {"type": "integer"},
        "label": {
            "type": "string",
            "nullable": True,
            "description": "The record's name; null when it may not be seen.",
        },
    },
    "required": ["id"],
}

FILE: Schema = {
    "type": "object",
    "nullable": True,
    "properties": {
        "id": {"type": "integer"},
        "sha256": {"type": "string"},
        "size": {"type": "integer", "description": "In bytes."},
        "media_type": {"type": "string", "description": "As found in the content."},
        "href": {"type": "string", "description": "Where its content is given out."},
    },
    "required": ["id"],
}

_SCALAR: Schema = {"anyOf": [{"type": "string"}, {"type": "number"}, {"type": "boolean"}]}
_NAMES: Schema = {"type": "array", "items": {"type": "string"}}


def query_schema(parts: Iterable[str], keys: Iterable[str]) -> Schema:
    """What `q` may hold."""
    known: dict[str, Schema] = {
        "keys": {"type": "array", "items": {"type": "string", "enum": [*keys, "none"]}},
        "columns": _NAMES,
        "select_columns": _NAMES,
        "order_column": {"type": "string"},
        "order_direction": {"type": "string", "enum": ["asc", "desc"]},
        "page": {"type": "integer", "minimum": 0},
        "page_size": {"type": "integer", "description": "-1: as many as are allowed."},
        "search": {"type": "string", "description": "Words sought in the searched fields."},
        "after": {
            "type": "string",
            "description": "`next` of the page before: the rows behind it.",
        },
        "filters": {"type": "array", "items": _filter_schema()},
        "add_columns": {"type": "object"},
        "edit_columns": {"type": "object"},
    }
    return {
        "type": "object",
        "properties": {part: known[part] for part in parts},
        "additionalProperties": False,
    }


def _filter_schema() -> Schema:
    return {
        "type": "object",
        "properties": {
            "col": {"type": "string"},
            "opr": {"type": "string"},
            "value": {"anyOf": [*_SCALAR["anyOf"], {"type": "array", "items": _SCALAR}]},
        },
        "required": ["col", "opr"],
    }


def given_out(definition: EntityDefinition, convert: Converter) -> Schema:
    """A record as the API gives it out; what is stored already is not checked again."""
    properties = {
        field.name: _output(definition, field, convert) for field in policy.known(definition)
    }
    return {"type": "object", "properties": properties}


def _output(definition: EntityDefinition, field: Field, convert: Converter) -> Schema:
    if policy.access(definition, field) == "masked":
        schema: Schema = {"type": "string", "nullable": True}
    elif field.target:
        schema = dict(REFERENCE)
    elif field.type_name == "file":
        schema = dict(FILE)
    else:
        schema = {
            key: part
            for key, part in _converted(field, convert).items()
            if key in ("type", "format", "items")
        }
        schema["nullable"] = True
    return {**schema, **_words(field), "readOnly": field.read_only}


def _converted(field: Field, convert: Converter) -> Schema:
    """The field in JSON schema. Decimals travel as text, so that no program rounds them."""
    stand_in = field.schema_field()
    if not isinstance(stand_in, marshmallow.fields.Decimal):
        return convert(stand_in)
    return {"type": "string", "format": "decimal", "nullable": bool(stand_in.allow_none)}


def taken_in(definition: EntityDefinition, convert: Converter, new: bool) -> Schema:
    """A record as the API takes it, `new` or to change: the fields that the viewer may write."""
    fields = policy.writable(definition)
    properties = {field.name: {**_input(field, convert), **_words(field)} for field in fields}
    if not new:
        properties["version"] = {
            "type": "integer",
            "nullable": True,
            "description": "The version that the change was made on; If-Match says it as well.",
        }
    elif definition.review:
        properties["review_state"] = {
            "type": "string",
            "enum": ["draft", "approved"],
            "description": "approved: at once, by those with the right to approve.",
        }
    schema: Schema = {
        "type": "object", "properties": properties, "additionalProperties": False,
    }  # fmt: skip
    required = [f.name for f in fields if f.required and f.default is None]
    if new and required:
        schema["required"] = required
    return schema


def _input(field: Field, convert: Converter) -> Schema:
    schema = _converted(field, convert)
    schema.pop("readOnly", None)
    if field.target or field.type_name == "file":
        identifier = {key: part for key, part in schema.items() if key != "nullable"}
        by_id = {"type": "object", "properties": {"id": identifier}, "required": ["id"]}
        return {"anyOf": [schema, by_id]}
    if schema.get("format") == "decimal":
        return {"anyOf": [{**schema, "pattern": r"^-?[0-9]+(\.[0-9]+)?$"}, {"type": "number"}]}
    return schema


def _words(field: Field) -> Schema:
    words = {"title": str(field.label)}
    if field.hint:
        words["description"] = str(field.hint)
    return words
