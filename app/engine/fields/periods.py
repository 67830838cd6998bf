"""Periods of the calendar: what times are grouped by, and what a filter such as `2026-Q1` means.

A period is known by its first day. Weeks begin on Monday and are numbered as ISO 8601 has it.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from flask_babel import lazy_gettext as _
from sqlalchemy import ColumnElement, Integer, String, cast, func, literal

from app.engine.errors import ValueProblem

ZONE = "Asia/Shanghai"
"""The zone of the installation. It has no summer time: UTC and eight hours."""

OFFSET = datetime.timezone(datetime.timedelta(hours=8))
_SQLITE_OFFSET = "+8 hours"

Day = datetime.date


@dataclass(frozen=True)
class Period:
    """A kind of period: how its name is written, read, and reached from the one before."""

    name: str
    label: Any
    example: str
    write: Callable[[Day], str]
    read: Callable[[str], Day]
    after: Callable[[Day], Day]

    def bounds(self, text: str) -> tuple[Day, Day]:
        """The first day of a period and the first one after it. Raises ValueProblem."""
        try:
            first = self.read(text)
            found = first, self.after(first)
        except (ValueError, OverflowError):
            raise self._unknown() from None
        if self.write(first) != text:
            raise self._unknown()
        return found

    def _unknown(self) -> ValueProblem:
        return ValueProblem(_("This must be a period such as %(example)s.", example=self.example))


def _months_on(day: Day, count: int) -> Day:
    months = day.year * 12 + day.month - 1 + count
    return Day(months // 12, months % 12 + 1, 1)


def _quarter(text: str) -> Day:
    year, _sign, number = text.partition("-Q")
    return Day(int(year), int(number) * 3 - 2, 1)


def _week(day: Day) -> str:
    year, number, _weekday = day.isocalendar()
    return f"{year:04}-W{number:02}"


PERIODS = {
    period.name: period
    for period in (
        Period(
            "year", _("year"), "2026",
            lambda day: f"{day.year:04}",
            lambda text: Day(int(text), 1, 1),
            lambda day: _months_on(day, 12),
        ),
        Period(
            "quarter", _("quarter"), "2026-Q1",
            lambda day: f"{day.year:04}-Q{(day.month + 2) // 3}",
            _quarter,
            lambda day: _months_on(day, 3),
        ),
        Period(
            "month", _("month"), "2026-03",
            lambda day: f"{day.year:04}-{day.month:02}",
            lambda text: Day.fromisoformat(f"{text}-01"),
            lambda day: _months_on(day, 1),
        ),
        Period(
            "week", _("week"), "2026-W10",
            _week,
            lambda text: Day.fromisocalendar(int(text[:4]), int(text[6:]), 1),
            lambda day: day + datetime.timedelta(days=7),
        ),
        Period(
            "day", _("day"), "2026-03-05",
            Day.isoformat,
            Day.fromisoformat,
            lambda day: day + datetime.timedelta(days=1),
        ),
    )
}  # fmt: skip
"""By their names, which are the operators of filters as well."""

USUAL = "month"
"""What a time is grouped by where nothing is said."""


def first_day(
    expression: ColumnElement[Any], period: str, dialect: str, moment: bool
) -> ColumnElement[Any]:
    """SQL for the first day of the period in which a day or a moment lies, as `YYYY-MM-DD`."""
    if dialect != "sqlite":
        local = func.timezone(ZONE, expression) if moment else expression
        return func.to_char(func.date_trunc(period, local), "YYYY-MM-DD")
    shift = (_SQLITE_OFFSET,) if moment else ()
    if period == "week":
        return func.date(expression, *shift, "weekday 0", "-6 days")
    if period == "quarter":
        beyond = (cast(func.strftime("%m", expression, *shift), Integer) - 1) % 3
        months = literal("-").concat(cast(beyond, String)).concat(" months")
        return func.date(expression, *shift, "start of month", months)
    pattern = {"year": "%Y-01-01", "month": "%Y-%m-01", "day": "%Y-%m-%d"}[period]
    return func.strftime(pattern, expression, *shift)
