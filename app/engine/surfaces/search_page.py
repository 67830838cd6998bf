"""Search everything: the first hits in each entity that the viewer may read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from flask import Flask, render_template, request
from markupsafe import Markup

from app.engine import policy, registry
from app.engine.adapters.appbuilder.views import Pages, expose, page
from app.engine.addresses import ListAddress, list_address, record_address
from app.engine.contents.passages import Found as FoundPassage
from app.engine.contents.passages import passages
from app.engine.fields import Field
from app.engine.presentation import draft_mark, is_draft, needed, title_of
from app.engine.query import Records
from app.engine.registry import EntityDefinition

HITS = 5
MOST_DETAILS = 3
"""Fields shown beside a hit's name."""


@dataclass(frozen=True)
class Hit:
    """A record found."""

    title: str
    href: str
    mark: Markup | str
    details: tuple[str, ...]
    passage: FoundPassage | None = None
    """Where in the record's file the words stand."""
    part: str = ""
    part_href: str = ""
    """Of a hit in a file: what the file is called; title and address are those of what it belongs to."""


@dataclass(frozen=True)
class Found:
    """The hits in one entity; `more` when the list has further ones."""

    definition: EntityDefinition
    hits: tuple[Hit, ...]
    href: str
    more: bool


class SearchPages(Pages):
    """/search"""

    @expose("/search")
    @page()
    def search(self) -> str:
        """The page; only its results when htmx asks for them."""
        words = request.args.get("q", "").strip()[:200]
        partial = request.headers.get("HX-Target") == "search-results"
        return render_template(
            "search/_results.html" if partial else "search/search.html",
            words=words,
            found=everywhere(words) if words else [],
            entities=[definition.plural for definition in searchable()],
        )


def searchable() -> list[EntityDefinition]:
    """The entities that the viewer may read and search."""
    viewer = policy.current_viewer()
    return [
        definition
        for definition in registry.current().entities.values()
        if definition.search_index is not None and viewer.can(definition.name, "read")
    ]


def everywhere(words: str) -> list[Found]:
    """What is found, in the order of declaration; entities without a hit are left out."""
    found = (hits_in(definition, words) for definition in searchable())
    return [item for item in found if item is not None and item.hits]


def hits_in(definition: EntityDefinition, words: str) -> Found | None:
    """The first hits in an entity; None when the words hold nothing to search for."""
    index = definition.search_index
    assert index is not None
    plain = [field.name for field in policy.plain(definition) if field.search]
    if index.search(words, plain) is None:
        return None
    title, details = shown_fields(definition)
    files = [
        field for field in policy.plain(definition) if field.search and field.type_name == "file"
    ]
    whole = whole_of(definition) if files else None
    above = [whole] if whole is not None else []
    fields = needed(definition, [*title, *details, *files, *above])
    if definition.review:
        fields.append(definition.fields["review_state"])
    rows = Records(definition).search(words).page(HITS, fields)
    mark = draft_mark()
    found = passages(definition, words, rows.rows, files)
    hits = tuple(
        Hit(
            title_of(definition, row),
            record_address(definition, row["id"]),
            mark if is_draft(definition, row) else "",
            tuple(text for field in details if (text := field.text(row[field.name], row))),
            found.get(row["id"]),
        )
        for row in rows.rows
    )
    if whole is not None:
        hits = _leading_to(whole, rows.rows, hits)
    href = ListAddress(text=words).href(list_address(definition))
    return Found(definition, hits, href, rows.next is not None)


def whole_of(definition: EntityDefinition) -> Field | None:
    """The reference to what a part, such as a document's file, belongs to; None where none is seen."""
    options = definition.options
    name = (options.scope_through or options.parent) if options.parent else None
    field = next((one for one in policy.plain(definition) if one.name == name), None)
    target = None if field is None else str(field.target)
    return field if target in registry.current().entities and _readable(target) else None


def _readable(entity: str | None) -> bool:
    return entity is not None and policy.current_viewer().can(entity, "read")


def _leading_to(
    reference: Field, rows: Sequence[Mapping[str, Any]], hits: Sequence[Hit]
) -> tuple[Hit, ...]:
    """The hits, each leading to what its record belongs to, as far as the viewer may see that."""
    target = registry.current().entity(str(reference.target))
    ids = sorted({row[reference.name] for row in rows if row[reference.name] is not None})
    title, _details = shown_fields(target)
    seen = Records(target).with_ids(ids).page(HITS, needed(target, title)).rows if ids else []
    titles = {row["id"]: title_of(target, row) for row in seen}
    return tuple(
        hit
        if (owner := row[reference.name]) not in titles
        else replace(
            hit,
            title=titles[owner],
            href=record_address(target, owner),
            part=hit.title,
            part_href=hit.href if hit.passage is None else hit.passage.href,
        )
        for row, hit in zip(rows, hits, strict=True)
    )


def shown_fields(definition: EntityDefinition) -> tuple[list[Field], list[Field]]:
    """The field that names a record, and some that tell records of one name apart."""
    known = policy.known(definition)
    title = [field for field in known if field.name == definition.options.title]
    details = [
        field
        for field in known
        if field.in_list
        and not field.system
        and field not in title
        and field.type_name not in ("boolean", "long_text", "file")
    ]
    return title, details[:MOST_DETAILS]


def register(_app: Flask, appbuilder: Any) -> None:
    """Add the page."""
    appbuilder.add_view_no_menu(SearchPages)
