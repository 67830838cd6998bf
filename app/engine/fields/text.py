"""Fields of text: a line, a page, an address, a number to call."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, ClassVar

import marshmallow
import wtforms
from flask_babel import lazy_gettext as _
from markupsafe import Markup, escape
from sqlalchemy import ColumnElement, String, or_
from sqlalchemy import Text as TextColumn
from sqlalchemy.orm import mapped_column
from sqlalchemy.types import TypeEngine

from app.engine.adapters.vault import Sealed
from app.engine.errors import ValueProblem
from app.engine.fields.base import MASK, Field, Row
from app.engine.fields.operators import like_clause

TEXT_OPERATORS = (
    "ct", "nct", "eq", "neq", "sw", "nsw", "ew", "new", "in", "nin", "empty", "nempty",
)  # fmt: skip
SORT_LENGTH = 100
"""Characters of the pinyin that decide the order; further ones hardly ever would."""
CHINA = "86"
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")


class Text(Field):
    """One line of text."""

    type_name = "text"
    type_label = _("Text")
    operators: ClassVar[Sequence[str]] = TEXT_OPERATORS
    max_default: ClassVar[int] = 200
    can_be_sensitive: ClassVar[bool] = True

    def __init__(
        self,
        label: Any = "",
        *,
        max_length: int | None = None,
        code: bool = False,
        pinyin: bool = False,
        **options: Any,
    ) -> None:
        """`code`: found by any fragment (numbers, codes); `pinyin`: found by pinyin and initials."""
        super().__init__(label, **options)
        self.max_length = max_length or self.max_default
        self.code = code
        self.pinyin = pinyin
        if pinyin and self.sensitive:
            raise TypeError("what is sorted by pinyin cannot be sensitive")

    def column_type(self) -> TypeEngine[Any]:
        return String(self.max_length)

    def sealed_type(self) -> Sealed:
        return Sealed(self.max_length)

    @property
    def sort_column(self) -> str | None:
        """The column with the pinyin of the value, which Chinese names are sorted by."""
        return f"{self.name}_sort" if self.pinyin and not self.custom else None

    def attributes(self) -> dict[str, Any]:
        if self.sort_column is None:
            return super().attributes()
        sorted_by = mapped_column(String(SORT_LENGTH), nullable=True)
        return {**super().attributes(), self.sort_column: sorted_by}

    def stored(self, value: Any) -> dict[str, Any]:
        if self.sort_column is None:
            return super().stored(value)
        from app.engine.search import pinyin_key

        key = None if value is None else pinyin_key(value)[:SORT_LENGTH]
        return {**super().stored(value), self.sort_column: key}

    def sort_expression(self, model: Any) -> ColumnElement[Any]:
        if self.sort_column is None:
            return super().sort_expression(model)
        column: ColumnElement[Any] = getattr(model, self.sort_column)
        return column

    def normalise(self, value: Any) -> Any:
        if not isinstance(value, str):
            raise ValueProblem(_("This must be text."))
        if _CONTROL.search(value):
            raise ValueProblem(_("The text contains control characters that can't be kept."))
        value = self.tidy(value)
        if len(value) > self.max_length:
            raise ValueProblem(
                _(
                    "At most %(most)s characters; these are %(count)s.",
                    most=self.max_length,
                    count=len(value),
                )
            )
        return value or None

    def tidy(self, value: str) -> str:
        """Blanks at the ends and line breaks go."""
        return " ".join(value.splitlines()).strip()

    def parse(self, cell: Any) -> Any:
        if isinstance(cell, float) and cell.is_integer():
            cell = int(cell)  # a workbook's 2.0 in a column of codes was typed as 2
        return super().parse(cell)

    def compare(
        self, expression: ColumnElement[Any], operator: str, value: Any
    ) -> ColumnElement[bool]:
        if value is not None and operator in ("ct", "nct", "sw", "nsw", "ew", "new"):
            return like_clause(expression, operator, str(value))
        return super().compare(expression, operator, value)

    def operand(self, text: Any) -> Any:
        return None if text is None else str(text).replace("\x00", "")

    def empty_clause(self, expression: ColumnElement[Any]) -> ColumnElement[bool]:
        return or_(expression.is_(None), expression == "")

    def schema_field(self) -> marshmallow.fields.Field[Any]:
        return marshmallow.fields.String(
            allow_none=not self.required,
            validate=marshmallow.validate.Length(max=self.max_length),
        )


class LongText(Text):
    """Text of several lines, shown as it was typed."""

    type_name = "long_text"
    type_label = _("Long text")
    operators = ("ct", "nct", "empty", "nempty")
    widget = "textarea"
    max_default = 20_000

    def column_type(self) -> TypeEngine[Any]:
        return TextColumn()

    def sealed_type(self) -> Sealed:
        return Sealed()

    def tidy(self, value: str) -> str:
        return value.replace("\r\n", "\n").replace("\r", "\n").strip()

    def cell(self, value: Any, row: Row | None = None) -> Markup | str:
        return Markup('<span class="long-text">{}</span>').format(value or "")

    def form_field(self) -> wtforms.fields.core.UnboundField[Any]:
        return wtforms.TextAreaField(self.label, description=self.hint)


class Email(Text):
    """An e-mail address."""

    type_name = "email"
    type_label = _("E-mail")
    widget = "email"
    max_default = 254
    _shape = re.compile(r"[^@\s<>\"]+@[^@\s<>\".]+(\.[^@\s<>\".]+)+")

    def __init__(self, label: Any = "", **options: Any) -> None:
        super().__init__(label, **{"code": True, "personal": True, **options})

    def normalise(self, value: Any) -> Any:
        value = super().normalise(value)
        if value is not None and not self._shape.fullmatch(value):
            raise ValueProblem(_("This is not an e-mail address."))
        return value

    def cell(self, value: Any, row: Row | None = None) -> Markup | str:
        if not value or MASK in value:
            return escape(value or "")
        return Markup('<a href="mailto:{0}">{0}</a>').format(value)

    def mask(self, value: Any) -> Any:
        if value is None:
            return None
        name, _at, domain = str(value).partition("@")
        return f"{name[:1]}{MASK}@{domain}"


class Phone(Text):
    """A telephone number; kept as typed, with full-width digits made plain."""

    type_name = "phone"
    type_label = _("Phone")
    widget = "tel"
    max_default = 40
    _shape = re.compile(r"[+()\d][\d\s()+\-–./#*,;转ext]*", re.IGNORECASE)

    def __init__(self, label: Any = "", **options: Any) -> None:
        super().__init__(label, **{"code": True, "personal": True, **options})

    def tidy(self, value: str) -> str:
        from app.engine.parsing import fold

        return fold(super().tidy(value))

    def mark_text(self, value: Any) -> str:
        """The digits alone, without China's number and the nought before an area code."""
        return self.search_whole(str(value))

    def search_whole(self, compact: str) -> str:
        """However it is written: 13812345678, 138 1234 5678 and +86 138-1234-5678 are one number."""
        from app.engine.parsing import fold

        digits = re.sub(r"\D", "", fold(compact))
        if digits.startswith(CHINA) and len(digits) > 11:
            digits = digits.removeprefix(CHINA)
        return digits.lstrip("0") or compact

    def normalise(self, value: Any) -> Any:
        value = super().normalise(value)
        if value is None:
            return None
        digits = sum(character.isdigit() for character in value)
        if not self._shape.fullmatch(value) or not 3 <= digits <= 30:
            raise ValueProblem(_("This is not a telephone number."))
        return value

    def cell(self, value: Any, row: Row | None = None) -> Markup | str:
        if not value or "*" in value:
            return escape(value or "")
        return Markup('<a href="tel:{0}">{1}</a>').format(re.sub(r"[^\d+]", "", value), value)

    def mask(self, value: Any) -> Any:
        """138****0000: the first three and the last four stay."""
        if value is None:
            return None
        digits = re.sub(r"\D", "", str(value))
        return f"{digits[:3]}****{digits[-4:]}" if len(digits) >= 8 else "****"


