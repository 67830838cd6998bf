"""When a schedule is due: days and a time of day in a zone, or a cron expression.

Reckoned on the clock of the zone: at half past three it is half past three, summer time or not. A
time that the clock jumps over comes when it has jumped; one that comes twice counts the first time.
"""

from __future__ import annotations

import calendar
import datetime
import zoneinfo
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from croniter import CroniterError, croniter
from flask_babel import lazy_gettext as _

from app.engine.errors import InvalidInput
from app.engine.working_days import is_working_day

DAILY, WEEKLY, MONTHLY, CRON = "day", "week", "month", "cron"
EVERY = (DAILY, WEEKLY, MONTHLY, CRON)
ZONE = "Asia/Shanghai"
LAST_DAY = 31
"""A day of the month that a month does not have is its last one."""

_CRON_PARTS = 5
_YEARS_AHEAD = 8
_DAYS_AHEAD = 366 * _YEARS_AHEAD
_TIMES_AHEAD = 100_000


@dataclass(frozen=True)
class Rule:
    """`at` is a time of day, HH:MM; `weekdays` count from Monday, 0.

    `working_days`: of the days only those that are worked in China; a day of the month moves to
    the next one that is.
    """

    every: str
    at: str = "08:00"
    weekdays: tuple[int, ...] = ()
    day: int = 1
    cron: str = ""
    working_days: bool = False
    zone: str = ZONE

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Rule:
        return cls(**{**data, "weekdays": tuple(data.get("weekdays", ()))})

    def as_json(self) -> dict[str, Any]:
        return {**asdict(self), "weekdays": list(self.weekdays)}

    def next_after(self, moment: datetime.datetime) -> datetime.datetime | None:
        """The first time after this moment, in UTC; None when it never comes."""
        zone = zoneinfo.ZoneInfo(self.zone)
        local = moment.astimezone(zone).replace(tzinfo=None)
        for naive in self._times(local - datetime.timedelta(days=1)):
            due = naive.replace(tzinfo=zone).astimezone(datetime.UTC)
            if due > moment:
                return due
        return None

    def upcoming(self, moment: datetime.datetime, count: int) -> list[datetime.datetime]:
        """The next times after this moment."""
        found: list[datetime.datetime] = []
        while len(found) < count and (due := self.next_after(found[-1] if found else moment)):
            found.append(due)
        return found

    def check(self) -> None:
        """Raises InvalidInput naming what is wrong with it."""
        if self.zone not in zoneinfo.available_timezones():
            raise InvalidInput.of("zone", _("There is no time zone of this name."))
        if self.every == CRON:
            _check_cron(self.cron)
        else:
            _time_of_day(self.at)
        if self.every == WEEKLY and not self.weekdays:
            raise InvalidInput.of("weekdays", _("Choose at least one day of the week."))
        if not 1 <= self.day <= LAST_DAY:
            raise InvalidInput.of("day", _("This must be a day of the month, 1 to 31."))
        if self.next_after(datetime.datetime.now(datetime.UTC)) is None:
            field = "cron" if self.every == CRON else None
            raise InvalidInput.of(field, _("This time never comes."))

    def _times(self, start: datetime.datetime) -> Iterator[datetime.datetime]:
        """On the zone's clock, in order."""
        if self.every == CRON:
            yield from self._by_cron(start)
            return
        time = _time_of_day(self.at)
        for number in range(_DAYS_AHEAD):
            day = start.date() + datetime.timedelta(days=number)
            if self._is_day(day):
                yield datetime.datetime.combine(day, time)

    def _by_cron(self, start: datetime.datetime) -> Iterator[datetime.datetime]:
        times = croniter(self.cron, start, max_years_between_matches=_YEARS_AHEAD)
        for _number in range(_TIMES_AHEAD):
            try:
                found = times.get_next(datetime.datetime)
            except CroniterError:  # it does not come in so many years
                return
            if not self.working_days or is_working_day(found.date()):
                yield found

    def _is_day(self, day: datetime.date) -> bool:
        if self.every == MONTHLY:
            return self._is_day_of_month(day)
        if self.every == WEEKLY and day.weekday() not in self.weekdays:
            return False
        return not self.working_days or is_working_day(day)

    def _is_day_of_month(self, day: datetime.date) -> bool:
        """The day itself, or the working day to which it moves."""
        if not self.working_days:
            return day == self._named_day(day)
        if not is_working_day(day):
            return False
        free = day  # back over the days off before it, and whether the named one is among them
        while True:
            if free == self._named_day(free):
                return True
            free -= datetime.timedelta(days=1)
            if is_working_day(free):
                return False

    def _named_day(self, within: datetime.date) -> datetime.date:
        length = calendar.monthrange(within.year, within.month)[1]
        return within.replace(day=min(self.day, length))


def _time_of_day(text: str) -> datetime.time:
    try:
        return datetime.datetime.strptime(text, "%H:%M").time()  # noqa: DTZ007  the zone is another field
    except ValueError:
        raise InvalidInput.of("at", _("This must be a time of day such as 08:30.")) from None


def _check_cron(expression: str) -> None:
    if len(expression.split()) != _CRON_PARTS or not croniter.is_valid(expression):
        raise InvalidInput.of(
            "cron", _("This must be a cron expression of five parts such as 30 8 * * 1-5.")
        )
