"""When the installation works: office hours by weekday, and a calendar of days that differ.

Entities like any other, so that administrators edit them. The order of China's State Council is
known for some years by a library; the days of later years are entered here as they are published.
"""

from __future__ import annotations

import datetime
import re
import unicodedata
from collections.abc import Sequence
from typing import Any
from weakref import WeakKeyDictionary
from zoneinfo import ZoneInfo

from flask import current_app
from flask_babel import lazy_gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.engine.adapters.database import db, now
from app.engine.adapters.i18n import TIMEZONE
from app.engine.areas import SETTINGS
from app.engine.choices import Choices
from app.engine.entity import Entity
from app.engine.errors import ValueProblem
from app.engine.fields import Choice, Date, Text
from app.engine.remarks import Remark
from app.engine.rules import Saving, rule, whoever_saves
from app.engine.working_days import known_years
from app.engine.working_time import WorkingTime

PUBLISHED_IN = 11
"""The month in which the order for the next year comes out."""


class DayKind(Choices):
    """Whether a day is worked, whatever its weekday and the order say."""

    WORKING = "working", _("Working day"), "green"
    HOLIDAY = "holiday", _("Day off"), "red"


class Weekday(Choices):
    """Numbered as in ISO 8601."""

    MONDAY = "1", _("Monday")
    TUESDAY = "2", _("Tuesday")
    WEDNESDAY = "3", _("Wednesday")
    THURSDAY = "4", _("Thursday")
    FRIDAY = "5", _("Friday")
    SATURDAY = "6", _("Saturday")
    SUNDAY = "7", _("Sunday")


def time_of_day(value: str) -> str:
    """HH:MM, from 00:00 to 24:00; full-width signs are put right. Raises ValueProblem."""
    text = unicodedata.normalize("NFKC", value).strip()
    found = re.fullmatch(r"(\d{1,2}):(\d{2})", text)
    hour, minute = (int(part) for part in found.groups()) if found else (99, 99)
    if minute > 59 or hour * 60 + minute > 24 * 60:
        raise ValueProblem(_("This must be a time of day such as 09:00."))
    return f"{hour:02}:{minute:02}"


def minutes(text: str) -> int:
    """Of the day, of a time as `time_of_day` gives it."""
    hour, minute = text.split(":")
    return int(hour) * 60 + int(minute)


def _unpublished(_row: Any) -> Any:
    """That a year which has begun, or whose order is out by now, has no days set."""
    today = now().astimezone(zone()).date()
    years = [today.year, *([today.year + 1] if today.month >= PUBLISHED_IN else [])]
    missing = unpublished(years)
    return warning(missing) if missing else None


class CalendarDay(
    Entity,
    area=SETTINGS.key,
    label=_("Calendar day"),
    plural=_("Working calendar"),
    icon="calendar",
    title="day",
    order="-day",
    key="day",
):
    """A day that is worked, or off, otherwise than its weekday says; it goes before the order."""

    day = Date(_("Day"), required=True, unique=True, in_list=True)
    kind = Choice(_("Kind of day"), DayKind, required=True, in_list=True)
    name_zh = Text(_("Chinese name"), max_length=60, in_list=True)
    name_en = Text(_("English name"), max_length=60, in_list=True)

    remarks = (Remark(_unpublished, on=("list",)),)


class OfficeHours(
    Entity,
    area=SETTINGS.key,
    label=_("Office hours"),
    plural=_("Office hours"),
    icon="clock",
    title="weekday",
    order="weekday",
    unique_together=[("weekday", "begins")],
):
    """A span of a weekday in which work is done; a break lies between two of them."""

    weekday = Choice(_("Weekday"), Weekday, required=True, in_list=True)
    begins = Text(_("Begins"), required=True, max_length=5, check=time_of_day, in_list=True)
    ends = Text(_("Ends"), required=True, max_length=5, check=time_of_day, in_list=True)

    @rule
    def in_order(saving: Saving) -> None:  # noqa: N805
        begins, ends = (minutes(saving.values[name]) for name in ("begins", "ends"))
        if ends <= begins:
            saving.problem("ends", _("It must end after it begins."))
            return
        model: Any = OfficeHours
        others = select(model).where(
            model.weekday == saving.values["weekday"], model.id != (saving.record_id or 0)
        )
        for other in saving.changes.session.scalars(others):
            if begins < minutes(other.ends) and minutes(other.begins) < ends:
                saving.problem("begins", _("It overlaps with other hours of this day."))
                return


def zone() -> ZoneInfo:
    """The zone in which the installation works."""
    return ZoneInfo(current_app.config.get("BABEL_DEFAULT_TIMEZONE", TIMEZONE))


def working_time(session: Session) -> WorkingTime:
    """When the installation works, as it is set now; two statements."""
    hours: dict[int, list[tuple[int, int]]] = {}
    rows: Any = OfficeHours
    marked: Any = CalendarDay
    with whoever_saves():
        spans = select(rows.weekday, rows.begins, rows.ends).order_by(rows.begins)
        for weekday, begins, ends in session.execute(spans):
            hours.setdefault(int(weekday) - 1, []).append((minutes(begins), minutes(ends)))
        days: dict[datetime.date, bool] = {
            day: kind == DayKind.WORKING
            for day, kind in session.execute(select(marked.day, marked.kind))
        }
    return WorkingTime(zone(), {day: tuple(spans) for day, spans in hours.items()}, days)


_begun: WeakKeyDictionary[Any, WorkingTime] = WeakKeyDictionary()


def known_to(changes: Any) -> WorkingTime:
    """The same for all that is done in a change set: read once."""
    if changes not in _begun:
        _begun[changes] = working_time(changes.session)
    return _begun[changes]


def unpublished(years: Sequence[int]) -> list[int]:
    """Those of the years whose days off are not known here."""
    work = working_time(db.session()) if any(y not in known_years() for y in years) else None
    return [] if work is None else [year for year in years if not work.published(year)]


def warning(years: list[int]) -> Any:
    """What people are told of years whose days off nobody has entered."""
    return _(
        "No calendar is published here for %(years)s: only the fixed holidays are left out, and no "
        "weekend is worked. Enter the days as soon as they are known.",
        years=", ".join(str(year) for year in years),
    )
