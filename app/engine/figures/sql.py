"""Expressions that mean the same on both databases, exact to the last place."""

from __future__ import annotations

import calendar
import datetime
from typing import Any

from sqlalchemy import (
    CTE,
    BigInteger,
    ColumnElement,
    Integer,
    Numeric,
    Select,
    case,
    cast,
    func,
    type_coerce,
)

from app.engine.adapters.database import ExactDecimal, dialect_name

_MONTHS = 12


def months_before(day: datetime.date, months: int) -> datetime.date:
    """The same day so many months earlier; a day that the month does not have is its last one."""
    index = day.year * _MONTHS + day.month - 1 - months
    year, month = divmod(index, _MONTHS)
    last = calendar.monthrange(year, month + 1)[1]
    return datetime.date(year, month + 1, min(day.day, last))


def days_between(earlier: Any, later: Any) -> ColumnElement[int]:
    """Whole days from one day to another."""
    if dialect_name() == "sqlite":
        return cast(func.julianday(later) - func.julianday(earlier), Integer)
    return type_coerce(later - earlier, Integer)


def divided(whole: Any, by: Any) -> ColumnElement[int]:
    """One whole number by another, the rest thrown away."""
    return type_coerce(whole.op("/", precedence=15)(by), BigInteger)


def ratio(numerator: ColumnElement[Any], count: ColumnElement[Any], scale: int) -> Any:
    """One number by a positive whole one, to `scale` places, halves away from zero.

    `numerator`: a whole number, or an amount kept with `scale` places. Empty where the count is 0.
    """
    count = func.nullif(count, 0)
    if dialect_name() != "sqlite":
        exact = cast(numerator, Numeric) / cast(count, Numeric)
        return type_coerce(func.round(exact, scale), ExactDecimal(scale=scale))
    # SQLite keeps decimals as whole numbers of their last place, and divides those without floats.
    kept = isinstance(numerator.type, ExactDecimal)
    whole = type_coerce(numerator, BigInteger)
    whole = whole if kept else whole * 10**scale
    half_up = divided(2 * whole + count, 2 * count)
    half_down = -divided(-2 * whole + count, 2 * count)
    return type_coerce(case((whole >= 0, half_up), else_=half_down), ExactDecimal(scale=scale))


def lower(value: ColumnElement[Any], among: ColumnElement[Any]) -> ColumnElement[int]:
    """How many rows have a lower value, of those that are alike in `among`."""
    return type_coerce(func.rank().over(partition_by=among, order_by=value) - 1, BigInteger)


def fifth(below: ColumnElement[Any], rows: Any) -> ColumnElement[int]:
    """1 for the lowest fifth to 5 for the highest: 1 + ⌊5 · (rows with a lower value) / rows⌋.

    Rows with the same value are in the same fifth, which NTILE(5) would not promise: it cuts where the
    count says, so that two equal rows may differ.
    """
    return type_coerce(1 + divided(5 * below, rows), Integer)


def whole(statement: Select[Any], name: str) -> CTE:
    """A statement to join with, worked out once and as a whole, whatever the planner would guess."""
    return statement.cte(name).prefix_with("MATERIALIZED")
