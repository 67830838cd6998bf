"""The file of a record, for whoever may see record and field: asked anew for each answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask_babel import lazy_gettext as _

from app.engine import policy
from app.engine.addresses import record_address
from app.engine.errors import NotFound
from app.engine.fields import File, FileInfo
from app.engine.presentation import needed, title_of
from app.engine.query import Records
from app.engine.registry import EntityDefinition


@dataclass(frozen=True)
class Held:
    """A file where it stands."""

    definition: EntityDefinition
    row: dict[str, Any]
    field: File
    info: FileInfo

    @property
    def name(self) -> str:
        """What the file was called, as far as the viewer may know it; else what the record is called."""
        named = self.row.get(self.field.named) if self.field.named else None
        return str(named) if named else title_of(self.definition, self.row)

    @property
    def here(self) -> str:
        """The address of its preview."""
        return f"{record_address(self.definition, self.row['id'])}/preview/{self.field.name}"


def held(definition: EntityDefinition, record_id: int, name: str) -> Held:
    """Raises NotFound alike for a record or field that is hidden or masked, no file, or none at all."""
    plain = {field.name: field for field in policy.plain(definition)}
    field = plain.get(name)
    if not isinstance(field, File):
        raise NotFound
    beside = [f for f in plain.values() if f.name in (field.named, definition.options.title)]
    row = Records(definition).get(record_id, needed(definition, [field, *beside]))
    info = row.get(f"{field.name}.file")
    if not isinstance(info, FileInfo):
        raise NotFound(_("There is no file."))
    return Held(definition, row, field, info)
