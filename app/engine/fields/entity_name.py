"""A field that says which kind of records something is about."""

from __future__ import annotations

from typing import Any

from app.engine.fields.base import Row
from app.engine.fields.text import Text


class EntityName(Text):
    """The name of an entity: kept as in code, read and typed as what people call it."""

    def parse(self, cell: Any) -> Any:
        return _named(super().parse(cell))

    def operand(self, text: Any) -> Any:
        return _named(super().operand(text))

    def text(self, value: Any, row: Row | None = None) -> str:
        from app.engine.entity import DECLARED

        known = DECLARED.get(value)
        return str(known.options.label) if known else super().text(value, row)

    def input_text(self, value: Any) -> str:
        return self.text(value)


def _named(typed: str | None) -> str | None:
    """The name in code of what was typed, which may be that name or a label; else as typed."""
    from app.engine.entity import DECLARED

    called = (name for name, entity in DECLARED.items() if str(entity.options.label) == typed)
    return next(called, typed)
