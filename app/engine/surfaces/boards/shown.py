"""What a board shows. The statements are as many as its columns ask for, however many the records."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from flask_babel import gettext
from markupsafe import Markup

from app.engine import policy
from app.engine.addresses import record_address, with_query
from app.engine.choices import Option
from app.engine.entity import ARCHIVED
from app.engine.fields import Field
from app.engine.presentation import Column as ListColumn
from app.engine.presentation import cell_maker, columns, is_draft, needed, title_of
from app.engine.query import COUNT_CAP, Condition, Records, grouped
from app.engine.surfaces.boards.shape import NONE, Board

CARDS = 20
"""Of a column at once."""

MOST_COLUMNS = 24
MOST_FACTS = 4


@dataclass(frozen=True)
class Way:
    """Where a card can go: a step, or another value. `ask`: the act that asks for more first."""

    label: str
    icon: str
    value: str
    ask: str = ""


@dataclass(frozen=True)
class Card:
    """A record on the board."""

    id: int
    href: str
    title: str
    draft: bool
    archived: bool
    version: int
    facts: Sequence[tuple[str, Markup]]


@dataclass
class Column:
    """The records of one value: the first of them, how many there are, what they add up to."""

    value: str
    label: str
    colour: str
    href: str
    ways: Sequence[Way]
    cards: Sequence[Card] = ()
    count: int = 0
    exact: bool = True
    more_href: str | None = None
    sum: str = ""


@dataclass
class Shown:
    """The columns, and whether choices were left out for want of room."""

    columns: list[Column] = field(default_factory=list)
    cut: bool = False
    unsummed: bool = False


def shown(board: Board) -> Shown:
    """The whole board."""
    wanted = _wanted(board)
    found = Shown(cut=len(wanted) > MOST_COLUMNS)
    for option in wanted[:MOST_COLUMNS]:
        column = _column(board, option.value if option else NONE)
        if (option is not None and option.active) or column.cards:
            found.columns.append(column)
    if board.summed is not None:
        found.unsummed = not _summable(board)
        sums = {} if found.unsummed else _sums(board)
        for column in found.columns:
            column.sum = sums.get(column.value, "")
    return found


def of_column(board: Board, value: str, cursor: str | None) -> Column:
    """A column from a place on. Raises ValueProblem for a cursor that is none."""
    return _column(board, value, cursor)


def heads(board: Board, values: Sequence[str]) -> list[Column]:
    """Of some columns how many records they hold, and what those add up to."""
    found = [_column(board, value) for value in dict.fromkeys(values)]
    if board.summed is not None and _summable(board):
        sums = _sums(board)
        for column in found:
            column.sum = sums.get(column.value, "")
    return found


def card_of(board: Board, record_id: int) -> Card | None:
    """One record's card, where the board's selection holds it."""
    records = board.address.records(board.definition).with_ids([record_id])
    return next(iter(_cards(board, records.page(1, _fields(board)).rows)), None)


# -- columns -------------------------------------------------------------------------------


def _wanted(board: Board) -> list[Option | None]:
    """The values to show, the lack of one first; only those that a filter on them lets through."""
    let = _let_through(board)
    options: list[Option | None] = [
        option for option in board.by.options if let is None or option.value in let
    ]
    return [None, *options] if let is None and not board.by.required else options


def _let_through(board: Board) -> set[str] | None:
    """The values that the selection can hold; None: any."""
    let: set[str] | None = None
    for condition in board.address.conditions:
        if condition.field == board.by.name and condition.operator in ("eq", "in"):
            values = {
                str(board.by.operand(text)) for text in str(condition.operand).split(",") if text
            }
            let = values if let is None else let & values
    return let


def _column(board: Board, value: str, cursor: str | None = None) -> Column:
    selection = board.selection(value)
    records = selection.records(board.definition)
    page = records.page(CARDS, _fields(board), cursor)
    whole = cursor is None and page.next is None
    count, exact = (len(page.rows), True) if whole else records.count()
    more = None
    if page.next:
        pairs = [*board.address.pairs(), *board.own_pairs, ("column", value), ("after", page.next)]
        more = with_query(f"{board.base}/more", pairs)
    return Column(
        value=value,
        label=board.by.text(value) if value != NONE else gettext("(none)"),
        colour=board.by.options.colour(value),
        href=board.list_href(value),
        ways=ways_from(board, value) if board.may_move else (),
        cards=_cards(board, page.rows),
        count=count,
        exact=exact,
        more_href=more,
    )


def ways_from(board: Board, value: str) -> list[Way]:
    """Where cards of a column can go; what hinders a single one is told when it is tried."""
    by, viewer = board.by, policy.current_viewer()
    if by.moves and value != NONE:
        return [
            Way(str(move.label), move.icon, move.target, move.name if move.asks else "")
            for move in by.moves
            if value in move.sources and viewer.can(board.definition.name, move.right)
        ]
    others = [option for option in by.options.active() if option.value != value]
    found = [Way(str(option.label), "arrow-right", option.value) for option in others]
    if not by.required and not by.moves and value != NONE:
        found.append(Way(gettext("(none)"), "x", NONE))
    return found[:MOST_COLUMNS]


# -- cards ---------------------------------------------------------------------------------


def _facts(board: Board) -> list[ListColumn]:
    """The list's first columns, without what stands above the card anyway; what is added up too."""
    listed = columns(board.definition, policy.current_viewer(), board.address.columns)
    others = [one for one in listed if not one.main and one.name != board.by.name]
    summed = [one for one in others if one.field is board.summed]
    return (summed + [one for one in others if one not in summed])[:MOST_FACTS]


