"""Filters: the chips that stand for those in use, and the panel that adds one."""

from __future__ import annotations

from typing import Any

from flask_babel import gettext
from werkzeug.datastructures import MultiDict

from app.engine import policy
from app.engine.addresses import ListAddress, list_address
from app.engine.errors import NotAllowed, NotFound, ValueProblem
from app.engine.fields import OPERATOR_LABELS, Field
from app.engine.presentation import companions, kept
from app.engine.query import Condition, described, titles
from app.engine.registry import EntityDefinition

WITHOUT_VALUE = ("empty", "nempty")
SEVERAL = ("in", "nin")
FIRST_OPERATOR = {
    "select": "in",
    "text": "ct",
    "date": "ge",
    "datetime": "ge",
    "number": "ge",
    "decimal": "ge",
    "boolean": "eq",
    "picker": "eq",
}
"""The operator that people mean most often, by widget."""

SEARCHED_FROM = 15
"""A list of more choices than this gets a search box."""


def chips(definition: EntityDefinition, address: ListAddress) -> list[dict[str, str]]:
    """One for each filter, and one for the text searched for."""
    base = list_address(definition)
    found = [
        {**_words(definition, condition), "remove_href": address.without(condition).href(base)}
        for condition in address.conditions
    ]
    if address.text:
        found.append(
            {
                "label": gettext("Search"),
                "value": address.text,
                "remove_href": address.first_page(text="").href(base),
            }
        )
    return found


def _words(definition: EntityDefinition, condition: Condition) -> dict[str, str]:
    field = definition.field(condition.field)
    label = str(field.label)
    try:
        whole = described(field, condition, _labels(field, condition))
    except ValueProblem:
        whole = f"{label} {condition.operator} {condition.operand}"
    return {"label": label, "value": whole.removeprefix(label).strip()}


def _labels(field: Field, condition: Condition) -> dict[Any, str]:
    """The names of the records that a filter on a reference names."""
    if field.target is None or condition.operator in WITHOUT_VALUE:
        return {}
    ids = [field.operand(item) for item in str(condition.operand).split(",")[:50] if item]
    return dict(titles(field.target, [found for found in ids if found is not None]))


# -- the panel -----------------------------------------------------------------------------


def panel(
    definition: EntityDefinition, address: ListAddress, args: MultiDict[str, str]
) -> dict[str, Any]:
    """Field, operator and a control for the value that fits both."""
    fields = _filterable(definition)
    if not fields:
        raise NotFound
    chosen = fields.get(args.get("field", "")) or next(iter(fields.values()))
    operators = [name for name in chosen.operators if name in OPERATOR_LABELS]
    operator = args.get("operator", "")
    if operator not in operators:
        usual = FIRST_OPERATOR.get(chosen.widget, operators[0])
        operator = usual if usual in operators else operators[0]
    return {
        "definition": definition,
        "base": list_address(definition),
        "state": address.pairs(paging=False),
        "fields": [(name, str(field.label)) for name, field in fields.items()],
        "chosen": chosen,
        "operators": [(name, str(OPERATOR_LABELS[name])) for name in operators],
        "operator": operator,
        **_control(chosen, operator),
    }


def _filterable(definition: EntityDefinition) -> dict[str, Field]:
    """What this viewer may filter by, in the order of the declaration."""
    viewer = policy.current_viewer()
    return kept(
        ("filterable", definition.key),
        lambda: {
            field.name: field
            for field in policy.plain(definition, viewer)
            if field.operators
            and field.name not in ("id", "version")
            and field.name not in companions(definition)
        },
        viewer,
    )


def _control(field: Field, operator: str) -> dict[str, Any]:
    """Which control asks for the value."""
    if operator in WITHOUT_VALUE:
        return {"control": None}
    several = operator in SEVERAL
    match field.widget:
        case "select":
            options = [
                (option.value, str(option.label))
                for option in field.options.options  # type: ignore[attr-defined]
            ]
            return {
                "control": "select",
                "several": several,
                "options": options,
                "searched": several or len(options) > SEARCHED_FROM,
            }
        case "picker":
            return {"control": "picker", "several": several, "url": picker_url(field)}
        case "boolean":
            options = [("1", gettext("Yes")), ("0", gettext("No"))]
            return {"control": "select", "several": False, "options": options, "searched": False}
        case "date":
            return {"control": "text" if several else "date"}
        case "datetime":
            return {"control": "text" if several else "datetime-local"}
        case _:
            return {"control": "text", "comma": several}


def picker_url(field: Field) -> str:
    """Where a reference's picker asks."""
    from app.engine.entity import key_of

    return "/users/pick" if field.target == policy.USERS else f"/{key_of(str(field.target))}/pick"


def from_panel(definition: EntityDefinition, args: MultiDict[str, str]) -> Condition | None:
    """The filter that the panel sent, checked. Raises ValueProblem naming the field."""
    name, operator = args.get("field", ""), args.get("operator", "")
    if not name or not operator:
        return None
    field = _filterable(definition).get(name)
    if field is None:
        raise NotAllowed
    values = [value.strip() for value in args.getlist("value") if value.strip()]
    if not values and operator not in WITHOUT_VALUE:
        raise ValueProblem(
            gettext("%(field)s: a value to compare with is missing.", field=field.label)
        )
    operand = "" if operator in WITHOUT_VALUE else ",".join(values)
    condition = Condition(name, operator, operand)
    try:
        field.clause(field.expression(definition.model), operator, operand)
    except ValueProblem as problem:
        raise ValueProblem(f"{field.label}: {problem}") from None
    return condition
