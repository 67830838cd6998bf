"""Fields of number: counts, measures, money."""

from __future__ import annotations

import decimal
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import marshmallow
from flask_babel import format_currency, format_decimal
from flask_babel import lazy_gettext as _
from sqlalchemy import BigInteger, ColumnElement, Numeric, cast, type_coerce
from sqlalchemy.types import TypeEngine

from app.engine import parsing
from app.engine.adapters.database import ExactDecimal
from app.engine.errors import ValueProblem
from app.engine.fields.base import Field, Row
from app.engine.fields.text import Text

NUMBER_OPERATORS = (
    "eq", "neq", "gt", "lt", "ge", "le", "in", "nin", "empty", "nempty",
)  # fmt: skip
MAX_INTEGER = 2**53 - 1
"""Beyond this a spreadsheet and a browser would round."""


def within(least: int, most: int) -> Callable[[int], int]:
    """A `check` of numbers that may be no less and no more than these. What it gives raises ValueProblem."""

    def check(value: int) -> int:
        if not least <= value <= most:
            raise ValueProblem(
                _("This must be a number from %(least)s to %(most)s.", least=least, most=most)
            )
        return value

    return check


class Integer(Field):
    """A whole number."""

    type_name = "integer"
    type_label = _("Whole number")
    operators = NUMBER_OPERATORS
    widget = "number"
    align = "end"
    summable = True
    scale = 0
    largest: ClassVar[int] = MAX_INTEGER

    def column_type(self) -> TypeEngine[Any]:
        return BigInteger()

    def reckoned(self, expression: ColumnElement[Any], dialect: str) -> ColumnElement[Any]:
        """The value as the database adds it up."""
        return expression

    def custom_expression(self, element: Any) -> ColumnElement[Any]:
        return cast(element.as_string(), BigInteger)

    def normalise(self, value: Any) -> Any:
        if isinstance(value, bool) or not isinstance(value, int):
            raise ValueProblem(_("This must be a whole number."))
        if abs(value) > self.largest:
            raise ValueProblem(_("This number is too large."))
        return value

    def parse(self, cell: Any) -> Any:
        value = parsing.parse_integer(cell)
        return None if value is None else self.normalise(value)

    def text(self, value: Any, row: Row | None = None) -> str:
        if value is None or isinstance(value, str):
            return value or ""
        return str(format_decimal(value))

    def export(self, value: Any, row: Row | None = None) -> Any:
        return value

    def search_text(self, value: Any) -> str | None:
        return None if value is None else str(value)

    def schema_field(self) -> marshmallow.fields.Field[Any]:
        return marshmallow.fields.Integer(
            allow_none=not self.required,
            strict=True,
            validate=marshmallow.validate.Range(-self.largest, self.largest),
        )


