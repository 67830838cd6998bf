"""Dates and moments as written in China: 2026-03-05, 20260305, 2026/3/5, 2026年3月5日, 2026.3.5.

And 二〇二六年三月五日, which is how Excel writes a day in one of its Chinese formats.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo

from flask_babel import lazy_gettext as _

from app.engine.errors import ValueProblem
from app.engine.parsing.text import fold, is_empty, shown

_DAY = (
    r"(?:(?P<y>\d{4})\s*(?P<sep>[-/.])\s*(?P<m>\d{1,2})\s*(?P=sep)\s*(?P<d>\d{1,2})"
    r"|(?P<cy>\d{4})\s*年\s*(?P<cm>\d{1,2})\s*月\s*(?P<cd>\d{1,2})\s*[日号]"
    r"|(?P<packed>\d{8}))"
)
_TIME = (
    r"(?P<half>上午|下午|凌晨|中午|晚上|AM|PM|am|pm)?\s*"
    r"(?P<hour>\d{1,2})(?::|\s*[时点]\s*)(?:(?P<minute>\d{1,2})\s*"
    r"(?:[:分]\s*(?:(?P<second>\d{1,2})(?:\.(?P<part>\d{1,9}))?\s*秒?)?)?)?"
    r"\s*(?P<half_after>AM|PM|am|pm)?\s*"
    r"(?P<zone>Z|z|UTC|[+-]\d{2}:?\d{2})?"
)
_NUMERALS = {"〇": 0, "零": 0, "○": 0} | {sign: n for n, sign in enumerate("一二三四五六七八九", 1)}
_COUNT = "[一二三]?十[一二三四五六七八九]?|[一二三四五六七八九]"
_NUMERAL_DAY = re.compile(f"([{''.join(_NUMERALS)}]{{4}})年({_COUNT})月({_COUNT})(?=[日号])")
_DATE = re.compile(_DAY, re.ASCII)
_MOMENT = re.compile(rf"{_DAY}(?:(?:\s*T\s*|\s+|(?<=[日号])){_TIME})?", re.ASCII)
_AFTERNOON = frozenset(("下午", "晚上", "PM", "pm"))
_MORNING = frozenset(("上午", "凌晨", "AM", "am"))
_MIDNIGHT = time()


def parse_date(cell: object) -> date | None:
    """A calendar day; None for an empty cell. A cell with a time of day is refused, not cut."""
    if is_empty(cell):
        return None
    if isinstance(cell, datetime):
        return _whole_day(cell, cell)
    if isinstance(cell, date):
        return cell
    text = _text(cell)
    found = _DATE.fullmatch(text)
    if found:
        return _day(found, cell)
    moment = _MOMENT.fullmatch(text)
    if moment is None:
        raise _not_a_date(cell)
    return _whole_day(datetime.combine(_day(moment, cell), _time(moment, cell)), cell)


def parse_datetime(cell: object, zone: tzinfo | None = None) -> datetime | None:
    """A moment in UTC; one without a zone of its own is in `zone`, or stays without one."""
    if is_empty(cell):
        return None
    if isinstance(cell, datetime):
        return _in_utc(cell, zone)
    if isinstance(cell, date):
        return _in_utc(datetime.combine(cell, _MIDNIGHT), zone)
    found = _MOMENT.fullmatch(_text(cell))
    if found is None:
        raise ValueProblem(
            _("“%(value)s” is not a date and time like 2026-03-05 14:30.", value=shown(cell))
        )
    moment = datetime.combine(_day(found, cell), _time(found, cell))
    return _in_utc(moment, _offset(found["zone"], cell) or zone)


def _text(cell: object) -> str:
    """Folded text of a cell; a workbook's number 20260305.0 is read as its eight digits."""
    if isinstance(cell, str):
        text = fold(cell)
        return text if text.isascii() else _NUMERAL_DAY.sub(_in_digits, text)
    if isinstance(cell, int) and not isinstance(cell, bool):
        return str(cell)
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    raise _not_a_date(cell)


def _in_digits(found: re.Match[str]) -> str:
    """二〇二六年三月五 as 2026年3月5."""
    year, month, day = found.groups()
    return f"{''.join(str(_NUMERALS[sign]) for sign in year)}年{_counted(month)}月{_counted(day)}"


def _counted(numerals: str) -> int:
    """One to thirty-nine: 五, 十, 十二, 二十, 二十一."""
    tens, ten, ones = numerals.rpartition("十")
    return _NUMERALS.get(tens, 1) * 10 * len(ten) + _NUMERALS.get(ones, 0)


def _day(found: re.Match[str], cell: object) -> date:
    packed = found["packed"]
    if packed:
        parts = packed[:4], packed[4:6], packed[6:]
    else:
        parts = (
            found["y"] or found["cy"],
            found["m"] or found["cm"],
            found["d"] or found["cd"],
        )
    try:
        return date(*map(int, parts))
    except ValueError:
        raise ValueProblem(
            _("“%(value)s” is not a day of the calendar.", value=shown(cell))
        ) from None


def _time(found: re.Match[str], cell: object) -> time:
    if found["hour"] is None:
        return _MIDNIGHT
    hour = int(found["hour"])
    half = found["half"] or found["half_after"]
    if half in _AFTERNOON and hour < 12:
        hour += 12
    elif half in _MORNING and hour == 12:
        hour = 0
    part = (found["part"] or "").ljust(6, "0")[:6]
    try:
        return time(hour, int(found["minute"] or 0), int(found["second"] or 0), int(part))
    except ValueError:
        raise ValueProblem(_("“%(value)s” is not a time of day.", value=shown(cell))) from None


def _offset(text: str | None, cell: object) -> tzinfo | None:
    if not text:
        return None
    if text in ("Z", "z", "UTC"):
        return UTC
    hours, minutes = int(text[1:3]), int(text[-2:])
    if hours > 15 or minutes > 59:
        raise ValueProblem(_("“%(value)s” is not a time of day.", value=shown(cell)))
    shift = timedelta(hours=hours, minutes=minutes)
    return timezone(-shift if text[0] == "-" else shift)


def _in_utc(moment: datetime, zone: tzinfo | None) -> datetime:
    if moment.tzinfo is None and zone is None:
        return moment
    # pytz zones choose their offset by `localize`; given as tzinfo they mean local mean time.
    localize = getattr(zone, "localize", None) if moment.tzinfo is None else None
    try:
        aware = localize(moment) if localize else moment.replace(tzinfo=moment.tzinfo or zone)
        return aware.astimezone(UTC)
    except OverflowError:
        raise _not_a_date(moment) from None


def _whole_day(moment: datetime, cell: object) -> date:
    if moment.timetz().replace(tzinfo=None) != _MIDNIGHT:
        raise ValueProblem(
            _("“%(value)s” has a time of day where only a date belongs.", value=shown(cell))
        )
    return moment.date()


def _not_a_date(cell: object) -> ValueProblem:
    return ValueProblem(_("“%(value)s” is not a date like 2026-03-05.", value=shown(cell)))
