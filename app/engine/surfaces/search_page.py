"""Search everything: the first hits in each entity that the viewer may read."""

from __future__ import annotations

from dataclasses import dataclass
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
    fields = needed(definition, [*title, *details, *files])
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
    href = ListAddress(text=words).href(list_address(definition))
    return Found(definition, hits, href, rows.next is not None)


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
