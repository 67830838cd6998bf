"""What a board is asked for: whose values are its columns, what is added up, which records."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from flask_babel import gettext
from werkzeug.datastructures import MultiDict

from app.engine import policy
from app.engine.addresses import ListAddress, has_page, list_address, with_query
from app.engine.errors import NotFound, ValueProblem
from app.engine.fields import Choice, Field
from app.engine.query import Condition
from app.engine.registry import EntityDefinition
from app.engine.shown_as import board_fields

NONE = ""
"""In addresses: the column of records without a value."""


@dataclass(frozen=True)
class Board:
    """A board as its address asks for it."""

    definition: EntityDefinition
    address: ListAddress
    by: Choice
    summed: Field | None

    @property
    def base(self) -> str:
        return f"/{self.definition.key}/board"

    @property
    def own_pairs(self) -> list[tuple[str, str]]:
        """What the address says beside the selection."""
        found = [("by", self.by.name)]
        return [*found, ("sum", self.summed.name)] if self.summed is not None else found

    def href(self, address: ListAddress | None = None) -> str:
        """The board, of another selection where one is given."""
        return with_query(self.base, [*(address or self.address).pairs(), *self.own_pairs])

    def selection(self, value: str) -> ListAddress:
        """The records of one column."""
        condition = Condition(self.by.name, "eq", value)
        if value == NONE:
            condition = Condition(self.by.name, "empty")
        return replace(self.address, conditions=(*self.address.conditions, condition))

    def list_href(self, value: str) -> str:
        """The list of one column's records."""
        return self.selection(value).href(list_address(self.definition))

    @property
    def may_move(self) -> bool:
        """Whether the viewer may send cards from column to column at all."""
        viewer = policy.current_viewer()
        return (
            viewer.can(self.definition.name, "update")
            and policy.access(self.definition, self.by, viewer) == "write"
            and has_page(f"/{self.definition.key}/1/move", "POST")
        )


def asked(definition: EntityDefinition, args: MultiDict[str, str]) -> Board:
    """Out of an address. Raises NotFound, NotAllowed, ValueProblem naming the field."""
    offered = board_fields(definition)
    name = args.get("by", "")
    if name and name not in {field.name for field in offered}:
        field = policy.plain_field(definition, name)
        raise ValueProblem(gettext("%(field)s can't be a board's columns.", field=field.label))
    if not offered:
        raise NotFound
    by = next((field for field in offered if field.name == name), offered[0])
    address = ListAddress.parse(args).first_page()
    return Board(definition, address, by, _summed(definition, args.get("sum", "")))


def sums_offered(definition: EntityDefinition) -> list[Field]:
    """The numbers that a column can add up."""
    return [field for field in policy.plain(definition) if field.summable and not field.system]


def _summed(definition: EntityDefinition, name: str) -> Field | None:
    if not name:
        return None
    field: Any = policy.plain_field(definition, name)
    if not field.summable or field.system:
        raise ValueProblem(gettext("%(field)s can't be summed.", field=field.label))
    return field  # type: ignore[no-any-return]
