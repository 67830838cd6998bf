"""The pages of a board: the whole, more of a column, and a card's way from one column to another."""

from __future__ import annotations

from typing import Any

from flask import jsonify, redirect, render_template, request
from flask_babel import gettext
from werkzeug.wrappers import Response

from app.engine import policy
from app.engine.adapters.appbuilder.views import Pages, entity_page, expose
from app.engine.adapters.web import toast, wants_json
from app.engine.addresses import list_address, undo_address, with_query
from app.engine.changes import change_set
from app.engine.errors import NotAllowed
from app.engine.narrowed import chips
from app.engine.presentation import remarks_of
from app.engine.query import COUNT_CAP, Records
from app.engine.registry import EntityDefinition
from app.engine.shown_as import BOARD, board_fields, ways
from app.engine.surfaces.boards.shape import NONE, Board, asked, sums_offered
from app.engine.surfaces.boards.shown import (
    MOST_COLUMNS,
    card_of,
    heads,
    of_column,
    shown,
    ways_from,
)


class BoardPages(Pages):
    """/<key>/board, more of a column, and the moves of cards."""

    @expose("/<key>/board")
    @entity_page("read")
    def board(self, definition: EntityDefinition) -> str:
        """The records that the address selects, in columns."""
        board = asked(definition, request.args)
        found = shown(board)
        return render_template(
            "boards/board.html",
            **_parts(board),
            shown=found,
            remarks=remarks_of(definition, "list"),
            ways=ways(definition, board.address, BOARD),
            chips=chips(definition, board.address, board.href),
            clear_href=with_query(board.base, board.own_pairs),
            state=[*board.address.pairs(), *board.own_pairs],
            selection=board.address.pairs(),
            filter_href=with_query(f"/{definition.key}/filter", board.address.pairs()),
            add_href=f"/{definition.key}/add" if _may_add(definition) else None,
            choices=[(one.name, str(one.label)) for one in board_fields(definition)],
            sums=[(one.name, str(one.label)) for one in sums_offered(definition)],
            searchable=definition.search_index is not None,
            most_columns=MOST_COLUMNS,
            most_summed=COUNT_CAP,
        )

    @expose("/<key>/board/more")
    @entity_page("read")
    def more(self, definition: EntityDefinition) -> str:
        """The cards of a column that follow."""
        board = asked(definition, request.args)
        value = request.args.get("column", NONE)
        column = of_column(board, value, request.args.get("after") or None)
        return render_template("boards/_cards.html", **_parts(board), column=column)

    @expose("/<key>/<int:record_id>/move", methods=["POST"])
    @entity_page("read")
    def move(self, definition: EntityDefinition, record_id: int) -> Any:
        """Send a card to another column, by the steps and under the rights of the record."""
        board = asked(definition, request.args)
        if not board.may_move:
            raise NotAllowed
        row = Records(definition).get(record_id, [board.by])
        before, target = row[board.by.name] or NONE, request.form.get("to", NONE)
        version = request.form.get("version", type=int)
        with change_set("form", _reason(board, before, target)) as changes:
            changes.update(definition, record_id, {board.by.name: target or None}, version)
        said = gettext("Moved to “%(column)s”.", column=_called(board, target))
        undo = undo_address(changes.id)
        if not wants_json():
            toast(said, "success", undo)
            return redirect(board.href(), 303)
        return _moved(board, record_id, (before, target), said, undo)


def _reason(board: Board, before: str, target: str) -> str | None:
    """The step that it is, for the history."""
    steps = (way.label for way in ways_from(board, before) if way.value == target)
    return next(steps, None) if board.by.moves else None


def _called(board: Board, value: str) -> str:
    return board.by.text(value) if value != NONE else str(gettext("(none)"))


def _moved(
    board: Board, record_id: int, values: tuple[str, str], said: str, undo: str | None
) -> Response:
    """The card as it is now, if the board still holds it, and the heads of both columns."""
    parts = _parts(board)
    card = card_of(board, record_id)
    return jsonify(
        message=said,
        undo=undo,
        card=render_template("boards/_card.html", **parts, card=card) if card else None,
        heads={
            column.value: render_template("boards/_head.html", **parts, column=column)
            for column in heads(board, values)
        },
    )


def _parts(board: Board) -> dict[str, Any]:
    return {
        "definition": board.definition,
        "board": board,
        "base": list_address(board.definition),
        "may_move": board.may_move,
    }


def _may_add(definition: EntityDefinition) -> bool:
    return policy.current_viewer().can(definition.name, "create")
