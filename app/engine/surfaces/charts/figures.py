"""A chart's figures as the page takes them: grouped by the database, each with its records' address."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from typing import Any

from flask_babel import gettext, ngettext
from flask_babel import lazy_gettext as _

from app.engine import policy
from app.engine.addresses import ListAddress, has_page, list_address
from app.engine.charts import COUNT, MINUTES, SHARE, Chart, Measure
from app.engine.entity import ReviewState
from app.engine.errors import ValueProblem
from app.engine.fields import PERIODS, Field, Money
from app.engine.query import (
    By,
    Condition,
    Group,
    Grouped,
    Measured,
    Records,
    charted,
    measured,
    single,
)
from app.engine.registry import EntityDefinition

MOST_SLICES = 8
MOST_BARS = 15
MOST_PARTS = 6
"""More would leave no room for their names."""

MOST_GAPS = 400
"""Periods between the first and the last that are drawn as well where nothing lies in them."""

HOURS, DAYS = 60, 24 * 60
"""In minutes."""


@dataclass(frozen=True)
class Plan:
    """A chart that can be drawn: what it counts, and what its figures are called."""

    records: Records
    counted: ListAddress
    by: By | None
    split: By | None
    what: Measured
    measured: str
    unit: str


def plan(definition: EntityDefinition, chart: Chart, address: ListAddress) -> Plan:
    """Check a chart. Raises NotFound, NotAllowed, ValueProblem."""
    measure = Measure.parse(chart.measure)
    conditions = [*address.conditions, *(only(*item) for item in chart.only)]
    currency = ""
    if measure.field:
        currency = settle_currency(policy.plain_field(definition, measure.field), conditions)
    records = address.records(definition).where(*conditions[len(address.conditions) :])
    what = measured(records, measure, chart.of, chart.unit)
    if chart.split and not chart.group_by:
        raise ValueProblem(gettext("What is divided has to be grouped first."))
    by, split = (
        By.parse(records, text) if text else None for text in (chart.group_by, chart.split)
    )
    if definition.review:
        conditions.append(Condition("review_state", "eq", ReviewState.APPROVED.value))
    return Plan(
        records=records.approved_only(),
        counted=address.first_page(conditions=tuple(conditions)),
        by=by,
        split=split,
        what=what,
        measured=measure_name(definition, measure),
        unit=currency or what.unit,
    )


def only(name: str, operator: str, operand: Any) -> Condition:
    """A condition that a chart always makes; one without an operand has an empty one."""
    return Condition(name, operator, "" if operand is None else operand)


def measure_name(definition: EntityDefinition, measure: Measure) -> str:
    """What a figure is called: “Average of amount”."""
    if measure.function in NAMES:
        return str(NAMES[measure.function])
    labels = [str(policy.plain_field(definition, name).label) for name in measure.fields]
    subject = labels[0]
    if measure.until:
        subject = gettext("%(start)s to %(end)s", start=labels[0], end=labels[1])
    if measure.function in NAMES_OF:
        return str(NAMES_OF[measure.function]) % {"field": subject}
    said = gettext("Percentile %(rank)s of %(field)s", rank=measure.percentile, field=subject)
    return str(said)


NAMES = {COUNT: _("Number"), SHARE: _("Share of the whole")}
NAMES_OF = {
    "sum": _("Sum of %(field)s"),
    "average": _("Average of %(field)s"),
    "median": _("Median of %(field)s"),
    "nps": _("Net promoter score of %(field)s"),
}


def figures(definition: EntityDefinition, chart: Chart, address: ListAddress) -> dict[str, Any]:
    """A chart's figures, as charts.js takes them; each with the address of its records."""
    drawn = plan(definition, chart, address)
    most = MOST_SLICES if chart.kind == "pie" else MOST_BARS
    if drawn.by is None:
        found = single(drawn.records, drawn.what)
    else:
        found = charted(drawn.records, drawn.by, drawn.what, most, drawn.split, MOST_PARTS)
    kind = fitting_kind(chart.kind, drawn, found)
    groups = found.groups
    if drawn.by is not None and drawn.by.period:
        groups = without_gaps(drawn.by, groups, len(found.parts), kind)
    divisor, unit = in_round_units(drawn.unit, groups)
    return {
        "kind": kind,
        "labels": [group.label for group in groups],
        "series": series(definition, drawn, found.parts, groups, divisor),
        "unit": unit,
        "stacked": bool(found.parts) and stacks(drawn.what),
        "time": bool(drawn.by and drawn.by.period),
        "heading": str(drawn.by.field.label) if drawn.by else "",
        "notes": notes(definition, drawn, found, kind),
        "empty": nothing_there(definition, drawn) if not groups else None,
    }


def series(
    definition: EntityDefinition, drawn: Plan, parts: list[Group], groups: list[Group], divisor: int
) -> list[dict[str, Any]]:
    """The figures, in one row or in one for each part."""
    if not parts:
        return [
            {
                "name": drawn.measured,
                "data": [plain_number(group.figure, drawn.what, divisor) for group in groups],
                "links": [records_behind(definition, drawn, group) for group in groups],
            }
        ]
    return [
        {
            "name": part.label,
            "data": [plain_number(g.parts[place], drawn.what, divisor) for g in groups],
            "links": [records_behind(definition, drawn, g, part) for g in groups],
        }
        for place, part in enumerate(parts)
    ]


