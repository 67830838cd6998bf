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
from app.engine.presentation import columns
from app.engine.query import Records, Snapshot
from app.engine.registry import EntityDefinition, current
from app.engine.surfaces.exports.cells import Cells
from app.engine.surfaces.exports.written_cells import written_cells
from app.engine.tables import Column, TableProblem

_LEFT_OUT = frozenset(("version",))


class ExportIncomplete(TableProblem):
    """Fewer or more rows came than there are: the file is thrown away."""

    status = 500


def export_fields(definition: EntityDefinition, names: Sequence[str] | None = None) -> list[Field]:
    """The fields that the viewer may export, or those of them asked for. Raises NotFound.

    What a field needs to be understood comes along: an amount without its currency says nothing.
    """
    known = [field for field in policy.known(definition) if field.name not in _LEFT_OUT]
    if names is None:
        return known
    by_name = {field.name: field for field in known}
    missing = [name for name in names if name not in by_name]
    if missing:
        raise NotFound(_("There is no field “%(name)s”.", name=missing[0][:80]))
    whole: dict[str, None] = {}
    for name in names:
        beside = (other for other in by_name[name].needs if other in by_name)
        whole |= dict.fromkeys((name, *(other for other in beside if other not in names)))
    return [by_name[name] for name in whole]


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
        for batch in snapshot.columns(self.records, self.fields):
            self.count += len(batch[0])
            yield batch
        self._check(snapshot)

    def lines(self, snapshot: Snapshot, cells: Sequence[Cells]) -> Iterator[list[bytes]] | None:
        """The lines of CSV, some hundred at a time, where the database can make them; else None.

        Raises ExportIncomplete at the end.
        """
        if snapshot.dialect != "postgresql":
            return None
        written = written_cells(self.records, cells)
        lines = snapshot.lines(self.records, written) if written is not None else None
        return None if lines is None else self._counted(lines, snapshot)

    def _counted(self, lines: Iterator[list[bytes]], snapshot: Snapshot) -> Iterator[list[bytes]]:
        for batch in lines:
            self.count += len(batch)
            yield batch
        self._check(snapshot)

    def _check(self, snapshot: Snapshot) -> None:
        expected = snapshot.count(self.records)
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


def related_part(records: Records, name: str, on_paper: bool = False, alone: bool = False) -> Part:
    """The records of the entity `name` that belong to the selection. Raises NotFound.

    `on_paper`: with the columns that lists have; `alone`: without saying to what one record they belong.
    """
    known = relatives(records.definition)
    if name not in known:
        raise NotFound(_("There is no field “%(name)s”.", name=name[:80]))
    child, reference = known[name]
    fields = export_fields(child)
    if on_paper:
        listed = {column.name for column in columns(child, records.viewer)}
        listed = listed - {reference.name} if alone else listed | {reference.name}
        fields = [field for field in fields if field.name in listed] or fields
    return Part(Records(child).pointing_at(reference, records), fields)
