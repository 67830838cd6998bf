"""What the table of a list shows. The hottest page of all: nothing here asks for more than it draws."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from flask_babel import format_decimal, gettext, ngettext
from markupsafe import Markup

from app.engine import bulk, policy, views
from app.engine.addresses import (
    PAGE_SIZES,
    ListAddress,
    has_page,
    list_address,
    record_address,
    with_query,
)
from app.engine.entity import ARCHIVED
from app.engine.presentation import (
    Column,
    columns,
    kept,
    line_maker,
    needed,
    remarks_of,
    title_of,
)
from app.engine.query import MOST_KEYS, Page, Sort
from app.engine.registry import EntityDefinition
from app.engine.shown_as import LIST, ways
from app.engine.surfaces.lists import filters

WITH_REVIEW = ("review_state",)


@dataclass(frozen=True)
class Head:
    """A column's head: where a click on it leads, and how the list is sorted by it now."""

    label: str
    href: str | None
    direction: str | None
    numeric: bool
    add_href: str | None = None
    place: int = 0
    """Its place among several that the list is sorted by."""


@dataclass(frozen=True)
class Line:
    """A row, drawn."""

    id: int
    href: str
    title: str
    cells: Markup


def context(definition: EntityDefinition, address: ListAddress) -> dict[str, Any]:
    """All that the table's template needs. Raises NotFound, NotAllowed, ValueProblem."""
    viewer = policy.current_viewer()
    shown = columns(definition, viewer, address.columns)
    page, total, exact = _read(definition, address, shown)
    base = list_address(definition)
    return {
        "definition": definition,
        "address": address,
        "base": base,
        "here": address.href(base),
        "state": address.pairs(paging=False),
        "clear_href": address.first_page(conditions=(), text="", view=views.ALL).href(base),
        "chips": filters.chips(definition, address),
        "heads": _heads(definition, shown, address, base),
        "lines": _lines(definition, shown, page),
        **_acts(definition, address),
        "may_create": viewer.can(definition.name, "create"),
        "may_import": viewer.can(definition.name, "import") and _links(definition)["import"],
        **_paging(address, base, page, total, exact),
    }


def page_context(definition: EntityDefinition, address: ListAddress) -> dict[str, Any]:
    """What the page around the table needs beside that."""
    viewer = policy.current_viewer()
    links = _links(definition)
    query = address.pairs(paging=False)
    exporting = viewer.can(definition.name, "export") and links["export"]
    return {
        "searchable": definition.search_index is not None,
        "remarks": remarks_of(definition, "list"),
        "export_href": with_query(f"/export/{definition.key}", query) if exporting else None,
        "import_href": f"/import/{definition.key}" if links["import"] else None,
        "ways": ways(definition, address, LIST),
        "tree_href": f"/{definition.key}/tree" if links["tree"] else None,
        "trash_href": f"/{definition.key}/trash"
        if links["trash"] and viewer.can(definition.name, "delete")
        else None,
        "archive_href": with_query(list_address(definition), [("f", f"{ARCHIVED}:nempty:")])
        if definition.options.archivable
        and definition.fields[ARCHIVED] in policy.plain(definition, viewer)
        else None,
        "filter_href": with_query(f"/{definition.key}/filter", query),
        "columns_href": with_query(f"/{definition.key}/columns", query),
        **_views(definition, address, query),
    }


def _views(
    definition: EntityDefinition, address: ListAddress, query: list[tuple[str, str]]
) -> dict[str, Any]:
    """Where the saved views are, and the name of the one that the list began with."""
    may = policy.current_viewer().can(views.NAME, "read") and _links(definition)["views"]
    name = views.name_in(definition, address.view) if may else None
    return {
        "views_href": with_query(f"/{definition.key}/views", query) if may else None,
        "view_name": name,
    }


SELDOM = ("archive", "unarchive", "merge", "merge_duplicates")
"""Acts that stand in a menu, so that the bar stays short."""


def _acts(definition: EntityDefinition, address: ListAddress) -> dict[str, Any]:
    """The buttons of the bar that comes up with ticked rows."""
    if not _links(definition)["bulk"]:
        return {"acts": [], "seldom": []}
    archived = any(
        condition.field == ARCHIVED and condition.operator == "nempty"
        for condition in address.conditions
    )
    other = "archive" if archived else "unarchive"
    acts = [act for act in bulk.offered(definition) if act.name != other]
    return {
        "acts": [act for act in acts if act.name not in SELDOM],
        "seldom": [act for act in acts if act.name in SELDOM],
    }


