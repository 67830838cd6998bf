"""Rights in words: actions, scopes, field access, and what they are about."""

from __future__ import annotations

from typing import Any

from flask_babel import lazy_gettext as _

from app.engine import views
from app.engine.conditions import Condition, described
from app.engine.errors import StewardError
from app.engine.policy import ANY, AUDIT, PERSONAL, PERSONAL_DATA, SYSTEM, USERS, VIEW_AS, Grant
from app.engine.registry import current

ACTION_WORDS = {
    "read": _("read"),
    "create": _("add"),
    "update": _("edit"),
    "delete": _("delete"),
    "approve": _("approve"),
    "import": _("import"),
    "export": _("export"),
    "purge": _("purge"),
    "take": _("take from the pool"),
    "unmask": _("show masked values"),
    ANY: _("everything"),
}
SCOPE_WORDS = {
    "none": _("nothing"),
    "own": _("own records"),
    "team": _("the teams' records"),
    "department": _("the department's records"),
    "branch": _("those of the department and below"),
    "all": _("all records"),
}
ACCESS_WORDS = {
    "hidden": _("hidden"),
    "masked": _("masked"),
    "read": _("read only"),
    "write": _("editable"),
}
NAMES = {
    ANY: _("Everything"),
    SYSTEM: _("The system"),
    USERS: _("Users and roles"),
    VIEW_AS: _("Viewing as another person"),
    PERSONAL_DATA: _("What is held on one person"),
    AUDIT: _("Audit log"),
}


def entity_word(name: str) -> Any:
    """What rights on this name are about."""
    if name in NAMES:
        return NAMES[name]
    known = current().entities
    return known[name].plural if name in known else name


def field_word(entity: str, name: str) -> Any:
    """What access to this field name is about."""
    if name == PERSONAL:
        return _("Personal data")
    if name == ANY:
        return _("All fields")
    known = current().entities
    if entity in known and name in known[entity].fields:
        return known[entity].fields[name].label
    return name


def grant_words(entity: str, grant: Grant) -> str:
    """A grant on an entity in the reader's words: “own records, if Grade is one of Gold”."""
    scope = str(SCOPE_WORDS[grant.scope])
    if not grant.conditions:
        return scope
    conditions = str(_("; ")).join(condition_words(entity, text) for text in grant.conditions)
    if grant.view is None:
        return str(_("%(scope)s, if %(conditions)s", scope=scope, conditions=conditions))
    view = views.names_of({grant.view.view_id})[grant.view.view_id]
    return str(
        _("%(scope)s, if by the view “%(view)s” %(conditions)s", scope=scope, view=view, conditions=conditions)
    )  # fmt: skip


def condition_words(entity: str, text: str) -> str:
    """One condition of a grant in the reader's words."""
    try:
        condition = Condition.parse(text)
        return described(current().entity(entity).field(condition.field), condition)
    except StewardError:
        return str(_("“%(text)s”, which nothing meets any more", text=text))
