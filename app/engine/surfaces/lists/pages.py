"""The pages of a list: the table, the panel that adds a filter, and the one that chooses columns."""

from __future__ import annotations

from typing import Any

from flask import make_response, redirect, render_template, request
from werkzeug.wrappers import Response

from app.engine import views
from app.engine.adapters.appbuilder.views import Pages, entity_page, expose
from app.engine.addresses import ListAddress, has_page, list_address, with_query
from app.engine.query import Condition
from app.engine.registry import EntityDefinition
from app.engine.surfaces.lists import filters, table
from app.engine.surfaces.lists.choosing import arranged, panel

TABLE = "list-table"
"""The id of the part of the page that changes when the list is filtered, sorted or paged."""


class ListPages(Pages):
    """/<key>/, /<key>/columns, /<key>/filter"""

    @expose("/<key>/")
    @entity_page("read")
    def list(self, definition: EntityDefinition) -> Response:
        """A page of records; only its table when htmx asks for that."""
        if not request.args and (opening := _default(definition)):
            return redirect(opening)
        address = arranged(definition, request.args)
        chosen = "chosen" in request.args
        added = filters.from_panel(definition, request.args)
        if added is not None:
            address = address.first_page(conditions=_with(address.conditions, added))
            if elsewhere := _shown_elsewhere(definition, address):
                return elsewhere
        if request.headers.get("HX-Target") == TABLE:
            return _partial(definition, address, close_panel=chosen or added is not None)
        if chosen or added is not None:
            return redirect(address.href(list_address(definition)))
        context = table.context(definition, address) | table.page_context(definition, address)
        return _answer("lists/list.html", context)

    @expose("/<key>/columns")
    @entity_page("read")
    def columns(self, definition: EntityDefinition) -> Response:
        """The panel that chooses and orders columns; a page of its own without scripts."""
        if request.args.get("close"):
            return make_response("")
        context = panel(definition, arranged(definition, request.args).first_page())
        partial = bool(request.headers.get("HX-Request"))
        return _answer("lists/_columns.html" if partial else "lists/columns.html", context)

    @expose("/<key>/filter")
    @entity_page("read")
    def filter(self, definition: EntityDefinition) -> Response:
        """The panel that adds a filter: loaded when asked for, a page of its own without scripts."""
        if request.args.get("close"):
            return make_response("")
        address = ListAddress.parse(request.args).first_page()
        context = filters.panel(definition, address, request.args)
        partial = bool(request.headers.get("HX-Request"))
        return _answer("lists/_filter.html" if partial else "lists/filter.html", context)


def _default(definition: EntityDefinition) -> str | None:
    """Where the view is that the viewer's list opens with, if that is not all records."""
    if request.headers.get("HX-Request") or not has_page(f"/{definition.key}/views/1"):
        return None
    view_id = views.default_of(definition)
    return f"/{definition.key}/views/{view_id}" if view_id else None


def _shown_elsewhere(definition: EntityDefinition, address: ListAddress) -> Response | None:
    """Back to the board whose filters were added to."""
    board = f"/{definition.key}/board"
    if request.args.get("as") != "board" or not has_page(board):
        return None
    own = [(name, request.args[name]) for name in ("by", "sum") if request.args.get(name)]
    answer = make_response("")
    answer.headers["HX-Redirect"] = with_query(board, [*address.pairs(), *own])
    return answer


def _with(conditions: tuple[Condition, ...], added: Condition) -> tuple[Condition, ...]:
    return tuple(dict.fromkeys((*conditions, added)))


def _partial(definition: EntityDefinition, address: ListAddress, close_panel: bool) -> Response:
    """The table and what must follow it. So does the address bar; typing makes no history."""
    typed = request.headers.get("HX-Trigger") == "list-search"
    context = table.context(definition, address) | table.page_context(definition, address)
    answer = _answer("lists/_partial.html", {**context, "typed": typed, "close_panel": close_panel})
    here = address.href(list_address(definition))
    answer.headers["HX-Replace-Url" if typed else "HX-Push-Url"] = here
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _answer(template: str, context: dict[str, Any]) -> Response:
    answer = make_response(render_template(template, **context))
    answer.headers["Vary"] = "HX-Request, HX-Target"
    return answer