def records_behind(definition: EntityDefinition, drawn: Plan, *groups: Group) -> str | None:
    """The list of just the records that a figure counts."""
    if drawn.by is not None and not all(group.filter for group in groups):
        return None
    added = tuple(Condition.parse(group.filter) for group in groups if group.filter)
    conditions = (*drawn.counted.conditions, *added)
    return drawn.counted.first_page(conditions=conditions).href(list_address(definition))


def settle_currency(summed: Field, conditions: list[Condition]) -> str:
    """The currency of a figure of money; amounts in other currencies are left out of it."""
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


def stacks(what: Measured) -> bool:
    """Whether parts add up to their group: averages and the like don't, and stand side by side."""
    return what.measure.function in (COUNT, "sum") or (
        what.measure.function == SHARE and what.value is None
    )


def plain_number(figure: Any, what: Measured, divisor: int = 1) -> int | float | None:
    """A figure for JSON. An empty sum is 0; an average of nothing is unknown."""
    if figure is None:
        return 0 if stacks(what) else None
    if divisor != 1:
        figure = round(figure / divisor, 1)
    return int(figure) if figure == int(figure) else float(figure)


def in_round_units(unit: str, groups: list[Group]) -> tuple[int, str]:
    """Durations in minutes, hours or days, whichever the longest reads best in."""
    if unit != MINUTES:
        return 1, unit
    known = [figure for group in groups for figure in (group.figure, *group.parts) if figure]
    longest = max(known, default=0)
    if longest >= 2 * DAYS:
        return DAYS, gettext("days")
    if longest >= 2 * HOURS:
        return HOURS, gettext("hours")
    return 1, gettext("minutes")


def fitting_kind(kind: str, drawn: Plan, found: Grouped) -> str:
    """A slice can't be less than nothing, nor divided, nor an average: those are drawn as bars."""
    if drawn.by is None:
        return "number"
    negative = any(group.figure is not None and group.figure < 0 for group in found.groups)
    if kind == "pie" and (negative or found.parts or not stacks(drawn.what)):
        return "bar"
    return kind


def without_gaps(by: By, groups: list[Group], parts: int, kind: str) -> list[Group]:
    """From the first period to the last; those without a time come last, and are in no line."""
    dated = {str(group.value): group for group in groups if group.value is not None}
    undated = [group for group in groups if group.value is None and kind != "line"]
    if not dated:
        return undated
    period = PERIODS[by.period]
    day, last = (datetime.date.fromisoformat(pick(dated)) for pick in (min, max))
    whole: list[Group] = []
    while day <= last and len(whole) <= MOST_GAPS:
        key = day.isoformat()
        name = period.write(day)
        empty = Group(key, name, None, f"{by.field.name}:{by.period}:{name}", (None,) * parts)
        whole.append(dated.get(key, empty))
        day = period.after(day)
    if len(whole) > MOST_GAPS:
        whole = [dated[key] for key in sorted(dated)]
    return whole + undated


def notes(
    definition: EntityDefinition, drawn: Plan, found: Grouped, kind: str
) -> list[dict[str, Any]]:
    """What the figures leave out, in words: unknown stays unknown, and is not counted as nothing."""
    told = []
    if found.without_value:
        text = ngettext(
            "Left out: %(num)s record without a value (%(field)s)",
            "Left out: %(num)s records without a value (%(field)s)",
            found.without_value,
            field=drawn.what.needed,
        )
        told.append({"text": text, "href": left_out_address(definition, drawn)})
    if found.without_time and kind == "line" and drawn.by is not None:
        text = ngettext(
            "Left out: %(num)s record without a time (%(field)s)",
            "Left out: %(num)s records without a time (%(field)s)",
            found.without_time,
            field=drawn.by.field.label,
        )
        undated = Group(None, "", None, f"{drawn.by.field.name}:empty:")
        told.append({"text": text, "href": records_behind(definition, drawn, undated)})
    if found.earlier:
        text = gettext("Only the latest are shown; earlier ones: %(count)s", count=found.earlier)
        told.append({"text": text, "href": None})
    return told


def left_out_address(definition: EntityDefinition, drawn: Plan) -> str | None:
    """The list of what has no value, where one filter says that."""
    measure = drawn.what.measure
    if not measure.field or measure.until or measure.function == "nps":
        return None
    conditions = (*drawn.counted.conditions, Condition(measure.field, "empty"))
    if Condition(measure.field, "nempty") in conditions:
        return None
    return drawn.counted.first_page(conditions=conditions).href(list_address(definition))


def nothing_there(definition: EntityDefinition, drawn: Plan) -> dict[str, Any]:
    """What to do about a chart without figures."""
    viewer = drawn.records.viewer
    if drawn.counted.text or drawn.counted.conditions:
        text = gettext("No records to draw here yet. See all of them, or take filters away.")
        href, label = list_address(definition), str(definition.plural)
        return {"text": text, "href": href, "label": label}
    add = f"/{definition.key}/add"
    if viewer.can(definition.name, "create") and has_page(add):
        text = gettext("No records yet. The first one makes the chart begin.")
        return {"text": text, "href": add, "label": gettext("Add")}
    return {"text": gettext("No records yet."), "href": None, "label": ""}
