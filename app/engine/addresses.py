"""Addresses of pages, and what a list's address says: filters, text, order, page.

`/parcel/?f=colour:in:red,blue&q=润科&sort=-price,name&cols=price&size=50&page=3`, or `after=` with a cursor.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Self
from urllib.parse import urlencode

from flask import current_app
from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import HTTPException

from app.engine.entity import ARCHIVED
from app.engine.errors import ValueProblem
from app.engine.query import Condition, Records, Sort
from app.engine.registry import EntityDefinition

PAGE_SIZES = (25, 50, 100, 200)
DEFAULT_SIZE = PAGE_SIZES[0]
MOST_CONDITIONS = 20
MOST_COLUMNS = 40
MAX_PAGE = 1_000_000


@dataclass(frozen=True)
class ListAddress:
    """Which records a list shows, in which order, and which page of them.

    With `after` (a cursor) `page` only says which page that is, where that is known. `view` is the
    number of the saved view that it began with, `all` where none is to open by itself. `columns`
    are those shown beside the title, in their order; none: the usual ones.
    """

    conditions: tuple[Condition, ...] = ()
    text: str = ""
    order: Sort | None = None
    size: int = DEFAULT_SIZE
    after: str | None = None
    page: int = 0
    view: str = ""
    columns: tuple[str, ...] = ()
    dense: bool = False

    @classmethod
    def parse(cls, args: MultiDict[str, str]) -> Self:
        """Out of an address's arguments. Raises ValueProblem for a filter that is none."""
        conditions = tuple(
            Condition.parse(text) for text in args.getlist("f")[:MOST_CONDITIONS] if text
        )
        order = args.get("sort", "").strip()
        return cls(
            conditions=tuple(dict.fromkeys(conditions)),
            text=args.get("q", "").strip()[:200],
            order=Sort.parse(order) if order.strip("-, ") else None,
            size=_number(args.get("size"), DEFAULT_SIZE, PAGE_SIZES[-1]),
            after=args.get("after") or None,
            page=_number(args.get("page"), 0, MAX_PAGE),
            view=_view(args.get("view", "")),
            columns=_names(args.get("cols", "")),
            dense=args.get("density") == "dense",
        )

    @property
    def narrowed(self) -> bool:
        """Whether anything is filtered or searched for."""
        return bool(self.conditions or self.text)

    def first_page(self, **changes: Any) -> Self:
        """The same selection with changes, from its beginning."""
        return replace(self, after=None, page=0, **changes)

    def without(self, condition: Condition) -> Self:
        kept = tuple(item for item in self.conditions if item != condition)
        return self.first_page(conditions=kept)

    def pairs(self, paging: bool = True) -> list[tuple[str, str]]:
        """The arguments, what goes without saying left out."""
        found = [("f", str(condition)) for condition in self.conditions]
        if self.text:
            found.append(("q", self.text))
        if self.order is not None:
            found.append(("sort", str(self.order)))
        if self.columns:
            found.append(("cols", ",".join(self.columns)))
        if self.dense:
            found.append(("density", "dense"))
        if self.size != DEFAULT_SIZE:
            found.append(("size", str(self.size)))
        if self.view:
            found.append(("view", self.view))
        if paging and self.after:
            found.append(("after", self.after))
        if paging and self.page > 1:
            found.append(("page", str(self.page)))
        return found

    def href(self, base: str, paging: bool = True) -> str:
        """The address `base` with these arguments."""
        return with_query(base, self.pairs(paging))

    def records(self, definition: EntityDefinition) -> Records:
        """The selection. Raises NotFound, NotAllowed, ValueProblem naming the field.

        What was archived is left out until somebody searches, or filters by that.
        """
        records = Records(definition)
        for condition in self.conditions:
            try:
                records.where(condition)
            except ValueProblem as problem:
                field = definition.fields.get(condition.field)
                label = field.label if field is not None else condition.field
                raise ValueProblem(f"{label}: {problem}") from None
        if self.text:
            records.search(self.text)
        elif not any(condition.field == ARCHIVED for condition in self.conditions):
            records.without_archived()
        if self.order is not None:
            records.sort(self.order)
        return records


def with_query(base: str, pairs: Sequence[tuple[str, Any]]) -> str:
    """An address with arguments, readable: `:` and `,` stand as they are."""
    return f"{base}?{urlencode(pairs, safe=':,')}" if pairs else base


def list_address(definition: EntityDefinition) -> str:
    """Where the entity's records are listed."""
    return f"/{definition.key}/"


def record_address(definition: EntityDefinition, record_id: int) -> str:
    """Where the record is shown."""
    return f"/{definition.key}/{record_id}"


def undo_address(change_set_id: int | None) -> str | None:
    """Where a POST takes a change set back; None when nothing was written."""
    address = f"/changes/{change_set_id}/undo"
    return address if change_set_id and has_page(address, "POST") else None


def has_page(address: str, method: str = "GET") -> bool:
    """Whether a surface serves this very address: surfaces may be taken away."""
    try:
        _endpoint, arguments = current_app.url_map.bind("").match(address, method=method)
    except HTTPException:
        return False
    return "key" not in arguments or "/" in address.strip("/")


def _names(text: str) -> tuple[str, ...]:
    """Names out of an address, each once."""
    names = (name.strip()[:60] for name in text.split(",")[:MOST_COLUMNS])
    return tuple(dict.fromkeys(name for name in names if name))


def _view(text: str) -> str:
    """A view's number out of an address, or `all`; nothing for anything else."""
    number = _number(text, 0, MAX_PAGE)
    return text if text == "all" else str(number or "")


def _number(text: str | None, default: int, most: int) -> int:
    """A number out of an address; the default for anything else."""
    if text is None or not text.isascii() or not text.isdigit() or len(text) > 9:
        return default
    return max(1, min(int(text), most))


__all__ = [
    "DEFAULT_SIZE",
    "PAGE_SIZES",
    "ListAddress",
    "has_page",
    "list_address",
    "record_address",
    "undo_address",
    "with_query",
]
