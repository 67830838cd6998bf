"""Grouping in the database: what charts ask for.

However many records and groups there are, a chart takes at most four statements, each of which
answers with a bounded number of rows: the largest groups, and what the rest come to.
"""

from __future__ import annotations

import decimal
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from flask_babel import gettext
from flask_babel import lazy_gettext as _
from sqlalchemy import Select, case, func, literal, literal_column, select

from app.engine import policy
from app.engine.adapters.database import db, dialect_name
from app.engine.charts import Measure
from app.engine.errors import ValueProblem
from app.engine.fields import Choice, Field
from app.engine.query.labels import titles
from app.engine.query.measures import Measured, figure_of, measured, rounded
from app.engine.query.records import Records

MOST_GROUPS = 200
"""Where nothing else is said."""

MOST_PERIODS = 240
"""A line of more periods is no line; the latest are shown."""

NONE, SHOWN, OTHERS = 0, 1, 2


@dataclass(frozen=True)
class By:
    """A field that is grouped by, with the period if it is a time."""

    field: Field
    period: str = ""

    @classmethod
    def parse(cls, records: Records, text: str) -> By:
        """`state`, `opened_at:week`. Raises NotFound, NotAllowed, ValueProblem."""
        name, _colon, period = text.partition(":")
        found = policy.plain_field(records.definition, name, records.viewer)
        if not found.groupable or (period and period not in found.periods):
            raise ValueProblem(_("%(field)s can't be grouped by.", field=found.label))
        return cls(found, period or ("month" if found.periods else ""))

    def key(self, records: Records) -> Any:
        """What SQL groups by."""
        expression = self.field.expression(records.model)
        return self.field.group(expression, dialect_name(), self.period)


@dataclass(frozen=True)
class Group:
    """One group: its value, its name, the figure, and the filter that opens its records."""

    value: Any
    label: str
    figure: Any
    filter: str
    parts: tuple[Any, ...] = ()
    """The figures of its parts, where the chart is split."""


@dataclass
class Axis:
    """The groups along a side, the whole's counts, and how many groups are not shown by name."""

    by: By
    groups: list[Group]
    count: int = 0
    filled: int = 0
    undated: int = 0
    beyond: int = 0
    others: bool = False


@dataclass
class Grouped:
    """A chart's groups; those of the split; how many records are left out of its figures."""

    groups: list[Group]
    parts: list[Group] = field(default_factory=list)
    without_value: int = 0
    without_time: int = 0
    earlier: int = 0
    """Periods before those that are shown."""


def single(records: Records, what: Measured) -> Grouped:
    """One figure for all the records."""
    tallied = _tally(records, [], what, [])
    row = tallied[0]
    found = figure_of(what, row.n, row.filled, row.total, row.n)
    if what.measure.percentile is not None:
        found = _percentiles(records, [], what).get((), None)
    return Grouped([Group(None, "", found, "")], without_value=row.n - row.filled)


def grouped(
    records: Records, group_by: str, measure: str = "count", most: int = MOST_GROUPS
) -> list[Group]:
    """Figures of records by the groups of a field, the largest first. Raises ValueProblem."""
    what = measured(records, Measure.parse(measure))
    groups = _axis(records, By.parse(records, group_by), what, most).groups
    return sorted(groups, key=lambda group: (group.figure is not None, group.figure), reverse=True)


def charted(
    records: Records, by: By, what: Measured, most: int, split: By | None = None, parts: int = 0
) -> Grouped:
    """The figures of the groups of a field, at most `most`; the rest in one, as far as that has one."""
    axis = _axis(records, by, what, most)
    earlier = axis.beyond if by.period else 0
    found = Grouped(axis.groups, [], axis.count - axis.filled, axis.undated, earlier)
    if split is None and what.measure.percentile is None:
        return found
    second = None if split is None else _axis(records, split, what, parts)
    if second is not None:
        found.parts = second.groups
    _cross(records, what, axis, second, found)
    return found


# -- one side ------------------------------------------------------------------------------


def _axis(records: Records, by: By, what: Measured, most: int) -> Axis:
    """The groups by one field, in the order that a reader expects, with their figures."""
    most = MOST_PERIODS if by.period else most
    rows = _tally(records, [by.key(records)], what, _order(by, what), most + 1)
    whole = rows[0] if rows else None
    axis = Axis(by, [])
    if whole is None:
        return axis
    axis.count, axis.filled = int(whole.whole_n), int(whole.whole_filled)
    axis.undated = sum(row.n for row in rows if row.key_0 is None)
    axis.others = whole.groups > most
    shown = rows[: most - 1] if axis.others else rows
    axis.beyond = whole.groups - len(shown)
    names = _names(by, [row.key_0 for row in shown])
    for row in shown:
        figure = figure_of(what, row.n, row.filled, row.total, axis.count)
        axis.groups.append(_group(by, row.key_0, names, figure))
    axis.groups = _ordered(by, axis.groups)
    if axis.others and not by.period:
        axis.groups.append(_rest(what, whole, shown, axis.beyond))
    return axis


def _order(by: By, what: Measured) -> list[Any]:
    """The latest periods; of anything else the largest groups."""
    if by.period:
        return [literal_column("key_0").desc().nulls_first()]
    largest = "total" if what.measure.function == "sum" else "n"
    return [literal_column(largest).desc().nulls_last(), literal_column("key_0")]


