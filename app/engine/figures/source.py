"""An entity as a source of figures: its columns by the names of its fields."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement
from sqlalchemy.orm import aliased

from app.engine.registry import current


class Source:
    """The records of an entity, named by its name; several of one entity may stand side by side."""

    def __init__(self, entity: str) -> None:
        """Raises NotFound for an unknown entity."""
        self.definition = current().entity(entity)
        self.model: Any = aliased(self.definition.model)

    def __getitem__(self, name: str) -> ColumnElement[Any]:
        """The column of a field. Raises NotFound for an unknown one."""
        if name == "id":
            column: ColumnElement[Any] = self.model.id
            return column
        return self.definition.field(name).expression(self.model)

    @property
    def live(self) -> ColumnElement[bool]:
        """Whether a record is not in the trash."""
        clause: ColumnElement[bool] = self.model.deleted_at.is_(None)
        return clause