class Decimal(Field):
    """A number with a fixed count of decimal places, kept exactly."""

    type_name = "decimal"
    type_label = _("Decimal number")
    operators = NUMBER_OPERATORS
    widget = "decimal"
    align = "end"
    summable = True
    precision = 18

    def __init__(
        self, label: Any = "", *, scale: int = 2, padded: bool = True, **options: Any
    ) -> None:
        """`scale`: decimal places. `padded`: whether noughts at the end are shown, as in amounts."""
        super().__init__(label, **options)
        self.scale = scale
        self.padded = padded

    def column_type(self) -> TypeEngine[Any]:
        return ExactDecimal(self.precision, self.scale)

    def custom_expression(self, element: Any) -> ColumnElement[Any]:
        return cast(element.as_string(), Numeric(self.precision, self.scale))

    def reckoned(self, expression: ColumnElement[Any], dialect: str) -> ColumnElement[Any]:
        """The value as the database adds it up: whole numbers in units of 10 ** -scale."""
        if dialect == "sqlite" and not self.custom:
            return type_coerce(expression, BigInteger)
        scaled: ColumnElement[Any] = type_coerce(expression, Numeric()) * 10**self.scale
        return scaled

    def comparable(self, value: Any) -> Any:
        return value

    def from_database(self, value: Any) -> Any:
        if value is None or not self.custom:
            return value
        return round(decimal.Decimal(str(value)), self.scale)

    def normalise(self, value: Any) -> Any:
        if isinstance(value, bool) or not isinstance(value, (int, decimal.Decimal)):
            raise ValueProblem(_("This must be a number."))
        value = decimal.Decimal(value)
        if not value.is_finite() or abs(value) >= decimal.Decimal(10) ** (
            self.precision - self.scale
        ):
            raise ValueProblem(_("This number is too large."))
        rounded = round(value, self.scale)
        if rounded != value:
            raise ValueProblem(_("At most %(count)s decimal places.", count=self.scale))
        return rounded

    def parse(self, cell: Any) -> Any:
        value = parsing.parse_decimal(cell)
        return None if value is None else self.normalise(self._settle(cell, value))

    def _settle(self, cell: Any, value: decimal.Decimal) -> decimal.Decimal:
        """A workbook's 0.1+0.2 is meant as 0.3; what a person typed is taken as typed."""
        return round(value, self.scale) if isinstance(cell, float) else value

    def dump(self, value: Any) -> Any:
        return None if value is None else str(value)

    def load(self, value: Any) -> Any:
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, (str, int, float)):
            raise ValueProblem(_("This must be a number."))
        try:
            return (
                round(decimal.Decimal(str(value)), self.scale)
                if (isinstance(value, float))
                else decimal.Decimal(str(value))
            )
        except decimal.InvalidOperation:
            raise ValueProblem(_("This must be a number.")) from None

    def text(self, value: Any, row: Row | None = None) -> str:
        if value is None or isinstance(value, str):
            return value or ""
        place = "0" if self.padded else "#"
        pattern = f"#,##0.{place * self.scale}" if self.scale else "#,##0"
        return str(format_decimal(value, format=pattern))

    def export(self, value: Any, row: Row | None = None) -> Any:
        return value

    def schema_field(self) -> marshmallow.fields.Field[Any]:
        return marshmallow.fields.Decimal(
            places=self.scale,
            as_string=True,
            allow_none=not self.required,
            validate=marshmallow.validate.Range(
                -(10 ** (self.precision - self.scale)),
                10 ** (self.precision - self.scale),
                min_inclusive=False,
                max_inclusive=False,
            ),
        )


class Currency(Text):
    """An ISO 4217 code; comes along with a Money field."""

    type_name = ""

    def __init__(self, label: Any = "", **options: Any) -> None:
        super().__init__(label, max_length=3, **options)

    def normalise(self, value: Any) -> Any:
        from babel.numbers import is_currency

        value = super().normalise(value)
        if value is not None and not is_currency(value.upper()):
            raise ValueProblem(_("This is not a currency code such as CNY."))
        return value and value.upper()


class Money(Decimal):
    """An amount with its currency, which stands in a companion field `<name>_currency`."""

    type_name = "money"
    type_label = _("Money")

    def __init__(self, label: Any = "", *, currency: str = "CNY", **options: Any) -> None:
        super().__init__(label, **{"index": True, **options})
        self.currency = currency

    def companions(self) -> Mapping[str, Field]:
        name = f"{self.name}_currency"
        self.needs = (name,)
        return {
            name: Currency(
                _("%(field)s: currency", field=self.label),
                default=self.currency,
                in_list=False,
                group=self.group_name,
                personal=self.personal,
            )
        }

    def parse(self, cell: Any) -> Any:
        amount, _currency = parsing.parse_money(cell) if cell is not None else (None, None)
        return None if amount is None else self.normalise(self._settle(cell, amount))

    def text(self, value: Any, row: Row | None = None) -> str:
        if value is None or isinstance(value, str):
            return value or ""
        code = (row or {}).get(self.needs[0]) if self.needs else None
        return str(format_currency(value, code or self.currency))