def _fields(board: Board) -> list[Field]:
    definition = board.definition
    known = policy.known(definition)
    wanted = [one.field for one in _facts(board)]
    names = ["version", definition.title_field.name]
    names += ["review_state"] if definition.review else []
    names += [ARCHIVED] if definition.options.archivable else []
    wanted += [definition.fields[name] for name in names if definition.fields[name] in known]
    return needed(definition, wanted)


def _cards(board: Board, rows: Sequence[Mapping[str, Any]]) -> list[Card]:
    definition = board.definition
    makers = [(one.label, one.name, cell_maker(definition, one.field)) for one in _facts(board)]
    made = []
    for item in rows:
        row = dict(item)
        facts = [
            (label, make(row)) for label, name, make in makers if row[name] not in (None, "", [])
        ]
        made.append(
            Card(
                id=row["id"],
                href=record_address(definition, row["id"]),
                title=title_of(definition, row),
                draft=is_draft(definition, row),
                archived=row.get(ARCHIVED) is not None,
                version=row.get("version") or 0,
                facts=facts,
            )
        )
    return made


# -- sums ----------------------------------------------------------------------------------


def _counted(board: Board) -> tuple[Records, str]:
    """What a sum adds up, drafts left out, and its currency: amounts in others are left out too."""
    records = board.address.records(board.definition).approved_only()
    summed: Any = board.summed
    if not summed.needs:
        return records, getattr(summed, "currency", "")
    companion = summed.needs[0]
    for condition in board.address.conditions:
        if condition.field == companion and condition.operator == "eq":
            return records, str(condition.operand)
    return records.where(Condition(companion, "eq", summed.currency)), summed.currency


def _summable(board: Board) -> bool:
    """Adding up is bounded as counting is: of more records no sum is shown."""
    return board.address.records(board.definition).count()[1]


def _sums(board: Board) -> dict[str, str]:
    """What each column adds up to, in words."""
    assert board.summed is not None
    records, currency = _counted(board)
    most = len(board.by.options) + MOST_COLUMNS
    row = dict.fromkeys(board.summed.needs, currency)
    return {
        group.value if group.value is not None else NONE: board.summed.text(group.figure, row)
        for group in grouped(records, board.by.name, f"sum:{board.summed.name}", most)
        if group.filter and group.figure is not None
    }


__all__ = ["COUNT_CAP", "Card", "Column", "Shown", "Way", "card_of", "heads", "of_column", "shown"]
