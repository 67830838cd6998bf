"""Cells of CSV files as expressions that PostgreSQL reckons: the same texts as `Cells.texts`, without Python.

Only for what it writes exactly so: a field that it cannot gives None, and the export is made the other way.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import (
    ColumnElement,
    String,
    and_,
    case,
    cast,
    func,
    literal,
    select,
    true,
    type_coerce,
)
from sqlalchemy import Text as TextColumn
from sqlalchemy.dialects.postgresql import JSONB, aggregate_order_by
from sqlalchemy.types import JSON

from app.engine import people, policy
from app.engine.adapters import vault
from app.engine.adapters.database import ExactDecimal, UtcDateTime
from app.engine.query import Records
from app.engine.surfaces.exports.cells import Cells
from app.engine.tables.marks import HARMLESS, MARKED, RISKY, mark

Text = ColumnElement[Any]

_FIRST = sorted(map(ord, MARKED))

MOST_PEOPLE = 5_000
"""With more users than that their names are looked up as they are needed."""


def written_cells(records: Records, cells: Sequence[Cells]) -> list[Text] | None:
    """An expression for each column; None where one can't be had."""
    if len(cells) < 2:  # an empty cell alone would be quoted otherwise
        return None
    found = [_expression(cell, records) for cell in cells]
    made = [expression for expression in found if expression is not None]
    return made if len(made) == len(cells) else None


def _expression(cell: Cells, records: Records) -> Text | None:
    field = cell.field
    if cell.masked or field.custom or (field.sensitive and vault.is_on()):
        return None
    raw = field.expression(records.model)
    if field.sensitive:
        raw = _plain(raw)
    if field.target:
        return _person(cell, raw) if field.target == policy.USERS else None
    match field.type_name:
        case "choice" | "boolean":
            return _word(cell, raw)
        case "integer" | "date":
            return cast(raw, TextColumn)
        case "decimal" | "money" if isinstance(cell.column_type, ExactDecimal):
            return cast(raw, TextColumn)
        case "datetime" if isinstance(cell.column_type, UtcDateTime):
            return _moment(cell, raw)
        case "tags" if isinstance(cell.column_type, JSON):
            return _joined(raw)
    if cell.as_it_is and (field.sensitive or isinstance(cell.column_type, String)):
        return _marked(raw)
    return None


def _plain(raw: Text) -> Text:
    """A sensitive value that is not encrypted, without what distinguishes it from one that is."""
    stored: Text = type_coerce(raw, TextColumn)
    marked = func.starts_with(stored, vault.PLAIN)
    return case((marked, func.substr(stored, len(vault.PLAIN) + 1)), else_=stored)


def _marked(raw: Text) -> Text:
    """As `marks.mark`; nothing for the empty text, which would be quoted. The costly look is for few."""
    risky = and_(
        raw.regexp_match(f"^(?:{RISKY})"),
        func.ltrim(raw, "'").regexp_match(f"^(?:{HARMLESS})$").is_not(true()),
    )
    return case(
        (func.ascii(raw).in_(_FIRST), case((risky, "'" + raw), else_=raw)),
        else_=func.nullif(raw, ""),
    )


def _looked_up(words: Mapping[str, str], key: Text) -> Text:
    return literal(dict(words), JSONB).op("->>", return_type=TextColumn())(key)


def _word(cell: Cells, raw: Text) -> Text:
    if cell.field.type_name == "boolean":
        yes, no = (mark(str(cell.word(value) or "")) for value in (True, False))
        return case((raw.is_(true()), yes), (raw.is_(None), None), else_=no)
    options: Any = cell.field
    words = {value: mark(str(cell.word(value) or "")) for value in options.options.values()}
    return func.nullif(func.coalesce(_looked_up(words, raw), _marked(raw)), "")


def _person(cell: Cells, raw: Text) -> Text | None:
    names = people.all_names(MOST_PEOPLE, cell.snapshot.session)
    if names is None:
        return None
    words = {str(user_id): mark(name) for user_id, name in names.items()}
    number = cast(raw, TextColumn)
    return func.nullif(func.coalesce(_looked_up(words, number), "#" + number), "")


def _moment(cell: Cells, raw: Text) -> Text | None:
    """On the reader's clock; with a fraction of the second only where there is one."""
    if not isinstance(cell.zone, ZoneInfo):
        return None
    local = func.timezone(cell.zone.key, raw)
    return case(
        (func.date_trunc("second", raw) == raw, cast(local, TextColumn)),
        else_=func.to_char(local, "YYYY-MM-DD HH24:MI:SS.US"),
    )


def _joined(raw: Text) -> Text:
    """A list of words, with commas: out of its JSON, taken apart only where a sign in it is escaped."""
    words: Text = type_coerce(raw, JSONB)
    written = cast(words, TextColumn)
    plain = func.left(func.right(func.replace(written, '", "', ", "), -2), -2)
    listed = func.jsonb_array_elements_text(words).table_valued("word", with_ordinality="place")
    named = listed.render_derived()
    together = func.string_agg(named.c.word, aggregate_order_by(literal(", "), named.c.place))
    joined: Text = select(together).select_from(named).scalar_subquery()
    first = func.jsonb_array_element_text(words, 0)
    return case(
        (func.jsonb_typeof(words) != "array", None),
        (func.ascii(first).in_(_FIRST), _marked(joined)),
        (func.strpos(written, "\\") > 0, joined),
        else_=func.nullif(plain, ""),
    )
