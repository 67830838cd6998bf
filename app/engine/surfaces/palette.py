"""What the search box offers while one types: records, pages and actions, found by one route.

Text that is written so comes before text that only sounds so; with nothing typed, the records
that one has worked on lately come first.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from flask import Flask, render_template, request, url_for
from flask_babel import gettext
from werkzeug.wrappers import Response

from app.engine import policy, registry
from app.engine.adapters.appbuilder.views import Pages, expose, page
from app.engine.adapters.i18n import LANGUAGES
from app.engine.addresses import record_address
from app.engine.fields import Field
from app.engine.labels import language
from app.engine.navigation import additions, areas
from app.engine.presentation import companions, kept, needed, title_of
from app.engine.query import Records
from app.engine.recent import recent_records
from app.engine.registry import EntityDefinition
from app.engine.search import Labels

HITS = 5
"""Offered of each entity,"""

MOST = 20
"""and of all together; the page of the search shows the others."""

NAMED, WRITTEN, SOUNDING = range(3)
"""How well a record fits: called so, holding the text, holding what sounds so."""


@dataclass(frozen=True)
class Option:
    """A line that can be chosen: an address to go to, or a theme."""

    label: str
    icon: str
    href: str = ""
    theme: str = ""
    note: str = ""


@dataclass(frozen=True)
class Group:
    """Options under a title."""

    label: str
    options: tuple[Option, ...]


class PalettePages(Pages):
    """/search/palette?q="""

    @expose("/search/palette")
    @page()
    def palette(self) -> Response:
        """The list under the search box."""
        words = request.args.get("q", "").strip()[:200]
        here = request.args.get("here", "/")
        viewer = policy.current_viewer()
        found = searched(words, viewer) if words else suggested(viewer)
        answer = Response(
            render_template("search/_palette.html", groups=found, words=words, here=here),
            mimetype="text/html",
        )
        answer.headers["Cache-Control"] = "private, no-store"
        return answer


def suggested(viewer: policy.Viewer) -> list[Group]:
    """With nothing typed: what one worked on lately, then everything that one may do."""
    recent = [
        Option(item.title, item.icon, item.href, note=str(item.entity))
        for item in recent_records(viewer)
    ]
    return _groups((gettext("Worked on lately"), recent), *_commands(viewer))


def searched(words: str, viewer: policy.Viewer) -> list[Group]:
    """Records, pages and actions: of each kind those that fit best first."""
    commands = _matching(words, viewer)
    found = [(definition, _hits(definition, words, viewer)) for definition in _searched(viewer)]
    found = sorted((one for one in found if one[1]), key=lambda one: min(one[1])[0])
    records, room = [], MOST
    for definition, hits in found:
        options = [option for _fit, _number, option in hits][:room]
        records.append((str(definition.plural), options))
        room -= len(options)
    more = Option(
        gettext("All hits of “%(words)s”", words=words),
        "search",
        url_for("SearchPages.search", q=words),
    )
    rest = [(gettext("Search"), [more])] if records else []
    return _groups(*commands[:1], *records, *commands[1:], *rest)


def _groups(*parts: tuple[str, list[Option]]) -> list[Group]:
    return [Group(label, tuple(options)) for label, options in parts if options]


# -- records -------------------------------------------------------------------------------


def _searched(viewer: policy.Viewer) -> Iterable[EntityDefinition]:
    for definition in registry.current().entities.values():
        if definition.search_index is not None and viewer.can(definition.name, "read"):
            yield definition


def _hits(
    definition: EntityDefinition, words: str, viewer: policy.Viewer
) -> list[tuple[int, int, Option]]:
    """The records that fit best, as (how well, place, option); at most three looks at the index."""
    fields = _shown(definition, viewer)
    title = definition.title_field.name
    looks = ((NAMED, title, False), (WRITTEN, None, False), (SOUNDING, None, True))
    found: dict[int, tuple[int, int, Option]] = {}
    tried: list[Any] = []
    for fit, within, sounds in looks:
        records = Records(definition, viewer).search(words, within, sounds)
        if records.searched is None:
            return []
        if records.searched.wanted in tried:
            continue
        tried.append(records.searched.wanted)
        for row in records.page(HITS, needed(definition, fields)).rows:
            option = _option(definition, row, fields)
            found.setdefault(row["id"], (fit, len(found), option))
        if len(found) >= HITS:
            break
    return list(found.values())[:HITS]


def _shown(definition: EntityDefinition, viewer: policy.Viewer) -> list[Field]:
    """The name, and what tells records of one name apart: a number, or whom they belong to."""
    plain = policy.plain(definition, viewer)
    options = definition.options
    unique = [field.name for field in definition.fields.values() if field.unique]
    names = [*unique, *([options.parent] if options.parent else []), *options.duplicates[1:2]]
    skipped = companions(definition) | {definition.title_field.name}
    telling = [f for f in (definition.key_field, *map(definition.fields.get, names)) if f in plain]
    title = [field for field in plain if field is definition.title_field]
    return [*title, *[field for field in telling if field and field.name not in skipped][:1]]


def _option(definition: EntityDefinition, row: dict[str, Any], fields: list[Field]) -> Option:
    notes = [f.text(row[f.name], row) for f in fields if f is not definition.title_field]
    return Option(
        title_of(definition, row),
        definition.icon,
        record_address(definition, row["id"]),
        note=" · ".join(filter(None, notes)),
    )


# -- pages and actions ---------------------------------------------------------------------


def _commands(viewer: policy.Viewer) -> list[tuple[str, list[Option]]]:
    """Everything that the viewer may open or do."""
    parts: list[tuple[str, list[Option]]] = kept("palette", lambda: _every(viewer), viewer)
    return parts


def _every(viewer: policy.Viewer) -> list[tuple[str, list[Option]]]:
    pages = [
        Option(item["label"], item["icon"], item["href"], note=area["label"])
        for area in areas(viewer)
        for item in area["items"]
    ]
    return [(gettext("Pages"), [*pages, *_own_pages()]), (gettext("Actions"), _actions(viewer))]


def _own_pages() -> list[Option]:
    return [
        Option(gettext("Profile"), "user", url_for("ProfileView.userinfo")),
        Option(gettext("Change password"), "key", url_for("MyPasswordView.form")),
        Option(gettext("Keyboard"), "list-details", url_for("HelpPages.keys")),
    ]


def _actions(viewer: policy.Viewer) -> list[Option]:
    new = [
        Option(gettext("New: %(entity)s", entity=item["label"]), "plus", item["href"])
        for item in additions(viewer)
    ]
    themes = [
        Option(gettext("Theme: %(name)s", name=name), icon, theme=value)
        for value, name, icon in (
            ("light", gettext("Light"), "sun"),
            ("dark", gettext("Dark"), "moon"),
            ("system", gettext("As the system"), "device-desktop"),
        )
    ]
    languages = [
        Option(f"{gettext('Language')}: {name}", "language", f"/lang/{code}?next=")
        for code, name in LANGUAGES.items()
        if code != language()
    ]
    return [*new, *themes, *languages]


def _matching(words: str, viewer: policy.Viewer) -> list[tuple[str, list[Option]]]:
    """The pages and actions whose labels fit, exact ones first; pages before records only then."""
    exact: list[Option] = []
    sounding: list[Option] = []
    options = [option for _label, part in _commands(viewer) for option in part]
    labels = kept("palette.labels", lambda: Labels([option.label for option in options]), viewer)
    for number, sounds in labels.find(words).items():
        (sounding if sounds else exact).append(options[number])
    title = gettext("Pages and actions")
    return [(title, exact[:HITS]), (title if not exact else "", sounding[:HITS])]


def register(_app: Flask, appbuilder: Any) -> None:
    """Add the route."""
    appbuilder.add_view_no_menu(PalettePages)
