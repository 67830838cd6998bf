"""Working time against an oracle that looks at each minute by itself."""

from __future__ import annotations

import datetime
import os
import random
from collections.abc import Iterator
from zoneinfo import ZoneInfo

import chinese_calendar
import pytest

from app.engine.working_time import MINUTE, NOTHING, WorkingTime, deadline, elapsed

FULL = os.environ.get("STEWARD_PROOF") == "full"
OFFICE = ((540, 720), (780, 1080))
WEEK = dict.fromkeys(range(5), OFFICE)
CHINA = ZoneInfo("Asia/Shanghai")


def utc(text: str, zone: str = "Asia/Shanghai") -> datetime.datetime:
    """A local moment in UTC."""
    local = datetime.datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone))
    return local.astimezone(datetime.UTC)


class Oracle:
    """Whether each minute is worked, looked at one by one; it shares nothing with the engine."""

    def __init__(self, zone: str, hours: dict[int, tuple[tuple[int, int], ...]]) -> None:
        self.zone, self.hours = ZoneInfo(zone), hours
        self.days: dict[datetime.date, bytes] = {}

    def minute(self, moment: datetime.datetime) -> bool:
        local = moment.astimezone(self.zone)
        off, holiday = chinese_calendar.get_holiday_detail(local.date())
        hours = self.hours.get(local.weekday(), ())
        if off and holiday:
            return False
        if not off and local.weekday() >= 5 and not hours:
            hours = OFFICE
        return any(low <= local.hour * 60 + local.minute < high for low, high in hours)

    def day(self, day: datetime.date) -> bytes:
        if day not in self.days:
            first = datetime.datetime.combine(day, datetime.time(), datetime.UTC)
            self.days[day] = bytes(self.minute(first + n * MINUTE) for n in range(1440))
        return self.days[day]

    def minutes(self, start: datetime.datetime, days: int) -> bytearray:
        """Of the days from the one of `start` on, from `start` on."""
        there = b"".join(self.day(start.date() + datetime.timedelta(n)) for n in range(days))
        return bytearray(there[start.hour * 60 + start.minute :])


def nth(minutes: bytearray, count: int) -> int | None:
    """After how many minutes so many worked ones are over; found by halves."""
    if minutes.count(1) < count:
        return None
    low, high = 0, len(minutes)
    while low < high:
        middle = (low + high) // 2
        low, high = (middle + 1, high) if minutes.count(1, 0, middle) < count else (low, middle)
    return low


