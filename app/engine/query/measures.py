"""What a chart measures, as an SQL value of each record: the values of a group are then counted,
added up, or put in their order.
"""

from __future__ import annotations

import decimal
from dataclasses import dataclass
from typing import Any

from flask_babel import gettext
from sqlalchemy import ColumnElement, and_, case, or_

from app.engine import policy
from app.engine.adapters.database import dialect_name
from app.engine.charts import COUNT, MINUTES, NET_PROMOTERS, SHARE, Conditions, Measure
from app.engine.errors import ValueProblem
from app.engine.fields import Field
from app.engine.fields.time import Date
from app.engine.query.records import Records

PROMOTERS, DETRACTORS = 9, 6
"""From the one score, and up to the other, as Reichheld's question has it."""

SCORES = 10


@dataclass(frozen=True)
class Measured:
    """The value of each record in units of `10 ** -scale`; None where records are only counted.

    `digits`: decimal places of the figure. `needed`: what a record lacks that is left out.
    """

    measure: Measure
    value: ColumnElement[Any] | None = None
    scale: int = 0
    digits: int = 0
    unit: str = ""
    needed: str = ""


def measured(records: Records, measure: Measure, of: Conditions = (), unit: str = "") -> Measured:
    """Raises NotFound, NotAllowed, ValueProblem for fields that this can't be measured of."""
    if measure.function == SHARE:
        return _share(records, measure, of)
    if measure.function == COUNT:
        return Measured(measure)
    field = policy.plain_field(records.definition, measure.field, records.viewer)
    if measure.until:
        return _between(records, measure, field)
    if not field.summable:
        raise ValueProblem(gettext("%(field)s can't be summed.", field=field.label))
    value = field.reckoned(field.expression(records.model), dialect_name())  # type: ignore[attr-defined]
    scale = int(field.scale)  # type: ignore[attr-defined]
    needed = str(field.label)
    if measure.function == NET_PROMOTERS:
        score = value / 10**scale if scale else value
        return Measured(measure, _promoters(score), digits=1, needed=needed)
    digits = scale if measure.function == "sum" else max(scale, 2)
    minutes = MINUTES if unit == MINUTES else ""
    return Measured(measure, value, scale, digits, minutes, needed)


def _promoters(score: ColumnElement[Any]) -> ColumnElement[Any]:
    """100 for who would recommend, -100 for who would not: their average is the figure."""
    return case(
        (score.is_(None), None), (or_(score < 0, score > SCORES), None),
        (score >= PROMOTERS, 100), (score <= DETRACTORS, -100), else_=0,
    )  # fmt: skip


def _share(records: Records, measure: Measure, of: Conditions) -> Measured:
    """The part that meets the conditions; without any, each group's part of the whole."""
    if not of:
        return Measured(measure, digits=1, unit="%")
    unknown, clauses, labels = [], [], []
    for name, operator, operand in of:
        field = policy.plain_field(records.definition, name, records.viewer)
        expression = field.expression(records.model)
        if operator not in ("empty", "nempty"):
            unknown.append(field.empty_clause(expression))
        clauses.append(field.clause(expression, operator, operand))
        labels.append(str(field.label))
    met = case((or_(*unknown), None), (and_(*clauses), 100), else_=0)
    if not unknown:
        met = case((and_(*clauses), 100), else_=0)
    return Measured(measure, met, digits=1, unit="%", needed=", ".join(dict.fromkeys(labels)))


def _between(records: Records, measure: Measure, start: Field) -> Measured:
    """The minutes from one time to another."""
    end = policy.plain_field(records.definition, measure.until, records.viewer)
    if not (isinstance(start, Date) and isinstance(end, Date) and start.moment == end.moment):
        raise ValueProblem(
            gettext("There is no time from %(start)s to %(end)s.", start=start.label, end=end.label)
        )
    if start.hidden_text or end.hidden_text:
        raise ValueProblem(gettext("%(field)s can't be grouped by.", field=start.label))
    value = start.minutes_until(
        start.expression(records.model), end.expression(records.model), dialect_name()
    )
    needed = gettext("%(start)s to %(end)s", start=start.label, end=end.label)
    return Measured(measure, value, digits=1, unit=MINUTES, needed=needed)


def figure_of(what: Measured, count: int, filled: int, total: Any, whole: int) -> Any:
    """A group's figure out of its counts and sum; None where no record has a value."""
    if what.value is None:
        if what.measure.function == SHARE:
            return rounded(decimal.Decimal(count * 100) / whole, what.digits) if whole else None
        return count
    if not filled:
        return None
    exact = decimal.Decimal(str(total)).scaleb(-what.scale)
    if what.measure.function != "sum":
        exact /= filled
    return rounded(exact, what.digits)


def rounded(figure: decimal.Decimal, digits: int) -> decimal.Decimal:
    """With so many decimal places."""
    return round(figure, digits)
