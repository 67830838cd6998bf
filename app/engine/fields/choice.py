"""Fields of choice: yes or no, one out of a list, and free tags."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Self

import marshmallow
import wtforms
from flask_babel import lazy_gettext as _
from markupsafe import Markup
from sqlalchemy import Boolean as BooleanColumn
from sqlalchemy import ColumnElement, String, case, cast, literal, not_, or_
from sqlalchemy.types import TypeEngine

from app.engine import parsing
from app.engine.adapters.database import Json
from app.engine.choices import Choices, OptionList
from app.engine.errors import ValueProblem
from app.engine.fields.base import Field, Row
from app.engine.states import Move, check_declared

MAX_TAGS = 50
MAX_TAG_LENGTH = 60


class Boolean(Field):
    """Yes or no; empty counts as neither."""

    type_name = "boolean"
    type_label = _("Yes or no")
    operators = ("eq", "neq", "empty", "nempty")
    widget = "boolean"
    groupable = True

    def column_type(self) -> TypeEngine[Any]:
        return BooleanColumn()

    def custom_expression(self, element: Any) -> ColumnElement[Any]:
        text = element.as_string()
        return case((text.in_(("true", "1")), literal(1)), (text.in_(("false", "0")), literal(0)))

    def comparable(self, value: Any) -> Any:
        return int(value) if self.custom else value

    def from_database(self, value: Any) -> Any:
        return None if value is None else bool(value)

    def normalise(self, value: Any) -> Any:
        if not isinstance(value, bool):
            raise ValueProblem(_("This must be yes or no."))
        return value

    def parse(self, cell: Any) -> Any:
        return parsing.parse_boolean(cell)

    def from_form(self, raw: Sequence[str]) -> Any:
        """The form sends a hidden `0` before the box, so a cleared box is a no."""
        return self.parse(raw[-1]) if raw else None

    def text(self, value: Any, row: Row | None = None) -> str:
        if value is None or isinstance(value, str):
            return value or ""
        return str(_("Yes")) if value else str(_("No"))

    def input_text(self, value: Any) -> str:
        return "" if value is None else "1" if value else "0"

    def group_label(self, value: Any, period: str = "") -> str:
        return str(_("(none)")) if value is None else self.text(bool(value))

    def group_filter(self, value: Any, period: str = "") -> tuple[str, str]:
        return ("empty", "") if value is None else ("eq", "1" if value else "0")

    def form_field(self) -> wtforms.fields.core.UnboundField[Any]:
        return wtforms.StringField(self.label, description=self.hint)

    def search_text(self, value: Any) -> str | None:
        return None

    def schema_field(self) -> marshmallow.fields.Field[Any]:
        return marshmallow.fields.Boolean(
            allow_none=not self.required, truthy={True}, falsy={False}
        )


class Choice(Field):
    """One out of a list: fixed in code (a Choices class) or kept as data (the list's name)."""

    type_name = "choice"
    type_label = _("Choice")
    operators = ("eq", "neq", "in", "nin", "empty", "nempty")
    widget = "select"
    groupable = True

    def __init__(
        self,
        label: Any = "",
        options: type[Choices] | str = "",
        *,
        parent: str | None = None,
        moves: Sequence[Move] = (),
        begins: Collection[str] | None = None,
        **settings: Any,
    ) -> None:
        """`options`: a Choices class, the name of a list, or `Entity.field` for the choices of that.

        `parent`: the field whose choice this one refines, as a city refines a province.
        `moves`: the steps from one choice to another, where not each may follow each; `begins`: as
        which of them a new record may begin; None: as any. Raises ValueError, see `check_declared`.
        """
        super().__init__(label, **settings)
        named = options if isinstance(options, str) else ""
        self.same_as = named if "." in named else ""
        self.list_name = "" if self.same_as else named
        self.parent = parent
        self.options = OptionList(()) if isinstance(options, str) else options.option_list()
        self.moves = tuple(moves)
        self.begins = begins
        if not isinstance(options, str):
            check_declared(self.moves, self.options.values(), str(label))

    def bind(self, lists: Mapping[str, Any]) -> Self:
        if self.same_as:
            from app.engine.entity import DECLARED

            entity, _dot, name = self.same_as.partition(".")
            twin = DECLARED[entity].declared[name]
            assert isinstance(twin, Choice)
            return self.copy(options=twin.bind(lists).options)
        if not self.list_name:
            return self
        return self.copy(options=lists.get(self.list_name, OptionList(())))

    @property
    def open(self) -> bool:
        """Whether the list is data, so that an unknown choice may be made."""
        return bool(self.list_name)

    def column_type(self) -> TypeEngine[Any]:
        return String(60)

    def normalise(self, value: Any) -> Any:
        if not isinstance(value, str):
            raise ValueProblem(_("This must be one of the choices."))
        if value not in self.options:
            raise ValueProblem(_("“%(value)s” is not one of the choices.", value=value[:80]))
        return value

    def parse(self, cell: Any) -> Any:
        if cell is None or not str(cell).strip():
            return None
        value = self.options.find(str(cell))
        if value is None:
            raise ValueProblem(
                _("“%(value)s” is not one of the choices.", value=str(cell).strip()[:80])
            )
        return value

    def operand(self, text: Any) -> Any:
        """A filter may name a choice that has been retired, or a label."""
        if text is None or text == "":
            return None
        return self.options.find(str(text)) or str(text).replace("\x00", "")

    def text(self, value: Any, row: Row | None = None) -> str:
        return "" if value is None else self.options.label(value)

    def cell(self, value: Any, row: Row | None = None) -> Markup | str:
        if value is None:
            return ""
        colour = self.options.colour(value)
        if not colour:
            return Markup("{}").format(self.text(value))
        return Markup('<span class="state"><i class="dot dot-{}"></i>{}</span>').format(
            colour, self.text(value)
        )

    def search_text(self, value: Any) -> str | None:
        # The value: what it is called is looked up when somebody searches.
        return None if value is None else str(value)

    def form_field(self) -> wtforms.fields.core.UnboundField[Any]:
        return wtforms.StringField(self.label, description=self.hint)

    def schema_field(self) -> marshmallow.fields.Field[Any]:
        return marshmallow.fields.String(
            allow_none=not self.required,
            validate=marshmallow.validate.OneOf(list(self.options.values()))
            if not self.open
            else marshmallow.validate.Length(max=60),
        )


class Tags(Field):
    """Free words, several at once; written with commas."""

    type_name = "tags"
    type_label = _("Tags")
    operators = ("ct", "nct", "empty", "nempty")
    widget = "tags"
    sortable = False

    def column_type(self) -> TypeEngine[Any]:
        return Json

    def custom_expression(self, element: Any) -> ColumnElement[Any]:
        whole: ColumnElement[Any] = element
        return whole

    def normalise(self, value: Any) -> Any:
        if not isinstance(value, (list, tuple)) or not all(isinstance(tag, str) for tag in value):
            raise ValueProblem(_("This must be a list of words."))
        tags: list[str] = []
        for tag in value:
            word = " ".join(tag.replace("\x00", "").split())
            if len(word) > MAX_TAG_LENGTH:
                raise ValueProblem(_("A tag has at most %(most)s characters.", most=MAX_TAG_LENGTH))
            if word and word not in tags:
                tags.append(word)
        if len(tags) > MAX_TAGS:
            raise ValueProblem(_("At most %(most)s tags.", most=MAX_TAGS))
        return tags or None

    def parse(self, cell: Any) -> Any:
        if cell is None:
            return None
        text = str(cell)
        for separator in ("，", "、", ";", "；", "\n"):
            text = text.replace(separator, ",")
        return self.normalise(text.split(","))

    def from_form(self, raw: Sequence[str]) -> Any:
        return self.parse(",".join(raw)) if raw else None

    def text(self, value: Any, row: Row | None = None) -> str:
        if isinstance(value, str):
            return value
        return ", ".join(value or ())

    def input_text(self, value: Any) -> str:
        return self.text(value)

    def cell(self, value: Any, row: Row | None = None) -> Markup | str:
        if isinstance(value, str):
            return value
        return Markup(" ").join(
            Markup('<span class="tag">{}</span>').format(t) for t in value or ()
        )

    def export(self, value: Any, row: Row | None = None) -> Any:
        return ", ".join(value) if value else None

    def search_text(self, value: Any) -> str | None:
        return " ".join(value) if value else None

    def clause(
        self, expression: ColumnElement[Any], operator: str, operand: Any
    ) -> ColumnElement[bool]:
        if operator in ("ct", "nct"):
            # a tag is stored as a JSON string, so it is sought with its quotes
            import json

            plain = json.dumps(str(operand).strip(), ensure_ascii=False)
            escaped = json.dumps(str(operand).strip())
            text = cast(expression, String)
            found = or_(
                text.contains(plain, autoescape=True), text.contains(escaped, autoescape=True)
            )
            return found if operator == "ct" else or_(not_(found), expression.is_(None))
        return super().clause(expression, operator, operand)

    def empty_clause(self, expression: ColumnElement[Any]) -> ColumnElement[bool]:
        text = cast(expression, String)
        return or_(expression.is_(None), text == "null", text == "[]")

    def schema_field(self) -> marshmallow.fields.Field[Any]:
        return marshmallow.fields.List(marshmallow.fields.String(), allow_none=not self.required)
