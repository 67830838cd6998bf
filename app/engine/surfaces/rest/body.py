"""Reading what a program sends: JSON into field values, each problem naming its field."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import orjson
from flask import request
from flask_babel import lazy_gettext as _
from werkzeug.exceptions import BadRequest, UnsupportedMediaType

from app.engine import policy
from app.engine.entity import ReviewState
from app.engine.errors import InvalidInput, Problem, ValueProblem
from app.engine.fields.reference import MAX_IDENTIFIER
from app.engine.registry import EntityDefinition


def json_object() -> dict[str, Any]:
    """This request's body. Raises BadRequest, UnsupportedMediaType, InvalidInput."""
    if not request.is_json:
        raise UnsupportedMediaType
    try:
        body = orjson.loads(request.get_data())
    except orjson.JSONDecodeError:
        raise BadRequest(str(_("The request is not valid JSON."))) from None
    if not isinstance(body, dict):
        raise InvalidInput.of(None, _("The body must be a JSON object: a record's fields by name."))
    return body


def values_of(definition: EntityDefinition, body: Mapping[str, Any]) -> dict[str, Any]:
    """Field values out of JSON. Raises InvalidInput naming each field that can't be taken."""
    known = {field.name: field for field in policy.known(definition)}
    values: dict[str, Any] = {}
    problems: list[Problem] = []
    for name, given in body.items():
        if name not in known:
            problems.append(Problem(name[:80], _("There is no field “%(name)s”.", name=name[:80])))
            continue
        try:
            values[name] = known[name].load(given)
        except ValueProblem as problem:
            problems.append(Problem(name, problem.message))
    if problems:
        raise InvalidInput([*problems, *_further_problems(definition, values)])
    return values


def _further_problems(definition: EntityDefinition, values: Mapping[str, Any]) -> Iterator[Problem]:
    """What else is wrong: the body is refused already, and told of everything at once."""
    for name, value in values.items():
        try:
            definition.fields[name].clean(value)
        except ValueProblem as problem:
            yield Problem(name, problem.message)


def unmasking(body: Mapping[str, Any]) -> tuple[str, str]:
    """Which field is to be shown, and why. Raises InvalidInput."""
    problems = [
        Problem(str(name)[:80], _("There is no field “%(name)s”.", name=str(name)[:80]))
        for name in body
        if name not in ("field", "reason")
    ]
    problems += [
        Problem(name, _("“%(name)s” is missing.", name=name))
        for name in ("field", "reason")
        if not isinstance(body.get(name), str) or not body[name]
    ]
    if problems:
        raise InvalidInput(problems)
    return body["field"], body["reason"]


def wants_approved(definition: EntityDefinition, body: dict[str, Any]) -> bool:
    """Take `review_state` out of a new record's body: whether it is to be approved at once."""
    if not definition.review or "review_state" not in body:
        return False
    state = body.pop("review_state")
    if state not in (ReviewState.DRAFT.value, ReviewState.APPROVED.value):
        raise InvalidInput.of("review_state", _("A new record is draft or approved."))
    return bool(state == ReviewState.APPROVED.value)


def version_of(body: dict[str, Any]) -> int | None:
    """Take `version` out of the body, or read If-Match: the version that the change was made on.

    None when neither is given: then nothing is compared. Raises InvalidInput, BadRequest.
    """
    given = body.pop("version", None)
    if given is not None:
        if isinstance(given, bool) or not isinstance(given, int):
            raise InvalidInput.of("version", _("This must be a whole number."))
        return given
    header = request.headers.get("If-Match", "").strip()
    if header in ("", "*"):
        return None
    plain = header.removeprefix("W/").strip('"')
    if not plain.isascii() or not plain.isdecimal() or len(plain) > 18:
        raise BadRequest(str(_('If-Match must be the ETag of the record, such as "3".')))
    return int(plain)


def merging(
    definition: EntityDefinition, body: Mapping[str, Any]
) -> tuple[list[int], dict[str, int]]:
    """What a merge asks for: `losers`, and `take`, by field the record whose value is taken.

    Raises InvalidInput naming what can't be taken.
    """
    problems = [
        Problem(name[:80], _("There is no field “%(name)s”.", name=name[:80]))
        for name in body
        if name not in ("losers", "take")
    ]
    losers, taken = body.get("losers"), body.get("take") or {}
    if not isinstance(losers, list) or not all(_is_id(item) for item in losers):
        problems.append(Problem("losers", _("This must be a list of ids of records.")))
    if not isinstance(taken, dict) or not all(_is_id(item) for item in taken.values()):
        problems.append(Problem("take", _("This must name, by field, the id of a record.")))
    elif unknown := [name for name in taken if name not in definition.fields]:
        name = unknown[0][:80]
        problems.append(Problem("take", _("There is no field “%(name)s”.", name=name)))
    if problems:
        raise InvalidInput(problems)
    return list(losers or ()), dict(taken)


def _is_id(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 < value <= MAX_IDENTIFIER
