"""The pool's pages: what is in it, taking from it, giving back to it."""

from __future__ import annotations

from typing import Any

from flask import Flask, make_response, redirect, render_template, request
from flask_babel import gettext
from werkzeug.wrappers import Response

from app.engine import policy, pooling
from app.engine.adapters.appbuilder.views import Pages, entity_page, expose
from app.engine.adapters.database import db
from app.engine.adapters.web import safe_next, toast
from app.engine.addresses import list_address, undo_address, with_query
from app.engine.errors import InvalidInput
from app.engine.presentation import Column, columns, line_maker, needed, title_of
from app.engine.query import MAX_PAGE_SIZE, Records
from app.engine.registry import EntityDefinition

PAGE = 50


class PoolPages(Pages):
    """/<key>/pool"""

    @expose("/<key>/pool")
    @entity_page(pooling.TAKE)
    def pool(self, definition: EntityDefinition) -> str:
        """Records without an owner, with personal data masked."""
        viewer = policy.current_viewer()
        text = request.args.get("q", "").strip()[:200]
        with policy.acting_as(pooling.pool_viewer(definition, viewer)) as looking:
            records = (
                pooling.pooled(definition).search(text) if text else pooling.pooled(definition)
            )
            owner = pooling.owner_of(definition).name
            shown = [one for one in columns(definition, looking) if one.name != owner]
            shown[1:1] = _personal(definition, {one.name for one in shown})
            fields = needed(definition, [column.field for column in shown])
            page = records.page(PAGE, fields, cursor=request.args.get("after"))
            count, exact = records.count()
            draw = line_maker(definition, [one for one in shown if not one.main])
            rows = [
                {"id": row["id"], "title": title_of(definition, row), "cells": _cells(draw(row))}
                for row in page.rows
            ]
        here = f"/{definition.key}/pool"
        pairs = [("q", text)] if text else []
        return render_template(
            "pool/pool.html",
            definition=definition,
            rows=rows,
            heads=[column.label for column in shown if not column.main],
            count=count,
            exact=exact,
            text=text,
            here=here,
            base=list_address(definition),
            readable=viewer.scope(definition.name, "read") == "all",
            standing=pooling.standing(definition, viewer.user_id or 0),
            previous=page.previous and with_query(here, [*pairs, ("after", page.previous)]),
            next=page.next and with_query(here, [*pairs, ("after", page.next)]),
        )

    @expose("/<key>/pool/take", methods=["POST"])
    @entity_page(pooling.TAKE)
    def take(self, definition: EntityDefinition) -> Response:
        """Make the ticked ones one's own."""
        moved = pooling.take(definition, _ids(request.form.getlist("ids")))
        _tell(moved, taken=True)
        return redirect(safe_next(f"/{definition.key}/pool"), 303)

    @expose("/<key>/pool/return", methods=["GET", "POST"])
    @entity_page("update")
    def give_back(self, definition: EntityDefinition) -> Response:
        """Ask for the reason; then put them into the pool."""
        pooling.owner_of(definition)
        ids = _ids(request.values.getlist("ids"))
        problem = ""
        if request.method == "POST":
            try:
                moved = pooling.give_back(definition, ids, request.form.get("reason", ""))
            except InvalidInput as error:
                problem = str(error)
            else:
                _tell(moved, taken=False)
                return redirect(list_address(definition), 303)
        fields = [f for f in policy.known(definition) if f is definition.title_field]
        with_ids = Records(definition).with_ids(ids)
        names = [title_of(definition, row) for row in with_ids.page(PAGE, fields).rows]
        page = render_template(
            "pool/return.html",
            definition=definition,
            ids=",".join(map(str, ids)),
            names=names,
            base=list_address(definition),
            here=f"/{definition.key}/pool/return",
            reason=request.form.get("reason", ""),
            problem=problem,
        )
        return make_response(page, 422 if problem else 200)


def _personal(definition: EntityDefinition, shown: set[str]) -> list[Column]:
    """Ways to reach them that the list does not show: masked, so that one sees what there is."""
    return [
        Column(item, item.name, str(item.label), "", False, False, False)
        for item in policy.known(definition)
        if item.personal and item.name not in shown
    ]


def _cells(cells: Any) -> Any:
    """The cells behind the title's, which stands in the row with a box before it."""
    _title, _td, rest = cells.partition("</td>")
    return rest


def _ids(given: list[str]) -> list[int]:
    """Raises InvalidInput for none or too many."""
    texts = [text for part in given for text in part.split(",")]
    ids = dict.fromkeys(int(text) for text in texts if text.isascii() and text.isdecimal())
    found = [one for one in ids if 0 < one < 2**63]
    if not found:
        raise InvalidInput.of(None, gettext("Tick the rows first."))
    if len(found) > MAX_PAGE_SIZE:
        raise InvalidInput.of(
            None, gettext("At most %(most)s records at once.", most=MAX_PAGE_SIZE)
        )
    return found


def _tell(moved: pooling.Moved, taken: bool) -> None:
    db.session.rollback()
    kind = "success" if moved.ids and not moved.refused else "warning"
    undo = undo_address(moved.change_set) if moved.ids else None
    toast(pooling.said(moved, taken), kind, undo)


def register(_app: Flask, appbuilder: Any) -> None:
    """Add the pages."""
    appbuilder.add_view_no_menu(PoolPages)
