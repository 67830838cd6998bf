"""Fields of time: days, and moments in UTC."""

from __future__ import annotations

import datetime
from typing import Any, ClassVar

import marshmallow
import wtforms
from flask_babel import format_date, format_datetime, get_timezone
from flask_babel import lazy_gettext as _
from markupsafe import Markup, escape
from sqlalchemy import ColumnElement, Float, Numeric, Text, and_, case, cast, func, type_coerce
from sqlalchemy import Date as DateColumn
from sqlalchemy import DateTime as DateTimeColumn
from sqlalchemy.types import TypeEngine

from app.engine import parsing
from app.engine.adapters.database import UtcDateTime
from app.engine.adapters.vault import Sealed
from app.engine.errors import ValueProblem
from app.engine.fields.base import Field, Row
from app.engine.fields.number import NUMBER_OPERATORS
from app.engine.fields.periods import OFFSET, PERIODS, USUAL, first_day

MINUTES_A_DAY = 24 * 60
FIRST_YEAR, LAST_YEAR = 2, 9998
"""Of moments: those at the very ends of the calendar can't be shown on every reader's clock."""

SECOND = 1 / 60
"""In minutes: what a day's fraction as a float may be off by is less."""


class SealedDate(Sealed):
    """Days as text, encrypted where a key is set."""

    cache_ok = True

    @property
    def python_type(self) -> type[Any]:
        return datetime.date

    def opened(self, stored: str) -> Any:
        return datetime.date.fromisoformat(super().opened(stored))


class Date(Field):
    """A day of the calendar, without a zone."""

    type_name = "date"
    type_label = _("Date")
    operators = NUMBER_OPERATORS
    widget = "date"
    groupable = True
    periods = tuple(PERIODS)
    can_be_sensitive = True
    moment: ClassVar[bool] = False
    time_type: ClassVar[Any] = DateColumn()

    def column_type(self) -> TypeEngine[Any]:
        return DateColumn()

    def sealed_type(self) -> Sealed:
        return SealedDate()

    def normalise(self, value: Any) -> Any:
        if isinstance(value, datetime.datetime) or not isinstance(value, datetime.date):
            raise ValueProblem(_("This must be a date such as 2026-03-05."))
        return value

    def parse(self, cell: Any) -> Any:
        return parsing.parse_date(cell)

    def dump(self, value: Any) -> Any:
        return None if value is None else value.isoformat()

    def load(self, value: Any) -> Any:
        if value is None:
            return None
        try:
            return datetime.date.fromisoformat(value)
        except (TypeError, ValueError):
            raise ValueProblem(_("This must be a date such as 2026-03-05.")) from None

    def text(self, value: Any, row: Row | None = None) -> str:
        if value is None or isinstance(value, str):
            return value or ""
        return str(format_date(value, "medium"))

    def input_text(self, value: Any) -> str:
        return "" if value is None else str(value.isoformat())

    def export(self, value: Any, row: Row | None = None) -> Any:
        return value

    def group(
        self, expression: ColumnElement[Any], dialect: str, period: str = ""
    ) -> ColumnElement[Any]:
        """By periods, each as its first day."""
        return first_day(self._in_time(expression, dialect), period or USUAL, dialect, self.moment)

    def group_label(self, value: Any, period: str = "") -> str:
        if value is None:
            return str(_("(none)"))
        return PERIODS[period or USUAL].write(datetime.date.fromisoformat(value))

    def group_filter(self, value: Any, period: str = "") -> tuple[str, str]:
        if value is None:
            return ("empty", "")
        return (period or USUAL, self.group_label(value, period))

    def minutes_until(
        self, start: ColumnElement[Any], end: ColumnElement[Any], dialect: str
    ) -> ColumnElement[Any]:
        """The minutes from one time of this type to another; unknown where that is before it."""
        start, end = (self._in_time(one, dialect) for one in (start, end))
        if dialect == "sqlite":
            between = (func.julianday(end) - func.julianday(start)) * MINUTES_A_DAY
        elif self.moment:
            between = cast(func.extract("epoch", end - start), Float) / 60
        else:
            between = cast(end - start, Float) * MINUTES_A_DAY
        return case((between > -SECOND, func.round(cast(between, Numeric), 3)))

    def _in_time(self, expression: ColumnElement[Any], dialect: str) -> ColumnElement[Any]:
        """The value as the database reckons with it."""
        if not self.custom and not self.sensitive:
            return expression
        text = type_coerce(expression, Text)
        return text if dialect == "sqlite" else cast(text, self.time_type)

    def clause(
        self, expression: ColumnElement[Any], operator: str, operand: Any
    ) -> ColumnElement[bool]:
        """Beside the usual operators those of periods: `quarter` is within one, as `2026-Q1`."""
        if operator not in PERIODS or self.hidden_text:
            return super().clause(expression, operator, operand)
        first, after = PERIODS[operator].bounds(str(operand))
        return self._within(expression, first, after)

    def _within(
        self, expression: ColumnElement[Any], first: datetime.date, after: datetime.date
    ) -> ColumnElement[bool]:
        return and_(expression >= self.comparable(first), expression < self.comparable(after))

    def schema_field(self) -> marshmallow.fields.Field[Any]:
        return marshmallow.fields.Date(allow_none=not self.required)


