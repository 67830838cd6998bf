"""What every field type is: the one class that owns all a value of its kind needs.

A declared field is a column of its own; a field that an administrator adds lives in the JSON
column `custom` of the same row. Surfaces see no difference: they ask the field.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, ClassVar, Self, cast

import marshmallow
import wtforms
from flask_babel import lazy_gettext as _
from markupsafe import Markup, escape
from sqlalchemy import ColumnElement, not_, or_
from sqlalchemy.orm import mapped_column
from sqlalchemy.types import TypeEngine

from app.engine.adapters.vault import Sealed, is_on
from app.engine.derived import Latest
from app.engine.errors import ValueProblem
from app.engine.fields import sensitive as sealing
from app.engine.fields.operators import COMPARISONS, operand_items

MASK = "•••"

FIELD_TYPES: dict[str, type[Field]] = {}
"""Every field type by its name. Looking up an unknown one raises."""

Row = Mapping[str, Any]


class Field:
    """A field of an entity; subclasses are the types."""

    type_name: ClassVar[str] = ""
    type_label: ClassVar[Any] = ""
    operators: ClassVar[Sequence[str]] = ("eq", "neq", "in", "nin", "empty", "nempty")
    widget: ClassVar[str] = "text"
    align: ClassVar[str] = "start"
    groupable: ClassVar[bool] = False
    periods: ClassVar[Sequence[str]] = ()
    summable: ClassVar[bool] = False
    sortable: ClassVar[bool] = True
    importable: ClassVar[bool] = True
    can_be_sensitive: ClassVar[bool] = False
    guarded: ClassVar[bool] = False
    target: str | None = None
    needs: tuple[str, ...] = ()

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        if cls.__dict__.get("type_name"):
            FIELD_TYPES[cls.type_name] = cls

    def __init__(
        self,
        label: Any = "",
        *,
        required: bool = False,
        unique: bool = False,
        index: bool | None = None,
        search: bool = False,
        personal: bool = False,
        sensitive: bool = False,
        default: Any = None,
        hint: Any = "",
        synonyms: Sequence[str] = (),
        group: str = "",
        in_list: bool | None = None,
        in_form: bool = True,
        read_only: bool = False,
        internal: bool = False,
        check: Callable[[Any], Any] | None = None,
        derived: Latest | None = None,
    ) -> None:
        """`sensitive`: encrypted where a key is set, see `fields/sensitive.py`.

        `check` gets a value that is not None and gives it back, or raises ValueProblem.

        `internal`: kept by rules for their own use; no form asks for it and no record page shows it.
        `derived`: worked out from the records that point here; nobody writes it.

        `in_list`: whether the list shows it before the user chooses; None lets the list decide.
        """
        self.name = ""
        self.label = label
        self.required = required
        self.unique = unique
        self.index = self.groupable if index is None else index
        self.search = search
        self.personal = personal
        self.sensitive = sensitive
        if sensitive and (unique or not self.can_be_sensitive):
            raise TypeError(f"a field of this kind cannot be sensitive: {self.type_name}")
        self.hidden_text = False
        self.default = default
        self.hint = hint
        self.synonyms = tuple(synonyms)
        self.group_name = group
        self.in_list = in_list
        written = not internal and derived is None
        self.in_form = in_form and written
        self.read_only = read_only or not written
        self.internal = internal
        self.derived = derived
        self.system = False
        self.custom = False
        self._check = check

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name}>"

    # -- storage ---------------------------------------------------------------------------

    @property
    def column_name(self) -> str:
        """The attribute and column that hold a declared field."""
        return self.name

    @property
    def shown_with(self) -> tuple[str, ...]:
        """What a row carries beside the value to have it shown."""
        return (f"{self.name}.label",) if self.target else ()

    def column_type(self) -> TypeEngine[Any]:
        raise NotImplementedError(f"{type(self).__name__} has no column type")

    def attributes(self) -> dict[str, Any]:
        """What a declared field adds to the mapped class."""
        if self.sensitive:
            return sealing.attributes(self)
        return {self.column_name: mapped_column(self.column_type(), nullable=True)}

    def sealed_type(self) -> Sealed:
        """The type of a sensitive field's column."""
        return Sealed()

    def mark_text(self, value: Any) -> str:
        """What values that count as equal share; its mark is kept beside a sensitive one."""
        return str(value).strip().casefold()

    def search_whole(self, compact: str) -> str:
        """Letters and digits of a text as a sensitive field is searched by them."""
        return compact

    def companions(self) -> Mapping[str, Field]:
        """Fields that come along with this one, such as an amount's currency."""
        return {}

    def expression(self, model: Any) -> ColumnElement[Any]:
        """The SQL expression of this field's value."""
        if self.custom:
            return self.custom_expression(model.custom[self.name])
        column: ColumnElement[Any] = getattr(model, self.column_name)
        return column

    def custom_expression(self, element: Any) -> ColumnElement[Any]:
        """The value inside the JSON column, typed for comparison and sorting."""
        text: ColumnElement[Any] = element.as_string()
        return text

    def from_database(self, value: Any) -> Any:
        """What `expression` selected, as the field's own value."""
        return self.load(value) if self.custom and value is not None else value

    def get(self, record: Any) -> Any:
        if self.custom:
            return self.load((record.custom or {}).get(self.name))
        return getattr(record, self.column_name)

    def stored(self, value: Any) -> dict[str, Any]:
        """The columns of a declared field with what they hold for this value."""
        if self.sensitive:
            return sealing.stored(self, value)
        return {self.column_name: value}

    def looked_up(self, model: Any) -> ColumnElement[Any]:
        """What values are looked up by, in bulk."""
        return sealing.looked_up(self, model) if self.sensitive else self.expression(model)

    def lookups(self, values: Collection[Any]) -> Collection[Any]:
        """Values as `looked_up` compares them."""
        if self.sensitive:
            return sealing.lookups(self, values)
        if type(self).comparable is Field.comparable:
            return values
        return [self.comparable(value) for value in values]

    def sort_expression(self, model: Any) -> ColumnElement[Any]:
        """What a list sorts by."""
        return self.expression(model)

    def set(self, record: Any, value: Any) -> None:
        if not self.custom:
            for column, stored in self.stored(value).items():
                setattr(record, column, stored)
            return
        values = dict(record.custom or {})
        values.pop(self.name, None)
        if value is not None:
            values[self.name] = self.dump(value)
        record.custom = values

    def bind(self, lists: Mapping[str, Any]) -> Self:
        """This field inside one version of the registry, knowing that version's choice lists."""
        return cast(Self, sealing.restricted(self)) if self.sensitive and is_on() else self

    def copy(self, **changes: Any) -> Self:
        """A copy with other attributes; the registry never changes a field in place."""
        twin = copy.copy(self)
        for name, value in changes.items():
            setattr(twin, name, value)
        return twin

    # -- values ----------------------------------------------------------------------------

    def clean(self, value: Any) -> Any:
        """The value as it will be stored.

        Raises ValueProblem for what can't be stored, whichever door it came by.
        """
        if value is None or value == "":
            if self.required:
                raise ValueProblem(_("This field is required."))
            return None
        value = self.normalise(value)
        if value is None and self.required:
            raise ValueProblem(_("This field is required."))
        return self._check(value) if self._check and value is not None else value

    def normalise(self, value: Any) -> Any:
        """Type and bounds of a value that is not None; raises ValueProblem."""
        return value

    def parse(self, cell: Any) -> Any:
        """A value out of what a person typed or a file's cell holds; None when empty."""
        if cell is None:
            return None
        text = str(cell).strip()
        return self.normalise(text) if text else None

    def dump(self, value: Any) -> Any:
        """The value for JSON: API, history, custom column."""
        return value

    def load(self, value: Any) -> Any:
        """The reverse of dump; raises ValueProblem for JSON of the wrong kind."""
        return value

    def default_value(self) -> Any:
        return self.default() if callable(self.default) else self.default

    # -- shown -----------------------------------------------------------------------------

    def text(self, value: Any, row: Row | None = None) -> str:
        """The value as a person reads it, in the reader's language."""
        return "" if value is None else str(value)

    def cell(self, value: Any, row: Row | None = None) -> Markup | str:
        """The value inside a page."""
        return escape(self.text(value, row))

    def input_text(self, value: Any) -> str:
        """The value inside a form's input."""
        return "" if value is None else str(value)

    def export(self, value: Any, row: Row | None = None) -> Any:
        """The value for a file's cell; import takes it back."""
        return self.text(value, row) or None

    def mask(self, value: Any) -> Any:
        """What those see who may know that there is a value and not which."""
        return None if value is None else MASK

    def guard(self, value: Any) -> Any:
        """Of a `guarded` field: the value, or less where what it says is not for the viewer."""
        return value

    def search_text(self, value: Any) -> str | None:
        """What the search index keeps of the value."""
        return None if value is None else str(value)

    # -- forms and API ---------------------------------------------------------------------

    def form_field(self) -> wtforms.fields.core.UnboundField[Any]:
        """The form's input; all checks are `parse` and `clean`."""
        return wtforms.StringField(self.label, description=self.hint)

    def from_form(self, raw: Sequence[str]) -> Any:
        """The value out of the strings that the browser sent."""
        return self.parse(raw[0]) if raw else None

    def schema_field(self) -> marshmallow.fields.Field[Any]:
        """The marshmallow field that stands for this one in the OpenAPI document."""
        return marshmallow.fields.String(allow_none=not self.required)

    # -- filters ---------------------------------------------------------------------------

    def operand(self, text: Any) -> Any:
        """A filter's operand out of what the address or the API says."""
        return self.parse(text)

    def clause(
        self, expression: ColumnElement[Any], operator: str, operand: Any
    ) -> ColumnElement[bool]:
        """The condition `field operator operand`. Raises ValueProblem for one it has not."""
        if operator not in self.operators:
            raise ValueProblem(
                _(
                    "%(field)s cannot be filtered with “%(operator)s”.",
                    field=self.label,
                    operator=operator,
                )
            )
        if self.hidden_text:
            return sealing.clause(self, expression, operator, operand)
        if operator in ("empty", "nempty"):
            empty = self.empty_clause(expression)
            return empty if operator == "empty" else not_(empty)
        if operator in ("in", "nin"):
            values = [self.comparable(self.operand(item)) for item in operand_items(operand)]
            inside = expression.in_([value for value in values if value is not None])
            return inside if operator == "in" else or_(not_(inside), expression.is_(None))
        return self.compare(expression, operator, self.operand(operand))

    def empty_clause(self, expression: ColumnElement[Any]) -> ColumnElement[bool]:
        return expression.is_(None)

    def comparable(self, value: Any) -> Any:
        """The value as `expression` compares it."""
        return self.dump(value) if self.custom and value is not None else value

    def compare(
        self, expression: ColumnElement[Any], operator: str, value: Any
    ) -> ColumnElement[bool]:
        if value is None:
            raise ValueProblem(
                _("%(field)s: a value to compare with is missing.", field=self.label)
            )
        value = self.comparable(value)
        if operator == "neq":
            return or_(expression != value, expression.is_(None))
        compared: ColumnElement[bool] = COMPARISONS[operator](expression, value)
        return compared

    # -- charts ----------------------------------------------------------------------------

    def group(
        self, expression: ColumnElement[Any], dialect: str, period: str = ""
    ) -> ColumnElement[Any]:
        """What a chart groups by; `period`: one of `periods`, where the field has such."""
        return expression

    def group_label(self, value: Any, period: str = "") -> str:
        return str(_("(none)")) if value is None else self.text(value)

    def group_filter(self, value: Any, period: str = "") -> tuple[str, str]:
        """Operator and operand that select the records behind one group."""
        return ("empty", "") if value is None else ("eq", self.input_text(value))
