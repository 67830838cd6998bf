"""Reading `q`: Flask-AppBuilder's query in Rison or JSON, with `search` and `after` added to it.

Such as /api/v1/customer/?q=(filters:!((col:status,opr:in,value:!(new,active))),order_column:name)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
import prison
from flask import current_app, request
from flask_babel import lazy_gettext as _
from prison.decoder import ParserException

from app.engine import policy
from app.engine.errors import InvalidInput, NotFound, ValueProblem
from app.engine.fields import Field
from app.engine.query import Condition, Records, Sort
from app.engine.registry import EntityDefinition

PAGE_SIZE = 20
"""Rows of a page when the query does not say; Flask-AppBuilder's own number."""

LAST_PAGE = 10_000_000
"""A page of a higher number is a mistake, and an offset that no database can count to."""

LIST_KEYS = (
    "list_columns", "label_columns", "description_columns", "order_columns", "list_title",
)  # fmt: skip
SHOW_KEYS = ("show_columns", "label_columns", "description_columns", "show_title")
INFO_KEYS = (
    "permissions", "add_columns", "edit_columns", "filters", "add_title", "edit_title",
)  # fmt: skip

OPERATORS: Mapping[str, str] = {"rel_o_m": "eq", "nrel_o_m": "neq"}
"""Operators that Flask-AppBuilder calls otherwise than we do."""

_LISTS = ("in", "nin")
_WITHOUT_VALUE = ("empty", "nempty")
_UNREADABLE = (ParserException, ValueError, TypeError, IndexError, RecursionError)


class BadQuery(InvalidInput):
    """A query that can't be understood; each problem names the part of it."""

    status = 400


@dataclass(frozen=True)
class Query:
    """A query as asked: what to select, in what order, which page of it, what to say of it."""

    columns: tuple[str, ...]
    keys: tuple[str, ...]
    conditions: tuple[Condition, ...] = ()
    sort: Sort | None = None
    page: int = 0
    size: int = PAGE_SIZE
    search: str = ""
    after: str | None = None


def list_query() -> Query:
    """This request's query of a list. Raises BadQuery."""
    given = arguments(
        "filters", "order_column", "order_direction", "page", "page_size", "columns",
        "select_columns", "keys", "search", "after",
    )  # fmt: skip
    return Query(
        columns=_columns(given),
        keys=keys(given, LIST_KEYS),
        conditions=_conditions(given.get("filters")),
        sort=_sort(given),
        page=_page(given),
        size=_size(given),
        search=_text(given, "search") or "",
        after=_text(given, "after"),
    )


def item_query() -> Query:
    """This request's query of a single record. Raises BadQuery."""
    given = arguments("columns", "select_columns", "keys")
    return Query(columns=_columns(given), keys=keys(given, SHOW_KEYS))


def arguments(*allowed: str) -> Mapping[str, Any]:
    """What `q` holds, as written in Rison or JSON. Raises BadQuery."""
    text = request.args.get("q", "")
    if not text.strip():
        return {}
    given = _decoded(text)
    if not isinstance(given, dict):
        raise BadQuery.of("q", _("The query must be an object such as (page:0)."))
    for name in given:
        if name not in allowed:
            raise BadQuery.of(
                str(name)[:80], _("A query has no part “%(name)s”.", name=str(name)[:80])
            )
    return given


def _decoded(text: str) -> Any:
    try:
        return prison.loads(text)
    except _UNREADABLE:
        try:
            return orjson.loads(text)
        except orjson.JSONDecodeError:
            raise BadQuery.of("q", _("The query is neither Rison nor JSON.")) from None


def keys(given: Mapping[str, Any], known: Sequence[str]) -> tuple[str, ...]:
    """Which descriptions the answer carries; all unless `keys` names some. Raises BadQuery."""
    wanted = _texts(given, "keys")
    for name in wanted:
        if name not in known and name != "none":
            raise BadQuery.of(
                "keys",
                _(
                    "“%(name)s” is none of: %(known)s.",
                    name=name[:80],
                    known=", ".join((*known, "none")),
                ),
            )
    return tuple(name for name in known if not wanted or name in wanted)


