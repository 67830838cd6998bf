"""What an export consists of: the list's selection, and what belongs to it if that is wanted."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import tzinfo
from typing import Any

from flask_babel import lazy_gettext as _

from app.engine import policy
from app.engine.errors import NotFound
from app.engine.fields import Field
from app.engine.query import Records, Snapshot
from app.engine.registry import EntityDefinition, current
from app.engine.surfaces.exports.cells import Cells
from app.engine.tables import Column, TableProblem

_LEFT_OUT = frozenset(("version",))


class ExportIncomplete(TableProblem):
    """Fewer or more rows came than there are: the file is thrown away."""

    status = 500


def export_fields(definition: EntityDefinition, names: Sequence[str] | None = None) -> list[Field]:
    """The fields that the viewer may export, or those of them asked for. Raises NotFound."""
    known = [field for field in policy.known(definition) if field.name not in _LEFT_OUT]
    if names is None:
        return known
    by_name = {field.name: field for field in known}
    missing = [name for name in names if name not in by_name]
    if missing:
        raise NotFound(_("There is no field “%(name)s”.", name=missing[0][:80]))
    return [by_name[name] for name in dict.fromkeys(names)]


@dataclass
class Part:
    """One table of an export: a selection and its columns."""

    records: Records
    fields: Sequence[Field]
    count: int = 0
    alone: bool = False
    """One record, as a page of its own where the format has one."""

    def __post_init__(self) -> None:
        viewer, entity = self.records.viewer, self.records.definition.name
        viewer.require(entity, "export")
        if any(viewer.access(entity, field) == "hidden" for field in self.fields):
            raise NotFound

    @property
    def title(self) -> str:
        """What the table is called."""
        options = self.records.definition
        return str(options.label if self.alone else options.plural)

    def cells(self, snapshot: Snapshot, zone: tzinfo) -> list[Cells]:
        """What turns each column as read into cells."""
        return [Cells(field, self.records, snapshot, zone) for field in self.fields]

    def columns(self, cells: Sequence[Cells]) -> list[Column]:
        """The heads."""
        return [Column(str(cell.field.label), cell.kind) for cell in cells]

    def batches(self, snapshot: Snapshot) -> Iterator[list[Sequence[Any]]]:
        """The columns of some hundred rows at a time. Raises ExportIncomplete at the end."""
        expected = snapshot.count(self.records)
        for columns in snapshot.columns(self.records, self.fields):
            self.count += len(columns[0])
            yield columns
        if self.count != expected:
            raise ExportIncomplete(
                _(
                    "%(count)s of %(total)s rows came; the file was thrown away. Try again.",
                    count=self.count,
                    total=expected,
                )
            )


def relatives(definition: EntityDefinition) -> dict[str, tuple[EntityDefinition, Field]]:
    """What may go along with records of the entity: what belongs to it and may be exported."""
    viewer = policy.current_viewer()
    return {
        child.name: (child, reference)
        for child, reference in current().incoming.get(definition.name, ())
        if child.options.parent == reference.name
        and viewer.can(child.name, "export")
        and viewer.access(child.name, reference) in ("read", "write")
    }


def related_part(records: Records, name: str) -> Part:
    """The records of the entity `name` that belong to the selection. Raises NotFound."""
    known = relatives(records.definition)
    if name not in known:
        raise NotFound(_("There is no field “%(name)s”.", name=name[:80]))
    child, reference = known[name]
    return Part(Records(child).pointing_at(reference, records), export_fields(child))
