"""Operators of filters: what they are called, and the conditions they make."""

from __future__ import annotations

import operator as operator_module
from collections.abc import Callable, Mapping
from typing import Any

from flask_babel import lazy_gettext as _
from sqlalchemy import ColumnElement, String, cast, func, not_, or_

from app.engine.errors import ValueProblem

OPERATOR_LABELS: Mapping[str, Any] = {
    "eq": _("is"),
    "neq": _("is not"),
    "ct": _("contains"),
    "nct": _("does not contain"),
    "sw": _("starts with"),
    "nsw": _("does not start with"),
    "ew": _("ends with"),
    "new": _("does not end with"),
    "gt": _("greater than"),
    "lt": _("less than"),
    "ge": _("at least"),
    "le": _("at most"),
    "in": _("is one of"),
    "nin": _("is none of"),
    "empty": _("is empty"),
    "nempty": _("is not empty"),
}

COMPARISONS: Mapping[str, Callable[[Any, Any], Any]] = {
    "eq": operator_module.eq,
    "gt": operator_module.gt,
    "lt": operator_module.lt,
    "ge": operator_module.ge,
    "le": operator_module.le,
}


def operand_items(operand: Any) -> list[Any]:
    """The values that `in` and `nin` compare with. Raises ValueProblem for what is no list."""
    if isinstance(operand, str):
        return [item for item in operand.split(",") if item != ""]
    if isinstance(operand, (list, tuple)):
        return list(operand)
    raise ValueProblem(_("A list of values is needed here."))


def like_clause(expression: ColumnElement[Any], operator: str, text: str) -> ColumnElement[bool]:
    """Contains, starts, ends: without regard to case, `%` and `_` taken literally."""
    folded = func.lower(cast(expression, String))
    text = text.lower()
    match operator:
        case "ct":
            return folded.contains(text, autoescape=True)
        case "nct":
            return or_(not_(folded.contains(text, autoescape=True)), expression.is_(None))
        case "sw":
            return folded.startswith(text, autoescape=True)
        case "nsw":
            return or_(not_(folded.startswith(text, autoescape=True)), expression.is_(None))
        case "new":
            return or_(not_(folded.endswith(text, autoescape=True)), expression.is_(None))
        case _:
            return folded.endswith(text, autoescape=True)
