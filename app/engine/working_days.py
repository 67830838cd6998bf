"""Working days in China: weekends that are worked and holidays that are not (调休), as the State Council orders them."""

from __future__ import annotations

import datetime
import functools

import chinese_calendar
from chinese_calendar.constants import holidays

_KEPT = 20_000
"""Days that are kept once worked out: some fifty years of them, less than 3 MB."""

FIRST_YEAR = min(day.year for day in holidays)
LAST_YEAR = max(day.year for day in holidays)
"""The order for a year comes out in the November before it, and into the calendar's next version."""

_SATURDAY = 5
_ALWAYS_OFF = {(1, 1), (5, 1), (5, 2), (10, 1), (10, 2), (10, 3)}
"""Holidays by law on fixed days of the year, whatever the order says of the days around them."""


def is_working_day(day: datetime.date) -> bool:
    """By the order for the day's year; where that is not known, Monday to Friday but for fixed holidays."""
    try:
        return bool(chinese_calendar.is_workday(day))
    except NotImplementedError:  # a year before the first or after the last one of the calendar
        return day.weekday() < _SATURDAY and (day.month, day.day) not in _ALWAYS_OFF


@functools.lru_cache(_KEPT)
def ordered(day: datetime.date) -> bool | None:
    """What the order says of the day: True: worked though at a weekend; False: a holiday; None: nothing.

    Of a year whose order is not known: the holidays by law on fixed days, and nothing else.
    """
    try:
        off, holiday = chinese_calendar.get_holiday_detail(day)
    except NotImplementedError:
        return False if (day.month, day.day) in _ALWAYS_OFF else None
    if off:
        return False if holiday is not None else None
    return True if day.weekday() >= _SATURDAY else None


def known_years() -> range:
    """The years whose orders the calendar holds."""
    return range(FIRST_YEAR, LAST_YEAR + 1)
