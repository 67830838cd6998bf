"""The OpenAPI description of every entity's addresses, with its fields as they are now."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from apispec import APISpec
from apispec.exceptions import DuplicateComponentNameError
from apispec.ext.marshmallow import MarshmallowPlugin

from app.engine import policy
from app.engine.changes.merging import MOST_MERGED
from app.engine.registry import EntityDefinition, current
from app.engine.surfaces.rest import query as asked
from app.engine.surfaces.rest.schemas import (
    ERROR,
    Converter,
    Schema,
    given_out,
    query_schema,
    taken_in,
)

ERRORS = {
    400: "The request can't be understood",
    401: "No valid token and nobody signed in",
    403: "The roles do not allow it",
    404: "No such record, or not to be seen",
    409: "Somebody else saved the record meanwhile: both versions",
    413: "The body is too large",
    415: "The body is not JSON",
    422: "A value can't be taken; the problems name the fields",
}
READ = (400, 401, 403)
WRITE = (*READ, 404, 413, 422)
SECURITY: list[dict[str, list[str]]] = [{"jwt": []}, {"api_key": []}, {"session": []}]

_LIST_PARTS = (
    "filters", "order_column", "order_direction", "page", "page_size", "columns",
    "select_columns", "keys", "search", "after",
)  # fmt: skip


def add_records(spec: APISpec) -> None:
    """Every entity that the viewer may read: list, one, new, change, approve, delete."""
    _add_components(spec)
    for definition in _readable():
        _add_entity(spec, definition)


def add_trash(spec: APISpec) -> None:
    """The trash of every entity whose records the viewer may delete."""
    viewer = policy.current_viewer()
    for definition in _readable():
        name = definition.name
        if not viewer.can(name, "delete"):
            continue
        base = f"/api/v1/{definition.key}"
        restore = _operation("Trash", name, "restore", _one(name), WRITE)
        spec.path(f"{base}/trash", operations={"get": _list_operation("Trash", name, "get_trash")})
        spec.path(
            f"{base}/{{record_id}}/restore",
            parameters=[_RECORD_ID],
            operations={"post": restore},
        )
        if viewer.can(name, "purge"):
            purge = _operation("Trash", name, "purge", _DONE, WRITE)
            spec.path(
                f"{base}/trash/{{record_id}}",
                parameters=[_RECORD_ID],
                operations={"delete": purge},
            )


def _readable() -> list[EntityDefinition]:
    viewer = policy.current_viewer()
    return [d for d in current().entities.values() if viewer.can(d.name, "read")]


def _add_components(spec: APISpec) -> None:
    _once(spec, "Error", ERROR)
    _once(spec, "get_list_schema", query_schema(_LIST_PARTS, asked.LIST_KEYS))
    _once(
        spec, "get_item_schema",
        query_schema(("columns", "select_columns", "keys"), asked.SHOW_KEYS),
    )  # fmt: skip
    _once(
        spec, "get_info_schema",
        query_schema(("keys", "add_columns", "edit_columns"), asked.INFO_KEYS),
    )  # fmt: skip


def _once(spec: APISpec, name: str, schema: Schema) -> None:
    try:
        spec.components.schema(name, schema)
    except DuplicateComponentNameError:
        return  # the same schema, put there for another API


def _add_entity(spec: APISpec, definition: EntityDefinition) -> None:
    viewer, name, base = policy.current_viewer(), definition.name, f"/api/v1/{definition.key}"
    convert = _converter(spec)
    spec.components.schema(name, given_out(definition, convert))
    many: dict[str, Any] = {"get": _list_operation("Records", name, "get_list")}
    one: dict[str, Any] = {"get": _get_operation(name)}
    if viewer.can(name, "create"):
        spec.components.schema(f"{name}.post", taken_in(definition, convert, new=True))
        many["post"] = _sending(name, "post", _one(name), (*READ, 413, 415, 422), 201)
    if viewer.can(name, "update"):
        spec.components.schema(f"{name}.put", taken_in(definition, convert, new=False))
        one["put"] = _sending(name, "put", _one(name), (*WRITE, 409, 415))
        one["put"]["parameters"] = [_IF_MATCH]
    if viewer.can(name, "delete"):
        one["delete"] = _operation("Records", name, "delete", _DONE, WRITE)
    spec.path(f"{base}/", operations=many)
    spec.path(f"{base}/_info", operations={"get": _info_operation(name)})
    spec.path(f"{base}/{{record_id}}", parameters=[_RECORD_ID], operations=one)
    if viewer.can(name, "update") and viewer.can(name, "delete"):
        _add_merge(spec, definition)
    if viewer.can(name, "unmask"):
        _add_unmask(spec, definition)
    if definition.review and viewer.can(name, "approve"):
        approve = _operation("Records", name, "approve", _one(name), (*WRITE, 409))
        spec.path(
            f"{base}/{{record_id}}/approve", parameters=[_RECORD_ID], operations={"post": approve}
        )


def _add_merge(spec: APISpec, definition: EntityDefinition) -> None:
    name = definition.name
    result = _one(name)
    result["properties"] |= {
        "given": {**_NAMES, "description": "Fields that the record was given."},
        "moved": {
            "type": "object",
            "additionalProperties": {"type": "integer"},
            "description": "By entity, how many records that pointed at the others point here now.",
        },
        "change_set": {"type": "integer", "description": "Undoing it takes all of it back."},
    }
    identifier = {"type": "integer", "minimum": 1, "maximum": 2**63 - 1}
    spec.components.schema(
        f"{name}.merge",
        {
            "type": "object",
            "properties": {
                "losers": {
                    "type": "array", "items": identifier, "minItems": 1,
                    "maxItems": MOST_MERGED - 1, "uniqueItems": True,
                    "description": "Records that become part of this one and go to the trash.",
                },
                "take": {
                    "type": "object",
                    "additionalProperties": identifier,
                    "description": "By field, the record whose value is taken; else this one's, "
                    "or the first that has any.",
                },
            },
            "required": ["losers"],
            "additionalProperties": False,
        },
    )  # fmt: skip
    spec.path(
        f"/api/v1/{definition.key}/{{record_id}}/merge",
        parameters=[_RECORD_ID],
        operations={"post": _sending(name, "merge", result, (*WRITE, 409, 415))},
    )


def _add_unmask(spec: APISpec, definition: EntityDefinition) -> None:
    """One masked value, for a reason; nothing is written but the audit log."""
    text = {"type": "string"}
    spec.components.schema(
        f"{definition.name}.unmask",
        {
            "type": "object",
            "properties": {
                "field": {**text, "minLength": 1},
                "reason": {**text, "minLength": 5, "maxLength": 200,
                           "description": "Kept in the audit log."},
            },
            "required": ["field", "reason"],
            "additionalProperties": False,
        },
    )  # fmt: skip
    result = _object(field=text, value={"description": "The value as the record has it."})
    spec.path(
        f"/api/v1/{definition.key}/{{record_id}}/unmask",
        parameters=[_RECORD_ID],
        operations={"post": _sending(definition.name, "unmask", result, (*WRITE, 415))},
    )


def _converter(spec: APISpec) -> Converter:
    """What turns a marshmallow field into JSON schema in this document."""
    plugin = next(item for item in spec.plugins if isinstance(item, MarshmallowPlugin))
    assert plugin.converter is not None
    return plugin.converter.field2property


def _operation(
    tag: str, name: str, action: str, result: Schema, errors: Iterable[int], status: int = 200
) -> dict[str, Any]:
    """One operation with its success and every error that it may answer with."""
    responses: dict[str, Any] = {str(status): _response("OK", result)}
    if "id" in result["properties"]:
        responses[str(status)]["headers"] = {"ETag": _ETAG}
    for code in sorted(errors):
        schema = _conflict(name) if code == 409 else _reference("Error")
        responses[str(code)] = _response(ERRORS[code], schema)
    return {
        "operationId": f"{name}.{action}",
        "tags": [tag, name],
        "security": SECURITY,
        "responses": responses,
    }


def _list_operation(tag: str, name: str, action: str) -> dict[str, Any]:
    result = _object(
        count={"type": "integer", "description": "Exact up to 10,000, then capped."},
        count_exact={"type": "boolean"},
        ids={"type": "array", "items": {"type": "integer"}},
        next={"type": "string", "nullable": True, "description": "`after` of the next page."},
        result={"type": "array", "items": _reference(name)},
        list_columns=_NAMES,
        order_columns=_NAMES,
        label_columns=_LABELS,
        description_columns=_LABELS,
        list_title={"type": "string"},
    )
    return {
        **_operation(tag, name, action, result, READ),
        "parameters": [_query("get_list_schema")],
    }


def _get_operation(name: str) -> dict[str, Any]:
    result = _one(name)
    result["properties"] |= {
        "show_columns": _NAMES,
        "label_columns": _LABELS,
        "description_columns": _LABELS,
        "show_title": {"type": "string"},
    }
    return {
        **_operation("Records", name, "get", result, (*READ, 404)),
        "parameters": [_query("get_item_schema")],
    }


def _info_operation(name: str) -> dict[str, Any]:
    columns = {"type": "array", "items": {"type": "object"}}
    result = _object(
        permissions=_NAMES,
        add_columns=columns,
        edit_columns=columns,
        filters={"type": "object"},
        add_title={"type": "string"},
        edit_title={"type": "string"},
    )
    return {
        **_operation("Records", name, "info", result, READ),
        "parameters": [_query("get_info_schema")],
    }


def _sending(
    name: str, method: str, result: Schema, errors: Sequence[int], status: int = 200
) -> dict[str, Any]:
    content = {"application/json": {"schema": _reference(f"{name}.{method}")}}
    return {
        **_operation("Records", name, method, result, errors, status),
        "requestBody": {"required": True, "content": content},
    }


def _one(name: str) -> Schema:
    return _object(id={"type": "integer"}, result=_reference(name))


def _conflict(name: str) -> Schema:
    return _object(
        message={"type": "string"},
        version={"type": "integer"},
        current=_reference(name),
        submitted={"type": "object"},
    )


def _object(**properties: Schema) -> Schema:
    return {"type": "object", "properties": properties}


def _reference(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


def _response(description: str, schema: Schema) -> dict[str, Any]:
    return {"description": description, "content": {"application/json": {"schema": schema}}}


def _query(schema: str) -> dict[str, Any]:
    content = {"application/json": {"schema": _reference(schema)}}
    return {"in": "query", "name": "q", "description": "In Rison or JSON.", "content": content}


_NAMES: Schema = {"type": "array", "items": {"type": "string"}}
_LABELS: Schema = {"type": "object", "additionalProperties": {"type": "string"}}
_DONE = _object(message={"type": "string"})
_ETAG = {"schema": {"type": "string"}, "description": "The record's version, for If-Match."}
_RECORD_ID = {
    "in": "path",
    "name": "record_id",
    "required": True,
    "schema": {"type": "integer", "minimum": 0, "maximum": 2**63 - 1},
}
_IF_MATCH = {
    "in": "header",
    "name": "If-Match",
    "schema": {"type": "string"},
    "description": "The ETag of the record that the change was made on.",
}
