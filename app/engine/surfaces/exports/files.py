"""Records into a file: values as import takes them back, nothing held that has been written."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import tzinfo
from pathlib import Path
from typing import Any, cast
from zoneinfo import ZoneInfo

from flask_babel import lazy_gettext as _

from app.engine import policy
from app.engine.errors import NotFound
from app.engine.fields import Field
from app.engine.fields.time import reader_zone
from app.engine.query import Records
from app.engine.registry import EntityDefinition
from app.engine.tables import Column, write_csv, write_xlsx

FORMATS = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
"""Each format with its media type."""

_TYPED = frozenset(("integer", "decimal", "money", "date", "datetime"))
_FEW_VALUES = frozenset(("choice", "boolean", "owner"))
_LEFT_OUT = frozenset(("version",))
_CHUNK = 1024 * 1024

OnProgress = Callable[[int], None]


@dataclass(frozen=True)
class Written:
    """A finished file: its rows and what proves that it is whole."""

    rows: int
    size: int
    sha256: str


def export_fields(definition: EntityDefinition, names: Sequence[str] | None = None) -> list[Field]:
    """The fields that the viewer may export, or those of them asked for. Raises NotFound."""
    known = [field for field in policy.known(definition) if field.name not in _LEFT_OUT]
    if names is None:
        return known
    by_name = {field.name: field for field in known}
    missing = [name for name in names if name not in by_name]
    if missing:
        raise NotFound(_("There is no field “%(name)s”.", name=missing[0][:80]))
    return [by_name[name] for name in names]


def write_export(
    records: Records,
    fields: Sequence[Field],
    format: str,
    path: Path,
    on_progress: OnProgress | None = None,
) -> Written:
    """Write the selection, in its order. Raises TableProblem where the format cannot hold it."""
    definition = records.definition
    records.viewer.require(definition.name, "export")
    columns = [Column(str(field.label), _kind(records, field)) for field in fields]
    rows = _rows(records, fields, on_progress)
    if format == "csv":
        count = write_csv(path, columns, rows, _zone())
    elif format == "xlsx":
        count = write_xlsx(path, columns, rows, _zone(), str(definition.plural))
    else:
        raise NotFound(_("There is no format “%(name)s”.", name=format[:20]))
    with path.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    return Written(count, path.stat().st_size, digest)


def _rows(
    records: Records, fields: Sequence[Field], on_progress: OnProgress | None
) -> Iterator[list[Any]]:
    """Native values of one row after another; read in batches by keyset."""
    needed = {name: records.definition.fields[name] for f in fields for name in f.needs}
    wanted = [*fields, *(field for name, field in needed.items() if field not in fields)]
    values = [_exporter(records, field) for field in fields]
    done = 0
    for batch in records.stream(wanted):
        for row in batch:
            yield [value(row) for value in values]
        done += len(batch)
        if on_progress:
            on_progress(done)


def _exporter(records: Records, field: Field) -> Callable[[dict[str, Any]], Any]:
    """A function from row to cell."""
    name = field.name
    if records.viewer.access(records.definition.name, field) == "masked":
        return lambda row: row[name]
    if field.type_name in _FEW_VALUES:
        return _remembering(field)
    kind = type(field)
    if field.type_name == "datetime" or (kind.export, kind.text) == (Field.export, Field.text):
        return lambda row: row[name]  # moments are put into the reader's zone by the writer
    export = field.export
    return lambda row: None if row[name] is None else export(row[name], row)


def _remembering(field: Field) -> Callable[[dict[str, Any]], Any]:
    """For fields of few values: the words of each are looked up once."""
    words: dict[Any, Any] = {}
    name, label = field.name, f"{field.name}.label"

    def value(row: dict[str, Any]) -> Any:
        key = (row[name], row.get(label))
        if key not in words:
            words[key] = None if row[name] is None else field.export(row[name], row)
        return words[key]

    return value


def _zone() -> tzinfo:
    """The reader's zone, of the library that converts fastest."""
    zone = reader_zone()
    name = getattr(zone, "zone", None)
    return ZoneInfo(name) if name else zone


def _kind(records: Records, field: Field) -> Any:
    masked = records.viewer.access(records.definition.name, field) == "masked"
    return cast(Any, field.type_name) if field.type_name in _TYPED and not masked else "text"