ZONES = ("Asia/Shanghai", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe")
AROUND_THE_CLOCK = dict.fromkeys(range(7), ((0, 1440),))
NIGHTS = dict.fromkeys(range(7), ((0, 150), (1320, 1440)))
WAYS = [("Asia/Shanghai", WEEK), *((zone, NIGHTS) for zone in ZONES[1:]), (ZONES[1], WEEK),
        (ZONES[2], AROUND_THE_CLOCK)]  # fmt: skip
BEGINNINGS = (
    ("2020-01-20", "2026-09-27"),
    ("2023-03-24", "2023-10-27"),
    ("2023-03-10", "2023-11-03"),
    ("2023-03-31", "2023-09-30"),
    ("2025-10-24", "2026-02-13"),
    ("2024-03-08", "2024-11-01"),
)
"""By way, for the short form: around holidays with worked weekends and nights when clocks change."""

WINDOW = 40 if FULL else 9
"""Days that the oracle looks at from the start of a case."""


def _reach(way: int) -> tuple[str, int]:
    """From when, and for how many days: seven years in China, two where clocks are changed."""
    return ("2023-01-01", 2 * 365) if way else ("2020-01-01", 7 * 365 - 60)


def cases(draw: random.Random) -> Iterator[tuple[int, datetime.datetime]]:
    """Which way of working, and from when: over seven years, or around what is remarkable."""
    for _number in range(100_000 if FULL else 500):
        way = draw.randrange(len(WAYS)) if not FULL or draw.random() < 0.3 else 0
        begin, days = _reach(way) if FULL else (draw.choice(BEGINNINGS[way]), 2)
        first = datetime.datetime.fromisoformat(begin).replace(tzinfo=datetime.UTC)
        yield way, first + draw.randrange(days * 1440) * MINUTE


@pytest.mark.proof
def test_deadlines_are_those_of_an_oracle_that_looks_at_each_minute() -> None:
    """Deadlines and elapsed times with pauses: 0 differences."""
    draw = random.Random(20260101)
    oracles = [Oracle(zone, hours) for zone, hours in WAYS]
    works = [WorkingTime(ZoneInfo(zone), hours) for zone, hours in WAYS]
    wrong = []
    for way, start in cases(draw):
        amount = draw.choice((10, 120, 1440, draw.randrange(1, 1500)))
        pauses = []
        for _pause in range(draw.choice((0, 0, 1, 2, 3))):
            begin = start + draw.randrange(-600, 3000) * MINUTE
            pauses.append((begin, begin + draw.randrange(0, 2000) * MINUTE))
        window = oracles[way].minutes(start, WINDOW)
        for low, high in pauses:
            a, b = (max(0, (moment - start) // MINUTE) for moment in (low, high))
            window[a:b] = bytes(len(window[a:b]))
        after = nth(window, amount)
        expected = None if after is None else start + after * MINUTE
        if (
            expected is not None
            and deadline(works[way], start, amount * MINUTE, pauses) != expected
        ):
            wrong.append((way, start, amount, pauses))
        length = draw.randrange(0, (WINDOW - 1) * 1440)
        counted = window.count(1, 0, length) * MINUTE
        if elapsed(works[way], start, start + length * MINUTE, pauses) != counted:
            wrong.append((way, start, length, pauses))
    assert not wrong


WORK = WorkingTime(CHINA, WEEK)
HOUR = 60 * MINUTE


def test_a_weekend_that_is_worked_counts_and_a_holiday_does_not() -> None:
    # 2026-10-01 to 07 is off; Saturday 10-10 is worked.
    assert deadline(WORK, utc("2026-09-30T17:00"), 2 * HOUR) == utc("2026-10-08T10:00")
    assert deadline(WORK, utc("2026-10-09T17:30"), HOUR) == utc("2026-10-10T09:30")


def test_it_ends_with_the_day_and_not_in_the_next_morning() -> None:
    assert deadline(WORK, utc("2026-03-03T16:00"), 2 * HOUR) == utc("2026-03-03T18:00")


def test_seconds_are_kept() -> None:
    assert deadline(WORK, utc("2026-03-03T11:55:30"), 10 * MINUTE) == utc("2026-03-03T13:05:30")


def test_a_pause_that_lasts_leaves_the_deadline_open_unless_it_was_over_before() -> None:
    start, pause = utc("2026-03-03T09:00"), utc("2026-03-03T10:00")
    assert deadline(WORK, start, 2 * HOUR, [(pause, None)]) is None
    assert deadline(WORK, start, HOUR, [(pause, None)]) == pause
    assert elapsed(WORK, start, utc("2026-03-05T09:00"), [(pause, None)]) == HOUR


def test_pauses_that_overlap_count_once() -> None:
    start = utc("2026-03-03T09:00")
    pauses = [
        (utc("2026-03-03T10:00"), utc("2026-03-03T11:00")),
        (utc("2026-03-03T09:30"), utc("2026-03-03T10:30")),
    ]
    assert deadline(WORK, start, HOUR, pauses) == utc("2026-03-03T11:30")


def test_days_that_were_set_go_before_the_order() -> None:
    days = {datetime.date(2026, 3, 4): False, datetime.date(2026, 3, 7): True}
    work = WorkingTime(CHINA, WEEK, days)
    assert deadline(work, utc("2026-03-03T17:00"), 2 * HOUR) == utc("2026-03-05T10:00")
    assert deadline(work, utc("2026-03-06T17:30"), HOUR) == utc("2026-03-07T09:30")


def test_a_year_without_data_has_the_holidays_by_law_and_is_said_to_have_none() -> None:
    assert deadline(WORK, utc("2031-04-30T17:00"), 2 * HOUR) == utc("2031-05-05T10:00")
    assert not WORK.published(2031)
    assert WORK.published(2026)
    assert WorkingTime(CHINA, WEEK, {datetime.date(2031, 1, 1): False}).published(2031)


def test_where_nobody_works_there_is_no_deadline() -> None:
    nobody = WorkingTime(CHINA, {})
    assert deadline(nobody, utc("2026-03-03T09:00"), MINUTE) is None
    assert deadline(nobody, utc("2026-03-03T09:00"), NOTHING) == utc("2026-03-03T09:00")
    assert elapsed(nobody, utc("2026-03-03T09:00"), utc("2026-03-09T09:00")) == NOTHING


def test_an_end_before_the_start_is_no_time() -> None:
    assert elapsed(WORK, utc("2026-03-03T10:00"), utc("2026-03-03T09:00")) == NOTHING