class DateTime(Date):
    """A moment: stored in UTC with zone, shown and typed in the reader's zone."""

    type_name = "datetime"
    type_label = _("Date and time")
    widget = "datetime"
    can_be_sensitive = False
    moment = True
    time_type = DateTimeColumn(timezone=True)

    def __init__(self, label: Any = "", *, with_time: bool = False, **options: Any) -> None:
        """`with_time`: pages show the time beside the date, where hours count."""
        super().__init__(label, **options)
        self.with_time = with_time

    def column_type(self) -> TypeEngine[Any]:
        return UtcDateTime()

    def normalise(self, value: Any) -> Any:
        if not isinstance(value, datetime.datetime):
            raise ValueProblem(_("This must be a date and time such as 2026-03-05 14:30."))
        if not FIRST_YEAR <= value.year <= LAST_YEAR:
            raise _beyond()
        return local_to_utc(value) if value.tzinfo is None else to_utc(value)

    def parse(self, cell: Any) -> Any:
        value = parsing.parse_datetime(cell)
        return None if value is None else self.normalise(value)

    def load(self, value: Any) -> Any:
        if value is None:
            return None
        try:
            moment = datetime.datetime.fromisoformat(value)
        except (TypeError, ValueError):
            raise ValueProblem(
                _("This must be a date and time such as 2026-03-05T14:30:00Z.")
            ) from None
        return moment if moment.tzinfo else local_to_utc(moment)

    def dump(self, value: Any) -> Any:
        return None if value is None else value.astimezone(datetime.UTC).isoformat()

    def text(self, value: Any, row: Row | None = None) -> str:
        if value is None or isinstance(value, str):
            return value or ""
        return str(format_datetime(value, "medium"))

    def cell(self, value: Any, row: Row | None = None) -> Markup | str:
        """A short date; the exact moment on hover."""
        if value is None or isinstance(value, str):
            return escape(value or "")
        return Markup('<time datetime="{}" title="{}">{}</time>').format(
            value.isoformat(),
            format_datetime(value, "full"),
            format_datetime(value, "short") if self.with_time else format_date(value, "medium"),
        )

    def input_text(self, value: Any) -> str:
        if value is None:
            return ""
        return str(value.astimezone(reader_zone()).strftime("%Y-%m-%dT%H:%M"))

    def export(self, value: Any, row: Row | None = None) -> Any:
        return None if value is None else value.astimezone(reader_zone()).replace(tzinfo=None)

    def _within(
        self, expression: ColumnElement[Any], first: datetime.date, after: datetime.date
    ) -> ColumnElement[bool]:
        start, end = (
            to_utc(datetime.datetime.combine(day, datetime.time(), OFFSET))
            for day in (first, after)
        )
        return and_(expression >= self.comparable(start), expression < self.comparable(end))

    def form_field(self) -> wtforms.fields.core.UnboundField[Any]:
        return wtforms.StringField(self.label, description=self.hint)

    def schema_field(self) -> marshmallow.fields.Field[Any]:
        return marshmallow.fields.AwareDateTime(
            allow_none=not self.required, default_timezone=datetime.UTC
        )


def reader_zone() -> datetime.tzinfo:
    """The zone of the reader; China's outside a request."""
    return get_timezone() or OFFSET


def local_to_utc(moment: datetime.datetime) -> datetime.datetime:
    """A moment as typed on the reader's clock, in UTC. Raises ValueProblem."""
    zone = reader_zone()
    localize = getattr(zone, "localize", None)
    try:
        local = localize(moment) if localize else moment.replace(tzinfo=zone)
    except OverflowError:
        raise _beyond() from None
    return to_utc(local)


def to_utc(moment: datetime.datetime) -> datetime.datetime:
    """A moment with zone, in UTC. Raises ValueProblem at the ends of the calendar."""
    try:
        return moment.astimezone(datetime.UTC)
    except OverflowError:
        raise _beyond() from None


def _beyond() -> ValueProblem:
    return ValueProblem(_("This lies beyond the calendar."))
