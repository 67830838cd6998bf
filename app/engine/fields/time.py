"""Fields of time: days, and moments in UTC."""

from __future__ import annotations

import datetime
from typing import Any

import marshmallow
import wtforms
from flask_babel import format_date, format_datetime, get_timezone
from flask_babel import lazy_gettext as _
from markupsafe import Markup, escape
from sqlalchemy import ColumnElement, and_, func
from sqlalchemy import Date as DateColumn
from sqlalchemy.types import TypeEngine

from app.engine import parsing
from app.engine.adapters.database import UtcDateTime
from app.engine.errors import ValueProblem
from app.engine.fields.base import Field, Row
from app.engine.fields.number import NUMBER_OPERATORS


class Date(Field):
    """A day of the calendar, without a zone."""

    type_name = "date"
    type_label = _("Date")
    operators = NUMBER_OPERATORS
    widget = "date"
    groupable = True

    def column_type(self) -> TypeEngine[Any]:
        return DateColumn()

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

    def group(self, expression: ColumnElement[Any], dialect: str) -> ColumnElement[Any]:
        """By month, as `YYYY-MM`."""
        if self.custom:
            return func.substr(expression, 1, 7)
        if dialect == "sqlite":
            return func.strftime("%Y-%m", expression)
        return func.to_char(expression, "YYYY-MM")

    def group_label(self, value: Any) -> str:
        return str(_("(none)")) if value is None else str(value)

    def group_filter(self, value: Any) -> tuple[str, str]:
        return ("empty", "") if value is None else ("month", str(value))

    def clause(
        self, expression: ColumnElement[Any], operator: str, operand: Any
    ) -> ColumnElement[bool]:
        """Beside the usual operators `month`: within one month, `YYYY-MM`."""
        if operator != "month":
            return super().clause(expression, operator, operand)
        first, after = month_bounds(str(operand))
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

    def column_type(self) -> TypeEngine[Any]:
        return UtcDateTime()

    def normalise(self, value: Any) -> Any:
        if not isinstance(value, datetime.datetime):
            raise ValueProblem(_("This must be a date and time such as 2026-03-05 14:30."))
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
            value.isoformat(), format_datetime(value, "full"), format_date(value, "medium")
        )

    def input_text(self, value: Any) -> str:
        if value is None:
            return ""
        return str(value.astimezone(reader_zone()).strftime("%Y-%m-%dT%H:%M"))

    def export(self, value: Any, row: Row | None = None) -> Any:
        return None if value is None else value.astimezone(reader_zone()).replace(tzinfo=None)

    def group(self, expression: ColumnElement[Any], dialect: str) -> ColumnElement[Any]:
        """By month in China's time, which has no summer time: UTC and eight hours."""
        if self.custom:
            return func.substr(expression, 1, 7)
        if dialect == "sqlite":
            return func.strftime("%Y-%m", expression, "+8 hours")
        return func.to_char(func.timezone("Asia/Shanghai", expression), "YYYY-MM")

    def _within(
        self, expression: ColumnElement[Any], first: datetime.date, after: datetime.date
    ) -> ColumnElement[bool]:
        zone = datetime.timezone(datetime.timedelta(hours=8))
        start, end = (
            datetime.datetime.combine(day, datetime.time(), zone).astimezone(datetime.UTC)
            for day in (first, after)
        )
        return and_(expression >= self.comparable(start), expression < self.comparable(end))

    def form_field(self) -> wtforms.fields.core.UnboundField[Any]:
        return wtforms.StringField(self.label, description=self.hint)

    def schema_field(self) -> marshmallow.fields.Field[Any]:
        return marshmallow.fields.AwareDateTime(
            allow_none=not self.required, default_timezone=datetime.UTC
        )


def month_bounds(month: str) -> tuple[datetime.date, datetime.date]:
    """The first day of `YYYY-MM` and the first day after it. Raises ValueProblem."""
    try:
        first = datetime.date.fromisoformat(f"{month}-01")
        after = (first + datetime.timedelta(days=32)).replace(day=1)
    except (ValueError, OverflowError):
        raise ValueProblem(_("This must be a month such as 2026-03.")) from None
    return first, after


def reader_zone() -> datetime.tzinfo:
    """The zone of the reader; China's outside a request."""
    return get_timezone() or datetime.timezone(datetime.timedelta(hours=8))


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
