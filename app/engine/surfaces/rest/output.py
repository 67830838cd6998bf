"""Writing JSON: rows as Records gives them, straight to bytes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import orjson
from flask import current_app
from werkzeug.wrappers import Response

from app.engine import audit, policy
from app.engine.fields import Field
from app.engine.query import add_files, add_labels
from app.engine.registry import EntityDefinition

MIME_TYPE = "application/json; charset=utf-8"


def answer(body: Mapping[str, Any], status: int = 200, version: int | None = None) -> Response:
    """The answer, with the record's version as its ETag where it is about one record."""
    response: Response = current_app.response_class(
        orjson.dumps(body, default=str), status, content_type=MIME_TYPE
    )
    if version is not None:
        response.set_etag(str(version))
    return response


def shaped(
    definition: EntityDefinition, fields: Sequence[Field], rows: Iterable[Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """Rows as they are given out: a reference is its record's id and name,
    a file what is known of it.

    Masked values stand as they are; they are text already.
    """
    viewer = policy.current_viewer()
    names = [field.name for field in fields]
    plain = [f for f in fields if policy.access(definition, f, viewer) != "masked"]
    references = [(f.name, f"{f.name}.label") for f in plain if f.target]
    dumped = [(f.name, f.dump) for f in plain if _needs_dump(f)]
    files = [(f.name, f"{f.name}.file") for f in plain if f.type_name == "file"]
    return [_shape(row, names, references, dumped, files) for row in rows]


def _needs_dump(field: Field) -> bool:
    return type(field).dump is not Field.dump


def _shape(
    row: Mapping[str, Any],
    names: Sequence[str],
    references: Sequence[tuple[str, str]],
    dumped: Sequence[tuple[str, Callable[[Any], Any]]],
    files: Sequence[tuple[str, str]],
) -> dict[str, Any]:
    shape = {name: row[name] for name in names}
    for name, dump in dumped:
        if shape[name] is not None:
            shape[name] = dump(shape[name])
    for name, label in references:
        if shape[name] is not None:
            shape[name] = {"id": shape[name], "label": row.get(label)}
    for name, info in files:
        if shape[name] is not None:
            shape[name] = row[info].as_json()
    return shape


def shaped_record(definition: EntityDefinition, record: Any) -> dict[str, Any]:
    """A record that was just written, as it is given out; nothing is read but names."""
    viewer = policy.current_viewer()
    fields = policy.known(definition, viewer)
    row = {
        field.name: policy.shown(definition, field, field.get(record), viewer) for field in fields
    }
    row["id"] = record.id
    seen = [
        f.name for f in policy.plain(definition, viewer) if f.personal and row[f.name] is not None
    ]
    audit.note_view(definition.name, [record.id], seen)
    open_ones = [f for f in fields if policy.access(definition, f, viewer) != "masked"]
    add_labels([row], open_ones)
    add_files(definition.key, [row], open_ones)
    return shaped(definition, fields, [row])[0]
