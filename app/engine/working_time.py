"""Working time: hours that are worked, counted across days off, pauses and clocks put forward or back.

Pure functions over a `WorkingTime`, which says when work is done; `office` makes one out of what the
installation has set. Moments are in UTC with zone; amounts are timedeltas of working time.
"""

from __future__ import annotations

import datetime
import functools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

from app.engine.working_days import known_years, ordered

DAY = datetime.timedelta(days=1)
MINUTE = datetime.timedelta(minutes=1)
NOTHING = datetime.timedelta(0)
MINUTES_OF_DAY = 24 * 60

FURTHEST = 3660
"""Days that a deadline is looked for: where nobody ever works there is none."""

LAST_DAY = datetime.date.max - 3 * DAY
"""No work is done after it, since the clock of a later day can't be reckoned with."""

_SATURDAY = 5

Moment = datetime.datetime
Span = tuple[Moment, Moment]
Pause = tuple[Moment, Moment | None]
"""From when until when nothing counts; without an end it still lasts."""


@dataclass(frozen=True)
class WorkingTime:
    """When work is done.

    `hours`: by weekday (0 is Monday) the spans that are worked, in minutes of the local day. `days`:
    what is set for single days: True worked, False not; else the order of China's State Council is
    asked. A day that is worked though its weekday has no hours has those of the first weekday that
    has some.
    """

    zone: ZoneInfo
    hours: Mapping[int, Sequence[tuple[int, int]]]
    days: Mapping[datetime.date, bool] = field(default_factory=dict)
    _known: dict[datetime.date, tuple[Span, ...]] = field(
        default_factory=dict, repr=False, compare=False
    )

    def spans(self, day: datetime.date) -> tuple[Span, ...]:
        """The spans of the local day that are worked, in order, in UTC."""
        found = self._known.get(day)
        if found is None:
            found = self._known[day] = _placed(self.zone, day, tuple(self._minutes(day)))
        return found

    def published(self, year: int) -> bool:
        """Whether the days off of the year are known, by the order or by days set for it."""
        return year in known_years() or any(day.year == year for day in self.days)

    def _minutes(self, day: datetime.date) -> Sequence[tuple[int, int]]:
        worked = self.days[day] if day in self.days else ordered(day)
        if worked is False:
            return ()
        own = self.hours.get(day.weekday(), ())
        if own or worked is None:
            return own
        return next((self.hours[n] for n in range(7) if self.hours.get(n)), ())


@functools.lru_cache(20_000)
def _placed(
    zone: ZoneInfo, day: datetime.date, minutes: tuple[tuple[int, int], ...]
) -> tuple[Span, ...]:
    """Minutes of a local day as moments. Where the clock is put forward in them they are fewer, and
    where it is put back the hour that comes twice is worked twice.
    """
    if not minutes:
        return ()
    midnight = datetime.datetime.combine(day, datetime.time(), datetime.UTC)
    first, last = midnight - DAY, midnight + 2 * DAY
    before, after = _offset(zone, first), _offset(zone, last)
    if before == after:
        return tuple(
            (midnight - before + start * MINUTE, midnight - before + end * MINUTE)
            for start, end in minutes
        )
    change = _change(zone, first, last, before)
    pieces = [
        *(_cut(midnight - before, span, None, change) for span in minutes),
        *(_cut(midnight - after, span, change, None) for span in minutes),
    ]
    return tuple(sorted(piece for piece in pieces if piece[0] < piece[1]))


def _cut(midnight: Moment, span: tuple[int, int], low: Moment | None, high: Moment | None) -> Span:
    start, end = midnight + span[0] * MINUTE, midnight + span[1] * MINUTE
    return max(start, low) if low else start, min(end, high) if high else end


def _offset(zone: ZoneInfo, moment: Moment) -> datetime.timedelta:
    return moment.astimezone(zone).utcoffset() or NOTHING


def _change(zone: ZoneInfo, low: Moment, high: Moment, before: datetime.timedelta) -> Moment:
    """The minute in which the clock is put forward or back between two moments."""
    while high - low > MINUTE:
        middle = low + (high - low) // MINUTE // 2 * MINUTE
        low, high = (middle, high) if _offset(zone, middle) == before else (low, middle)
    return high


def _worked(work: WorkingTime, start: Moment, pauses: Sequence[Pause]) -> Iterator[Span]:
    """The pieces of working time from a moment on, without those in which it is paused."""
    stops = sorted(pauses, key=lambda pause: pause[0])
    day = start.astimezone(work.zone).date() - DAY
    for _number in range(FURTHEST):
        if day > LAST_DAY:
            return
        for low, high in work.spans(day):
            if high > start:
                yield from _without((max(low, start), high), stops)
        day += DAY


def _without(span: Span, stops: Sequence[Pause]) -> Iterator[Span]:
    low, high = span
    for begin, end in stops:
        if begin >= high or (end is not None and end <= low):
            continue
        if begin > low:
            yield low, begin
        if end is None or end >= high:
            return
        low = max(low, end)
    if low < high:
        yield low, high


def elapsed(
    work: WorkingTime, start: Moment, end: Moment, pauses: Sequence[Pause] = ()
) -> datetime.timedelta:
    """The working time between two moments, without pauses; nothing where the end comes first."""
    total = NOTHING
    for low, high in _worked(work, start, pauses) if end > start else ():
        if low >= end:
            break
        total += min(high, end) - low
    return total


def deadline(
    work: WorkingTime, start: Moment, amount: datetime.timedelta, pauses: Sequence[Pause] = ()
) -> Moment | None:
    """The moment by which so much working time has passed since `start`, pauses left out.

    None where that never comes: a pause still lasts, or nobody works.
    """
    left = amount
    if left <= NOTHING:
        return start
    last_pause = next((begin for begin, end in pauses if end is None), None)
    for low, high in _worked(work, start, pauses):
        if last_pause is not None and low >= last_pause:
            return None
        if high - low >= left:
            return low + left
        left -= high - low
    return None


__all__ = ["MINUTE", "NOTHING", "Pause", "WorkingTime", "deadline", "elapsed"]
