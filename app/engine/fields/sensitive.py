"""Fields whose values are encrypted where a key is set: what they can still do then.

Beside the encrypted value stands a mark that equal values share: by it they are filtered for
equality, found by searching for the whole value, and compared with what a file holds. What would
need the text itself (order, fragments, ranges, groups) is refused.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Any

from flask_babel import lazy_gettext as _
from sqlalchemy import ColumnElement, String, not_, or_, type_coerce
from sqlalchemy.orm import mapped_column

from app.engine.adapters import vault
from app.engine.errors import ValueProblem
from app.engine.fields.operators import operand_items

if TYPE_CHECKING:
    from app.engine.fields.base import Field

OPERATORS = ("eq", "neq", "in", "nin", "empty", "nempty")
_MARK_LENGTH = 32
_LAST_DIGITS = 4


def mark_column(field: Field) -> str:
    """The column of the marks."""
    return f"{field.name}_mark"


def attributes(field: Field) -> dict[str, Any]:
    """The columns of a sensitive field."""
    return {
        field.column_name: mapped_column(field.sealed_type(), nullable=True),
        mark_column(field): mapped_column(String(_MARK_LENGTH), nullable=True),
    }


def stored(field: Field, value: Any) -> dict[str, Any]:
    """What those columns hold for a value."""
    marks = [] if value is None else marks_of(field, value)
    return {field.column_name: value, mark_column(field): marks[0] if marks else None}


def marks_of(field: Field, value: Any) -> list[str]:
    """The marks of a value, by each key."""
    return vault.present().marks(field.mark_text(value), field.name)


def restricted(field: Field) -> Field:
    """The field as it is where a key is set."""
    return field.copy(operators=OPERATORS, sortable=False, groupable=False, hidden_text=True)


def looked_up(field: Field, model: Any) -> ColumnElement[Any]:
    """What is compared with `lookups`."""
    if vault.is_on():
        column: ColumnElement[Any] = getattr(model, mark_column(field))
        return column
    return type_coerce(getattr(model, field.column_name), String)


def lookups(field: Field, values: Collection[Any]) -> Collection[Any]:
    """Values as `looked_up` compares them."""
    if vault.is_on():
        return {mark for value in values for mark in marks_of(field, value)}
    return [str(value) for value in values]


def clause(field: Field, expression: Any, operator: str, operand: Any) -> ColumnElement[bool]:
    """A filter where a key is set. Raises ValueProblem."""
    empty: ColumnElement[bool] = expression.is_(None)
    if operator in ("empty", "nempty"):
        return empty if operator == "empty" else not_(empty)
    several = operator in ("in", "nin")
    values = (
        [field.operand(item) for item in operand_items(operand)]
        if several
        else [field.operand(operand)]
    )
    wanted = [value for value in values if value not in (None, "")]
    if not wanted and not several:
        raise ValueProblem(_("%(field)s: a value to compare with is missing.", field=field.label))
    marks = [mark for value in wanted for mark in marks_of(field, value)]
    inside: ColumnElement[bool] = getattr(expression.class_, mark_column(field)).in_(marks)
    return inside if operator in ("eq", "in") else or_(not_(inside), empty)


def search_marks(field: Field, compact: str, purpose: str = "search") -> list[str]:
    """What the search index keeps of a text's letters and digits, or looks for: the whole, by each key."""
    return vault.present().marks(field.search_whole(compact), f"{purpose} {field.name}")


def kept_words(field: Field, compact: str) -> Sequence[str]:
    """The marks that a value is found by: its own, and that of a telephone number's last digits."""
    found = search_marks(field, compact)[:1]
    if field.type_name == "phone" and len(compact) > _LAST_DIGITS:
        found += search_marks(field, compact[-_LAST_DIGITS:], "last")[:1]
    return found


def sought_words(field: Field, compact: str) -> Sequence[str]:
    """The marks of what somebody typed, any of which finds a record."""
    found = search_marks(field, compact)
    if field.type_name == "phone" and len(compact) == _LAST_DIGITS:
        found += search_marks(field, compact, "last")
    return found