def _tally(
    records: Records, keys: Sequence[Any], what: Measured, order: Sequence[Any], most: int = 0
) -> Sequence[Any]:
    """Each group's count, how many have a value, and their sum; with each the same of the whole."""
    inner = _inner(records, keys, what).subquery()
    columns = [inner.c[f"key_{place}"] for place in range(len(keys))]
    n = func.count()
    filled = func.count(inner.c.value)
    total = func.sum(inner.c.value)
    statement = select(
        *columns,
        n.label("n"), filled.label("filled"), total.label("total"),
        func.count().over().label("groups"), func.sum(n).over().label("whole_n"),
        func.sum(filled).over().label("whole_filled"), func.sum(total).over().label("whole_total"),
    ).select_from(inner)  # fmt: skip
    if keys:
        statement = statement.group_by(*columns).order_by(*order)
    if most:
        statement = statement.limit(most)
    rows: Sequence[Any] = db.session.execute(records.optioned(statement)).all()
    return rows


def _inner(records: Records, keys: Sequence[Any], what: Measured) -> Select[Any]:
    value = literal(1) if what.value is None else what.value
    named = [key.label(f"key_{place}") for place, key in enumerate(keys)]
    return records.narrowed(select(*named, value.label("value")).select_from(records.model))


def _names(by: By, keys: Sequence[Any]) -> dict[Any, str]:
    ids = [key for key in keys if key is not None]
    return titles(str(by.field.target), ids) if by.field.target and ids else {}


def _group(by: By, key: Any, names: dict[Any, str], figure: Any) -> Group:
    operator, operand = by.field.group_filter(key, by.period)
    label = names.get(key) or by.field.group_label(key, by.period)
    return Group(key, label, figure, f"{by.field.name}:{operator}:{operand}")


def _ordered(by: By, groups: list[Group]) -> list[Group]:
    """Periods by the calendar, fixed choices in their order; whatever has none comes last."""
    if by.period:
        return sorted(groups, key=lambda group: (group.value is None, group.value or ""))
    if isinstance(by.field, Choice) and not by.field.open and not by.field.custom:
        places = {value: place for place, value in enumerate(by.field.options.values())}
        return sorted(groups, key=lambda group: places.get(group.value, len(places)))
    return groups


def _rest(what: Measured, whole: Any, shown: Sequence[Any], beyond: int) -> Group:
    """What is not shown by name, in one group that has no filter, so that the whole stays whole."""
    n, filled = (
        int(getattr(whole, f"whole_{name}")) - sum(getattr(row, name) for row in shown)
        for name in ("n", "filled")
    )
    total = (whole.whole_total or 0) - sum(row.total or 0 for row in shown)
    figure = figure_of(what, n, filled, total, int(whole.whole_n))
    return Group(None, gettext("Others (%(count)s)", count=beyond), figure, "")


# -- two sides, and percentiles ------------------------------------------------------------


def _cross(
    records: Records, what: Measured, axis: Axis, second: Axis | None, found: Grouped
) -> None:
    """The figures where two sides meet; those of percentiles, which no sum gives."""
    sides = [side for side in (axis, second) if side is not None]
    keys = [key for side in sides for key in _folded(records, side)]
    if what.measure.percentile is not None:
        figures = _percentiles(records, keys, what)
    else:
        rows = _tally(records, keys, what, [])
        figures = {tuple(row[: len(keys)]): row for row in rows}
    wholes: dict[Any, int] = {}
    if second is not None and what.value is None:
        for place, row in figures.items():
            wholes[place[:2]] = wholes.get(place[:2], 0) + row.n

    def figure(*places: tuple[int, Any]) -> Any:
        key = tuple(item for place in places for item in place)
        row = figures.get(key)
        if row is None or what.measure.percentile is not None:
            return row
        return figure_of(what, row.n, row.filled, row.total, wholes.get(key[:2], 0))

    made = []
    for group in axis.groups:
        here = _place(group)
        parts = () if second is None else tuple(figure(here, _place(p)) for p in second.groups)
        own = figure(here) if second is None else group.figure
        made.append(Group(group.value, group.label, own, group.filter, parts))
    found.groups = made


def _place(group: Group) -> tuple[int, Any]:
    if not group.filter:
        return OTHERS, None
    return (NONE, None) if group.value is None else (SHOWN, group.value)


def _folded(records: Records, side: Axis) -> tuple[Any, Any]:
    """Which kind of group a record is in, and its key where that group is shown by name."""
    key = side.by.key(records)
    shown = [g.value for g in side.groups if g.filter and g.value is not None]
    inside = key.in_(shown)
    kind = case((key.is_(None), NONE), (inside, SHOWN), else_=OTHERS)
    return kind, case((inside, key), else_=None)


def _percentiles(records: Records, keys: Sequence[Any], what: Measured) -> dict[Any, Any]:
    """Between the two values nearest to the rank, as PostgreSQL's percentile_cont; SQLite has none."""
    inner = _inner(records, keys, what).subquery()
    columns = [inner.c[f"key_{place}"] for place in range(len(keys))]
    value = inner.c.value
    rank = func.row_number().over(partition_by=columns or None, order_by=value) - 1
    last = func.count().over(partition_by=columns or None) - 1
    ranked = (
        select(*columns, value, rank.label("rank"), (last * what.measure.percentile).label("at"))
        .where(value.is_not(None))
        .subquery()
    )
    below, part = ranked.c.at // 100, ranked.c.at % 100
    weight = case((ranked.c.rank == below, 100 - part), (ranked.c.rank == below + 1, part), else_=0)
    named = [ranked.c[column.name] for column in columns]
    statement = select(*named, func.sum(ranked.c.value * weight).label("figure"))
    statement = statement.group_by(*named).where(ranked.c.rank >= below, ranked.c.rank <= below + 1)
    return {
        tuple(row[:-1]): None if row.figure is None else _of_hundred(what, row.figure)
        for row in db.session.execute(records.optioned(statement))
    }


def _of_hundred(what: Measured, figure: Any) -> Any:
    return rounded(decimal.Decimal(str(figure)).scaleb(-what.scale - 2), what.digits)