def _links(definition: EntityDefinition) -> dict[str, bool]:
    """Which other surfaces there are for the entity."""
    return kept(
        ("links", definition.key),
        lambda: {
            "export": has_page(f"/export/{definition.key}"),
            "import": has_page(f"/import/{definition.key}"),
            "trash": has_page(f"/{definition.key}/trash"),
            "bulk": has_page(f"/{definition.key}/bulk", "POST"),
            "views": has_page(f"/{definition.key}/views"),
            "tree": definition.options.tree is not None and has_page(f"/{definition.key}/tree"),
        },
    )


def _read(
    definition: EntityDefinition, address: ListAddress, shown: Sequence[Column]
) -> tuple[Page, int, bool]:
    """The page and how many there are; counted only when the page does not tell."""
    fields = needed(definition, [column.field for column in shown])
    if definition.review:
        fields += [definition.fields[name] for name in WITH_REVIEW]
    if definition.options.archivable:
        fields.append(definition.fields[ARCHIVED])
    if not any(column.main for column in shown):
        fields = [field for field in fields if field is not definition.title_field]
    number = 0 if address.after else max(0, address.page - 1)
    records = address.records(definition)
    page = records.page(address.size, fields, address.after, number)
    only_page = not address.after and number == 0 and page.next is None
    if only_page:
        return page, len(page.rows), True
    total, exact = records.count()
    return page, total, exact


def _heads(
    definition: EntityDefinition, shown: Sequence[Column], address: ListAddress, base: str
) -> list[Head]:
    heads = [_head(column, address, base, definition) for column in shown]
    if not any(column.main for column in shown):  # the title's field is hidden: the number stands
        heads.insert(0, Head(str(definition.label), None, None, False))
    return heads


def _head(column: Column, address: ListAddress, base: str, definition: EntityDefinition) -> Head:
    """A click sorts, a second one turns the order round, a third goes back to the usual order."""
    numeric = column.kind == "number"
    if not column.sortable:
        return Head(column.label, None, None, numeric)
    present = address.order or Sort.parse(definition.options.order)
    place, key = next(
        ((at, key) for at, key in enumerate(present.keys) if key.field == column.name), (0, None)
    )
    direction = None if key is None else "desc" if key.descending else "asc"
    following: Sort | None = Sort(column.name, column.downward)
    if key is not None and not present.then:
        turned = Sort(column.name, not key.descending)
        following = turned if key.descending == column.downward else None
        if following is None and address.order is None:
            following = turned
    return Head(
        label=column.label,
        href=address.first_page(order=following).href(base),
        direction=direction,
        numeric=numeric,
        add_href=address.first_page(order=_with_key(present, column)).href(base),
        place=place + 1 if key is not None and present.then else 0,
    )


def _with_key(present: Sort, column: Column) -> Sort | None:
    """The order with the column sorted by as well; turned round the next time, then left out."""
    keys = [] if present.field == "id" else list(present.keys)
    names = [key.field for key in keys]
    if column.name not in names:
        return Sort.of([*keys[: MOST_KEYS - 1], Sort(column.name, column.downward)])
    at = names.index(column.name)
    if keys[at].descending == column.downward:
        keys[at] = Sort(column.name, not column.downward)
    else:
        del keys[at]
    return Sort.of(keys)


def _lines(definition: EntityDefinition, shown: Sequence[Column], page: Page) -> list[Line]:
    draw = line_maker(definition, shown)
    return [
        Line(row["id"], record_address(definition, row["id"]), title_of(definition, row), draw(row))
        for row in page.rows
    ]


def _paging(address: ListAddress, base: str, page: Page, total: int, exact: bool) -> dict[str, Any]:
    """Where the neighbouring pages are. By cursor; the number goes along where it is known."""
    number = address.page or (0 if address.after else 1)
    first = (number - 1) * address.size + 1 if number and page.rows else None
    moved = address.first_page()
    return {
        "total": total,
        "exact": exact,
        "page_number": number or None,
        "first": first,
        "last": first + len(page.rows) - 1 if first else None,
        "previous_href": _beside(moved, base, page.previous, number - 1),
        "next_href": _beside(moved, base, page.next, number + 1 if number else 0),
        "sizes": PAGE_SIZES,
        "lost": bool(not page.rows and (address.after or number > 1)),
        "first_href": moved.href(base),
        "summary": summary(total, exact),
    }


def _beside(moved: ListAddress, base: str, cursor: str | None, number: int) -> str | None:
    if cursor is None:
        return None
    if number == 1:
        return moved.href(base)
    pairs = [*moved.pairs(), ("after", cursor)]
    if number > 1:
        pairs.append(("page", str(number)))
    return with_query(base, pairs)


def summary(total: int, exact: bool) -> str:
    """How many records there are, in words."""
    shown = format_decimal(total)
    if not exact:
        return str(gettext("%(count)s+ records", count=shown))
    return str(ngettext("%(count)s record", "%(count)s records", total, count=shown))
