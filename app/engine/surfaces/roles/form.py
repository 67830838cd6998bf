"""The forms of a role: what it is called, and its lines on some entities."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import parse_qs, urlsplit

import wtforms
from flask import request
from flask_babel import gettext
from flask_babel import lazy_gettext as _
from werkzeug.datastructures import MultiDict

from app.engine import registry, views
from app.engine.adapters.appbuilder.forms import CheckList, Form
from app.engine.addresses import list_address
from app.engine.errors import InvalidInput
from app.engine.policy import ACCESS, ANY, BESIDE, PERSONAL, SCOPES, Grant, RoleRights, ViewUse
from app.engine.rights_grid import COLUMNS
from app.engine.rights_words import (
    ACCESS_WORDS,
    ACTION_WORDS,
    SCOPE_WORDS,
    condition_words,
    entity_word,
    field_word,
)
from app.engine.roles import RoleBook, RolePicture
from app.engine.roles.book import BROKEN, LONGEST, NAMES, Key
from app.engine.surfaces.roles.shown import NAME_WORDS, declared_fields

MOST_CONDITIONS = 10


class RoleForm(Form):
    """What a role is called, what it is for, and which roles it includes."""

    label_zh = wtforms.StringField(NAME_WORDS["label_zh"], [wtforms.validators.InputRequired()])
    label_en = wtforms.StringField(NAME_WORDS["label_en"], [wtforms.validators.InputRequired()])
    purpose_zh = wtforms.StringField(NAME_WORDS["purpose_zh"])
    purpose_en = wtforms.StringField(NAME_WORDS["purpose_en"])
    includes = CheckList(_("Has every right of these roles as well"), coerce=int)


def about_form(book: RoleBook, picture: RolePicture, role_id: int) -> RoleForm:
    """The form filled with the picture, or with what was posted."""
    data = {**picture.names, "includes": list(picture.includes)}
    posted = MultiDict(request.form) if request.method == "POST" else None
    form = RoleForm(posted, data=data)
    form.includes.choices = [
        (other, str(book.roles[other].label)) for other in sorted(book.roles) if other != role_id
    ]
    for name in NAMES:
        form[name].render_kw = {"maxlength": LONGEST[name]}
    return form


def about_posted(picture: RolePicture) -> RolePicture:
    """The picture with what the form says of names and includes. Raises InvalidInput."""
    data = picture.as_json()
    data.update({name: request.form.get(name, "").strip() for name in NAMES})
    data["includes"] = request.form.getlist("includes")
    return RolePicture.of_json(data)


# -- lines ---------------------------------------------------------------------------------


def chosen() -> list[str]:
    """The entities whose lines are to be edited. Raises InvalidInput without any."""
    known = {ANY, *BESIDE, *registry.current().entities}
    found = [name for name in dict.fromkeys(request.values.getlist("ids")) if name in known]
    if not found:
        raise InvalidInput.of(None, gettext("Choose at least one row."))
    return found


def blocks(picture: RolePicture, names: Sequence[str]) -> list[dict[str, Any]]:
    """For each entity its actions with their scopes, and its fields with their access."""
    return [_block(picture, name) for name in names]


def _block(picture: RolePicture, name: str) -> dict[str, Any]:
    definition = registry.current().entities.get(name)
    return {
        "name": name,
        "label": entity_word(name),
        "list_href": list_address(definition) if definition else None,
        "views": _views(picture, definition) if definition else [],
        "actions": [_action(picture, name, action) for action in COLUMNS],
        "fields": [_field(picture, name, field) for field in _field_names(name)],
    }


def _action(picture: RolePicture, name: str, action: str) -> dict[str, Any]:
    grant = picture.grants.get((name, action))
    without = {key: found for key, found in picture.grants.items() if key != (name, action)}
    follows = RoleRights(without, {}).grant(name, action)
    return {
        "name": action,
        "label": ACTION_WORDS[action],
        "scope": grant.scope if grant else "",
        "inherited": SCOPE_WORDS[follows.scope],
        "scopes": [(scope, SCOPE_WORDS[scope]) for scope in _scopes(name)],
        "conditions": "\n".join(grant.own_conditions) if grant else "",
        "view": grant.view.view_id if grant and grant.view else None,
        "words": [condition_words(name, text) for text in grant.conditions] if grant else [],
    }


def _views(picture: RolePicture, definition: registry.EntityDefinition) -> list[tuple[int, str]]:
    """The views that conditions can be taken from, by number and name."""
    used = {
        grant.view.view_id
        for (entity, _action), grant in picture.grants.items()
        if entity == definition.name and grant.view is not None
    }
    return [(view.id, view.name) for view in views.offered_to_roles(definition, used)]


def _scopes(name: str) -> Sequence[str]:
    return ("none", "all") if name in BESIDE else SCOPES


def _field_names(name: str) -> list[str]:
    if name == ANY:
        return [PERSONAL]
    definition = registry.current().entities.get(name)
    if definition is None:
        return []
    fields = declared_fields(definition)
    personal = [PERSONAL] if any(field.personal for field in fields) else []
    return [ANY, *personal, *(field.name for field in fields)]


def _field(picture: RolePicture, entity: str, name: str) -> dict[str, Any]:
    definition = registry.current().entities.get(entity)
    field = definition.fields.get(name) if definition else None
    personal = bool(field is not None and field.personal)
    without = {key: found for key, found in picture.fields.items() if key != (entity, name)}
    return {
        "name": name,
        "label": field_word(entity, name),
        "personal": personal,
        "access": picture.fields.get((entity, name), ""),
        "inherited": ACCESS_WORDS[RoleRights({}, without).access(entity, name, personal)],
    }


def accesses() -> list[tuple[str, Any]]:
    """What can be chosen for a field."""
    return [(access, ACCESS_WORDS[access]) for access in ACCESS]


def lines_posted(picture: RolePicture, names: Sequence[str]) -> RolePicture:
    """The picture with the lines that the form sent. Raises InvalidInput for what is no line."""
    grants: dict[Key, Grant | None] = {}
    fields: dict[Key, str] = {}
    for name in names:
        for action in COLUMNS:
            grants[name, action] = _grant_posted(name, action)
        for field in _field_names(name):
            access = request.form.get(f"a.{name}.{field}", "")
            if access not in ("", *ACCESS):
                raise InvalidInput.of(None, BROKEN)
            fields[name, field] = access
    return picture.with_lines(grants, fields)


def _grant_posted(name: str, action: str) -> Grant | None:
    scope = request.form.get(f"g.{name}.{action}", "")
    if scope not in ("", *SCOPES):
        raise InvalidInput.of(None, BROKEN)
    if not scope:
        return None
    if scope == "none":
        return Grant(scope)
    written = request.form.get(f"c.{name}.{action}", "")
    return Grant.of(scope, _conditions(name, written), _view_posted(name, action))


def _view_posted(name: str, action: str) -> ViewUse | None:
    """What the chosen view says now. Raises InvalidInput."""
    view_id = request.form.get(f"v.{name}.{action}", 0, type=int)
    definition = registry.current().entities.get(name)
    return views.taken_from(definition, view_id) if view_id and definition else None


def _conditions(name: str, written: str) -> tuple[str, ...]:
    """A line each: a condition, or the address of a list that is filtered so."""
    found: list[str] = []
    for line in written.splitlines():
        text = line.strip()
        found += _filters(name, text) if "?" in text and "f=" in text else [text] if text else []
    if len(found) > MOST_CONDITIONS:
        message = gettext("At most %(number)s conditions for one action.", number=MOST_CONDITIONS)
        raise InvalidInput.of(None, message)
    return tuple(dict.fromkeys(text[:500] for text in found))


def _filters(name: str, address: str) -> list[str]:
    """The filters of a list's address, when it is a list of this entity."""
    parts = urlsplit(address)
    definition = registry.current().entities.get(name)
    if definition is None or not parts.path.rstrip("/").endswith(f"/{definition.key}"):
        return [address]
    return parse_qs(parts.query).get("f", [])
