"""A chart's figures: grouped by the database, in the order that a reader expects."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from flask_babel import gettext

from app.engine import policy
from app.engine.addresses import ListAddress, list_address
from app.engine.charts import Chart
from app.engine.entity import ReviewState
from app.engine.errors import ValueProblem
from app.engine.fields import Choice, Date, Field, Money
from app.engine.query import Condition, Group, Records, grouped
from app.engine.registry import EntityDefinition

COUNT = "count"
"""The measure that counts records; any other is the name of a field to sum."""

MOST_SLICES = 8
MOST_BARS = 15
"""More would leave no room for their names."""

MOST_MONTHS = 240


@dataclass(frozen=True)
class Plan:
    """A chart that can be drawn: what it counts, and what its figures are called."""

    field: Field
    records: Records
    counted: ListAddress
    measured: str
    unit: str


def plan(definition: EntityDefinition, chart: Chart, address: ListAddress) -> Plan:
    """Check a chart. Raises NotFound, NotAllowed, ValueProblem."""
    field = policy.plain_field(definition, chart.group_by)
    if not field.groupable:
        raise ValueProblem(gettext("%(field)s can't be grouped by.", field=field.label))
    conditions = [*address.conditions, *(only(*item) for item in chart.only)]
    measured, unit = gettext("Number"), ""
    if chart.measure != COUNT:
        summed = policy.plain_field(definition, chart.measure)
        if not summed.summable:
            raise ValueProblem(gettext("%(field)s can't be summed.", field=summed.label))
        measured, unit = str(summed.label), settle_currency(summed, conditions)
    records = address.records(definition).where(*conditions[len(address.conditions) :])
    if definition.review:
        conditions.append(Condition("review_state", "eq", ReviewState.APPROVED.value))
    counted = address.first_page(conditions=tuple(conditions))
    return Plan(field, records.approved_only(), counted, measured, unit)


def only(name: str, operator: str, operand: Any) -> Condition:
    """A condition that a chart always makes; one without an operand has an empty one."""
    return Condition(name, operator, "" if operand is None else operand)


def figures(definition: EntityDefinition, chart: Chart, address: ListAddress) -> dict[str, Any]:
    """A chart's figures, as charts.js takes them; each with the address of its records."""
    drawn = plan(definition, chart, address)
    groups = grouped(drawn.records, chart.group_by, chart.measure)
    groups = ordered(drawn.field, chart.kind, groups)
    series = {
        "name": drawn.measured,
        "data": [plain_number(group.figure) for group in groups],
        "links": [records_behind(definition, drawn.counted, group) for group in groups],
    }
    return {
        "kind": fitting_kind(chart.kind, groups),
        "labels": [group.label for group in groups],
        "series": [series],
        "unit": drawn.unit,
        "stacked": False,
    }


def records_behind(definition: EntityDefinition, counted: ListAddress, group: Group) -> str | None:
    """The list of just the records that a figure counts."""
    if not group.filter:
        return None
    conditions = (*counted.conditions, Condition.parse(group.filter))
    return counted.first_page(conditions=conditions).href(list_address(definition))


def settle_currency(summed: Field, conditions: list[Condition]) -> str:
    """The currency of a sum of money; amounts in other currencies are left out of it."""
    if not isinstance(summed, Money):
        return ""
    if not summed.needs:
        return summed.currency
    companion = summed.needs[0]
    for condition in conditions:
        if condition.field == companion and condition.operator == "eq":
            return str(condition.operand)
    conditions.append(Condition(companion, "eq", summed.currency))
    return summed.currency


def plain_number(figure: Any) -> int | float:
    """A figure for JSON; an empty sum is 0."""
    if figure is None:
        return 0
    return int(figure) if figure == int(figure) else float(figure)


def fitting_kind(kind: str, groups: Sequence[Group]) -> str:
    """A slice can't be less than nothing: such figures are drawn as bars."""
    if kind == "pie" and any(plain_number(group.figure) < 0 for group in groups):
        return "bar"
    return kind


def ordered(field: Field, kind: str, groups: list[Group]) -> list[Group]:
    """Months in their order without gaps, fixed choices in theirs, anything else largest first."""
    if isinstance(field, Date):
        return by_month(field, kind, groups)
    if isinstance(field, Choice) and not field.open and not field.custom:
        places = {value: place for place, value in enumerate(field.options.values())}
        groups = sorted(groups, key=lambda group: places.get(group.value, len(places)))
    return with_others(groups, MOST_SLICES if kind == "pie" else MOST_BARS)


def by_month(field: Field, kind: str, groups: list[Group]) -> list[Group]:
    """From the first month to the last; those without a date come last, and are in no line."""
    dated = {str(group.value): group for group in groups if group.value is not None}
    undated = [group for group in groups if group.value is None and kind != "line"]
    if not dated:
        return undated
    months = months_between(min(dated), max(dated))
    if len(months) > MOST_MONTHS:
        return [dated[month] for month in sorted(dated)] + undated
    return [
        dated.get(month) or Group(month, month, 0, f"{field.name}:month:{month}")
        for month in months
    ] + undated


def months_between(first: str, last: str) -> list[str]:
    """Every `YYYY-MM` from the first to the last."""
    start, end = (int(text[:4]) * 12 + int(text[5:7]) - 1 for text in (first, last))
    return [f"{month // 12:04}-{month % 12 + 1:02}" for month in range(start, end + 1)]


def with_others(groups: list[Group], most: int) -> list[Group]:
    """The largest groups, and the rest in one without a link, so that the whole stays whole."""
    if len(groups) <= most:
        return groups
    groups = sorted(groups, key=lambda group: plain_number(group.figure), reverse=True)
    rest = groups[most - 1 :]
    total = sum(group.figure or 0 for group in rest)
    label = gettext("Others (%(count)s)", count=len(rest))
    return [*groups[: most - 1], Group(None, label, total, "")]
