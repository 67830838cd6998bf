"""Fields that point at another record, or at a user."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from typing import Any, ClassVar

import marshmallow
from flask_babel import lazy_gettext as _
from markupsafe import Markup
from sqlalchemy import BigInteger, ColumnElement, ForeignKey, Integer, cast
from sqlalchemy.orm import mapped_column, relationship
from sqlalchemy.types import TypeEngine

from app.engine.adapters.database import Identifier
from app.engine.errors import ValueProblem
from app.engine.fields.base import Field, Row

USER = "User"
"""The target that is not an entity: Flask-AppBuilder's users."""

MAX_IDENTIFIER = 2**63 - 1

LEAVING = ("move", "end", "keep")


@dataclass(frozen=True)
class FoundBy:
    """How a row of a file says which record it means without a column that names it.

    `own`: the row's field whose value the record has in its field `field`. A record that is made of it
    gets that, and `takes`: its field → the row's field, the title among them.
    """

    own: str
    field: str
    takes: Mapping[str, str] = dataclass_field(default_factory=dict)


class Reference(Field):
    """A record of another entity, named by a string so that no domain imports another.

    The value is the record's id. Picked through a search box, never from a full list.
    """

    type_name = "reference"
    type_label = _("Reference")
    operators = ("eq", "neq", "in", "nin", "empty", "nempty")
    widget = "picker"
    groupable = True
    largest: ClassVar[int] = MAX_IDENTIFIER

    keyed = True
    """Whether its column has a foreign key of its own."""

    def __init__(
        self,
        target: str,
        label: Any = "",
        *,
        on_delete: str = "restrict",
        found_by: FoundBy | None = None,
        **options: Any,
    ) -> None:
        """`on_delete`: `restrict` (a record pointed at can't be purged) or `cascade`."""
        super().__init__(label, **{"index": True, **options})
        self.found_by = found_by
        self.target = target
        self.on_delete = on_delete

    @property
    def column_name(self) -> str:
        return f"{self.name}_id"

    def column_type(self) -> TypeEngine[Any]:
        return Identifier

    def foreign_key(self) -> str:
        from app.engine.entity import table_name

        return f"{table_name(str(self.target))}.id"

    def attributes(self) -> dict[str, Any]:
        column = mapped_column(Identifier, *self._keys(), nullable=True)
        return {
            self.column_name: column,
            self.name: relationship(
                str(self.target), foreign_keys=[column], viewonly=True, lazy="select"
            ),
        }

    def _keys(self) -> list[ForeignKey]:
        return [ForeignKey(self.foreign_key(), ondelete="RESTRICT")] if self.keyed else []

    def custom_expression(self, element: Any) -> ColumnElement[Any]:
        return cast(element.as_string(), BigInteger)

    def normalise(self, value: Any) -> Any:
        if isinstance(value, bool) or not isinstance(value, int):
            raise ValueProblem(_("This must be the id of a record."))
        if not 0 < value <= self.largest:
            raise ValueProblem(_("There is no such record."))
        return value

    def parse(self, cell: Any) -> Any:
        """An id. A name or code is looked up by whoever has the database at hand."""
        if cell is None or not str(cell).strip():
            return None
        text = str(cell).strip()
        if not text.isdecimal() or len(text) > 19:
            raise ValueProblem(_("“%(value)s” was not found.", value=text[:80]))
        return self.normalise(int(text))

    def load(self, value: Any) -> Any:
        """An id, or an object with an `id`, as the API gives it out."""
        if isinstance(value, Mapping):
            if "id" not in value:
                raise ValueProblem(_("This must be the id of a record."))
            value = value["id"]
        if value is None:
            return None
        return self.normalise(value)

    def text(self, value: Any, row: Row | None = None) -> str:
        """The record's name, where the row carries it as `<name>.label`."""
        if value is None:
            return ""
        label = (row or {}).get(f"{self.name}.label")
        return str(label) if label is not None else f"#{value}"

    def cell(self, value: Any, row: Row | None = None) -> Markup | str:
        from app.engine.entity import key_of

        if value is None:
            return ""
        if (row or {}).get(f"{self.name}.label") is None:
            return Markup('<span class="text-secondary">{}</span>').format(_("(not visible)"))
        return Markup('<a href="/{}/{}">{}</a>').format(
            key_of(str(self.target)), value, self.text(value, row)
        )

    def search_text(self, value: Any) -> str | None:
        return None

    def group_label(self, value: Any, period: str = "") -> str:
        """Of one whose name the viewer does not see; the others go by their names."""
        return str(_("(none)")) if value is None else str(_("(not visible)"))

    def group_filter(self, value: Any, period: str = "") -> tuple[str, str]:
        return ("empty", "") if value is None else ("eq", str(value))

    def schema_field(self) -> marshmallow.fields.Field[Any]:
        return marshmallow.fields.Integer(
            allow_none=not self.required,
            strict=True,
            validate=marshmallow.validate.Range(1, self.largest),
        )


class Owner(Reference):
    """The user who is responsible; the scope “own” hangs on it."""

    type_name = "owner"
    type_label = _("Person")
    largest = 2**31 - 1  # Flask-AppBuilder numbers its users so

    def __init__(self, label: Any = "", *, on_leaving: str = "move", **options: Any) -> None:
        """`on_leaving`: what becomes of it when the person leaves: another one takes their place
        (`move`), the record ends with them and goes to the trash (`end`), or it stays, since it
        tells of the past (`keep`).
        """
        super().__init__(USER, label, **options)
        if on_leaving not in LEAVING:
            raise ValueError(f"on_leaving is one of {LEAVING}, not {on_leaving!r}")
        self.on_leaving = on_leaving

    def column_type(self) -> TypeEngine[Any]:
        return Integer()

    def attributes(self) -> dict[str, Any]:
        return {self.column_name: mapped_column(Integer, *self._keys(), nullable=True)}

    def cell(self, value: Any, row: Row | None = None) -> Markup | str:
        if value is None:
            return ""
        name = self.text(value, row)
        return Markup(
            '<span class="person"><span class="initials" aria-hidden="true">{}</span>{}</span>'
        ).format(initials(name), name)


def initials(name: str) -> str:
    """Two letters that stand for a person: the last two characters of a Chinese name."""
    if any("\u4e00" <= character <= "\u9fff" for character in name):
        return name.replace(" ", "")[-2:]
    return "".join(word[0] for word in name.split()[:2]).upper()
