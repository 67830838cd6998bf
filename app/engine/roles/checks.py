"""What no change of a role may do: lock everybody out, go in a circle, ask for what is not there."""

from __future__ import annotations

from collections.abc import Iterator

from flask_babel import lazy_gettext as _
from sqlalchemy.orm import Session

from app.engine import views
from app.engine.adapters.appbuilder.roles import holders
from app.engine.conditions import Condition
from app.engine.errors import NotFound, Problem, StewardError
from app.engine.policy import (
    ANY,
    BESIDE,
    PERSONAL,
    USERS,
    ActionChange,
    Grant,
    Viewer,
    given_beyond,
)
from app.engine.registry import current
from app.engine.rights_words import ACTION_WORDS, entity_word, field_word
from app.engine.roles.book import RoleBook, RolePicture

TAKEN = _("You can't give rights that you don't have yourself.")
LAST = _("One active administrator must remain.")
OWN = _("You can't take your own right to manage users away.")


def problems_of(
    session: Session,
    before: RoleBook,
    after: RoleBook,
    role_id: int,
    viewer: Viewer,
    as_proposed: bool = False,
) -> list[Problem]:
    """All that is wrong with putting one book in place of the other.

    `as_proposed`: the saved views that the role takes conditions from are to be changed with it.
    """
    old, new = before.roles.get(role_id), after.roles.get(role_id)
    found: list[Problem] = []
    if new is not None:
        found += _names(after, role_id, new)
        found += _includes(after, role_id, new)
        found += _lines(old, new)
        found += [] if as_proposed else _views(session, old, new)
    if not found:
        found += _beyond_the_editor(before, after, role_id, viewer)
        found += _locked_out(session, before, after, viewer)
    return found


def _names(book: RoleBook, role_id: int, role: RolePicture) -> Iterator[Problem]:
    for name in ("label_zh", "label_en"):
        label = role.names[name].strip()
        if not label:
            yield Problem(name, _("This field is required."))
        elif any(
            other.names[name].strip().casefold() == label.casefold()
            for other_id, other in book.roles.items()
            if other_id != role_id
        ):
            yield Problem(name, _("Another role is called so."))


def _includes(book: RoleBook, role_id: int, role: RolePicture) -> Iterator[Problem]:
    for other in role.includes:
        if other not in book.roles:
            yield Problem("includes", _("There is no such role any more."))
        elif role_id in book.closure([other]):
            yield Problem(
                "includes",
                _("“%(role)s” includes this role: it would include itself.", role=book.roles[other].label),
            )  # fmt: skip


def _lines(old: RolePicture | None, new: RolePicture) -> Iterator[Problem]:
    """Lines that differ must be about what there is; those that stood before may stay."""
    known_grants = old.grants if old is not None else {}
    for (entity, action), grant in new.grants.items():
        if known_grants.get((entity, action)) != grant:
            yield from _grant(entity, action, grant)
    known_fields = old.fields if old is not None else {}
    for (entity, name), access in new.fields.items():
        if known_fields.get((entity, name)) != access and not _is_field(entity, name):
            yield Problem(
                None,
                _("%(entity)s: there is no field “%(name)s”.", entity=entity_word(entity), name=name),
            )  # fmt: skip


def _grant(entity: str, action: str, grant: Grant) -> Iterator[Problem]:
    if entity not in (ANY, *BESIDE, *current().entities):
        yield Problem(None, _("There is no entity “%(name)s”.", name=entity))
        return
    where = {"entity": entity_word(entity), "action": ACTION_WORDS[action]}
    if entity in BESIDE and grant.scope not in ("none", "all"):
        yield Problem(
            None, _("%(entity)s, %(action)s: only all or nothing can be granted.", **where)
        )
    if entity in (ANY, *BESIDE) and grant.conditions:
        yield Problem(None, _("%(entity)s, %(action)s: conditions need an entity.", **where))
        return
    for text in grant.conditions:
        try:
            _try_condition(entity, text)
        except StewardError as error:
            yield Problem(
                None,
                _("%(entity)s, %(action)s: “%(text)s” is no condition: %(why)s", text=text[:80], why=error, **where),
            )  # fmt: skip


def _views(session: Session, old: RolePicture | None, new: RolePicture) -> Iterator[Problem]:
    known = old.grants if old is not None else {}
    for (entity, action), grant in new.grants.items():
        if known.get((entity, action)) != grant:
            yield from _view(session, entity, action, grant)


def _view(session: Session, entity: str, action: str, grant: Grant) -> Iterator[Problem]:
    """A grant takes from a view what that says now, not what it once said."""
    if grant.view is None:
        return
    where = {"entity": entity_word(entity), "action": ACTION_WORDS[action]}
    found = views.stored(grant.view.view_id, session)
    try:
        same = (
            found is not None
            and found.entity == entity
            and views.use_of(found.id, found.address) == grant.view
        )
    except StewardError:
        same = False
    if not same:
        name = found.name if found is not None else f"#{grant.view.view_id}"
        yield Problem(
            None,
            _("%(entity)s, %(action)s: the view “%(view)s” says something else now, or is gone. Choose it again, or change the view.", view=name, **where),
        )  # fmt: skip


def _try_condition(entity: str, text: str) -> None:
    """Raises StewardError for a condition that no query can be made of."""
    condition = Condition.parse(text)
    definition = current().entity(entity)
    field = definition.field(condition.field)
    if condition.operator not in field.operators:
        raise NotFound(_("%(field)s can't be compared so.", field=field.label))
    field.clause(field.expression(definition.model), condition.operator, condition.operand)


def _is_field(entity: str, name: str) -> bool:
    if entity == ANY:
        return name == PERSONAL
    known = current().entities
    return entity in known and (name in (ANY, PERSONAL) or name in known[entity].fields)


def _beyond_the_editor(
    before: RoleBook, after: RoleBook, role_id: int, viewer: Viewer
) -> list[Problem]:
    """Nobody gives more than they have, through this role or one that includes it."""
    if viewer.unlimited:
        return []
    for other in sorted(after.including(role_id)):
        beyond = given_beyond(before.rights([other]), after.rights([other]), viewer.rights)
        if beyond is not None:
            if isinstance(beyond, ActionChange):
                what = str(ACTION_WORDS[beyond.action])
            else:
                what = str(field_word(beyond.entity, beyond.field))
            said = {"entity": entity_word(beyond.entity), "action": what}
            return [Problem(None, TAKEN), Problem(None, _("%(entity)s: %(action)s", **said))]
    return []


def _locked_out(
    session: Session, before: RoleBook, after: RoleBook, viewer: Viewer
) -> Iterator[Problem]:
    """Somebody must be able to do everything, and nobody takes their own keys away."""
    touched = {*before.roles, *after.roles}
    people = holders(session, touched)
    were = any(before.rights(person.role_ids).scope(ANY, ANY) == "all" for person in people)
    are = any(after.rights(person.role_ids).scope(ANY, ANY) == "all" for person in people)
    if were and not are:
        yield Problem(None, LAST)
    mine = viewer.role_ids
    may = before.rights(mine).scope(USERS, "update") != "none"
    if may and after.rights(mine).scope(USERS, "update") == "none":
        yield Problem(None, OWN)


__all__ = ["problems_of"]