class Url(Text):
    """A web address; only http and https, so that a click is safe."""

    type_name = "url"
    type_label = _("Web address")
    widget = "url"
    max_default = 500
    _shape = re.compile(r"https?://[^\s/$.?#<>\"][^\s<>\"]*", re.IGNORECASE)

    def tidy(self, value: str) -> str:
        value = super().tidy(value)
        return value if not value or "://" in value or ":" in value else f"https://{value}"

    def normalise(self, value: Any) -> Any:
        value = super().normalise(value)
        if value is not None and not self._shape.fullmatch(value):
            raise ValueProblem(_("This is not a web address (http or https)."))
        return value

    def cell(self, value: Any, row: Row | None = None) -> Markup | str:
        if not value or MASK in value:
            return escape(value or "")
        shown = re.sub(r"^https?://", "", value).rstrip("/")
        return Markup('<a href="{}" rel="noopener noreferrer" target="_blank">{}</a>').format(
            value, shown
        )


class Serial(Text):
    """A number given by the system when the record is made, such as `C20260305-0001`.

    `{date:%Y%m%d}` and `{n:04}` in the pattern; the count starts again with each date text. `{by}` is
    the value of another field of the record, which the constructor names: each has a count of its own.
    """

    type_name = "serial"
    type_label = _("Serial number")
    max_default = 40

    def __init__(
        self, label: Any = "", *, pattern: str = "{n:06}", by: str = "", **options: Any
    ) -> None:
        super().__init__(
            label,
            **{"code": True, "unique": True, "read_only": True, "in_form": False, **options},
        )
        self.pattern = pattern
        self.by = by

    def series(self, when: Any, by: Any = "") -> str:
        """The series that a record made at this moment counts in."""
        return re.sub(r"\{n[^}]*\}", "", self.pattern).format(date=when, by=by or "")

    def number(self, when: Any, count: int, by: Any = "") -> str:
        """The number of the record that is the so-manieth of its series."""
        return self.pattern.format(date=when, n=count, by=by or "")
