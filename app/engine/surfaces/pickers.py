"""Pickers: what a search box for references offers. Never the whole table."""

from __future__ import annotations

from typing import Any

from flask import Flask, jsonify, request
from werkzeug.wrappers import Response

from app.engine import people, policy
from app.engine.adapters.appbuilder.views import Pages, entity_page, expose, page
from app.engine.fields import Field
from app.engine.presentation import companions, needed, title_of
from app.engine.query import Condition, Records
from app.engine.registry import EntityDefinition

MOST = 20
"""So many are offered; whoever looks for another types more."""


class PickerPages(Pages):
    """/<key>/pick?q= and /users/pick?q="""

    @expose("/users/pick")
    @page()
    def users(self) -> Response:
        """Active people by name or user name."""
        found = people.find(_query(), MOST)
        return _results([{"value": f["id"], "text": f["label"], "hint": f["note"]} for f in found])

    @expose("/<key>/pick")
    @entity_page("read")
    def records(self, definition: EntityDefinition) -> Response:
        """Records that the viewer may see, found by the search index."""
        viewer = policy.current_viewer()
        hint = _hint_field(definition, viewer)
        shown = [definition.title_field, *([hint] if hint else [])]
        known = policy.known(definition, viewer)
        fields = needed(definition, [field for field in shown if field in known])
        rows = _found(definition, _query()).page(MOST, fields).rows
        return _results([_choice(definition, row, hint) for row in rows])


def register(_app: Flask, appbuilder: Any) -> None:
    """Add the addresses."""
    appbuilder.add_view_no_menu(PickerPages)


def _query() -> str:
    return request.args.get("q", "").strip()[:200]


def _found(definition: EntityDefinition, query: str) -> Records:
    records = Records(definition)
    if not query:
        return records.without_archived()
    if definition.search_index is not None:
        return records.search(query)
    return records.where(Condition(definition.title_field.name, "ct", query))


def _hint_field(definition: EntityDefinition, viewer: policy.Viewer) -> Field | None:
    """What tells apart records of one name: their code, else what they belong to."""
    plain = policy.plain(definition, viewer)
    wanted = [definition.key_field, *(definition.fields.get(n) for n in _telling(definition))]
    skipped = companions(definition)
    for field in wanted:
        if field is not None and field in plain and field.name not in skipped:
            return field
    return None


def _telling(definition: EntityDefinition) -> list[str]:
    unique = [f.name for f in definition.fields.values() if f.unique]
    options = definition.options
    return [*unique, *([options.parent] if options.parent else []), *options.duplicates[1:2]]


def _choice(
    definition: EntityDefinition, row: dict[str, Any], hint: Field | None
) -> dict[str, Any]:
    choice: dict[str, Any] = {"value": row["id"], "text": title_of(definition, row)}
    if hint is not None and (note := hint.text(row[hint.name], row)):
        choice["hint"] = note
    return choice


def _results(results: list[dict[str, Any]]) -> Response:
    answer = jsonify(results=results)
    answer.headers["Cache-Control"] = "private, no-store"
    return answer