def _columns(given: Mapping[str, Any]) -> tuple[str, ...]:
    if given.get("columns") and given.get("select_columns"):
        raise BadQuery.of("columns", _("Give either columns or select_columns, not both."))
    return _texts(given, "columns") or _texts(given, "select_columns")


def _texts(given: Mapping[str, Any], name: str) -> tuple[str, ...]:
    found = given.get(name)
    if found is None:
        return ()
    if not isinstance(found, list) or not all(isinstance(item, str) for item in found):
        raise BadQuery.of(name, _("This must be a list of names."))
    return tuple(dict.fromkeys(found))


def _text(given: Mapping[str, Any], name: str) -> str | None:
    found = given.get(name)
    if isinstance(found, (bool, dict, list)):
        raise BadQuery.of(name, _("This must be text."))
    return None if found is None else str(found)


def _number(given: Mapping[str, Any], name: str, default: int) -> int:
    found = given.get(name)
    if found is None:
        return default
    if isinstance(found, bool) or not isinstance(found, int):
        raise BadQuery.of(name, _("This must be a whole number."))
    return found


def _page(given: Mapping[str, Any]) -> int:
    page = _number(given, "page", 0)
    if not 0 <= page <= LAST_PAGE:
        raise BadQuery.of("page", _("There is no page of this number."))
    return page


def _size(given: Mapping[str, Any]) -> int:
    """As Flask-AppBuilder takes it: nothing is the usual size, too much or -1 the largest."""
    largest = int(current_app.config["FAB_API_MAX_PAGE_SIZE"])
    size = _number(given, "page_size", PAGE_SIZE) or PAGE_SIZE
    return size if 1 <= size <= largest else largest


def _sort(given: Mapping[str, Any]) -> Sort | None:
    column = _text(given, "order_column")
    direction = _text(given, "order_direction") or "asc"
    if direction not in ("asc", "desc"):
        raise BadQuery.of("order_direction", _("This must be asc or desc."))
    return Sort(column, direction == "desc") if column else None


def _conditions(filters: Any) -> tuple[Condition, ...]:
    if filters is None:
        return ()
    if not isinstance(filters, list):
        raise BadQuery.of("filters", _("This must be a list of filters."))
    return tuple(_condition(item) for item in filters)


def _condition(item: Any) -> Condition:
    name, operator = (item.get("col"), item.get("opr")) if isinstance(item, dict) else (None, None)
    if not isinstance(name, str) or not isinstance(operator, str):
        raise BadQuery.of("filters", _("A filter looks like (col:name,opr:ct,value:text)."))
    operator = OPERATORS.get(operator, operator)
    value = item.get("value")
    if operator in _WITHOUT_VALUE:
        return Condition(name, operator)
    if operator in _LISTS:
        if not isinstance(value, list) or any(isinstance(v, (dict, list)) for v in value):
            raise BadQuery.of(name, _("A list of values is needed here."))
    elif value is None or isinstance(value, (dict, list)):
        raise BadQuery.of(name, _("A single value is needed here."))
    return Condition(name, operator, value)


def selected(definition: EntityDefinition, query: Query, trash: bool = False) -> Records:
    """The records that the query asks for. Raises BadQuery, NotAllowed."""
    records = Records(definition)
    if trash:
        records.in_trash()
    for condition in query.conditions:
        with_problem(condition.field, lambda c=condition: records.where(c))
    if query.sort is not None:
        sort = query.sort
        with_problem("order_column", lambda: records.sort(sort))
    if query.search:
        with_problem("search", lambda: records.search(query.search))
    return records


def with_problem(part: str, read: Any) -> Any:
    """What `read()` gives; what it can't take becomes a problem of this part of the query."""
    try:
        return read()
    except (ValueProblem, NotFound) as error:
        raise BadQuery.of(part, error.message) from None


def fields_of(definition: EntityDefinition, query: Query) -> list[Field]:
    """The fields to answer with: those asked for, else all that the viewer may know of."""
    if not query.columns:
        return policy.known(definition)
    return [
        with_problem("columns", lambda n=name: policy.known_field(definition, n))
        for name in query.columns
    ]
