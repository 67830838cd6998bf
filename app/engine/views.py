"""Saved views at work: whose there are, what one selects, which opens by itself, and roles' use of them.

Whose view it is does not say who may use it: those shared with somebody are found here for them,
though the rows of views are otherwise everybody's own. What a view names and its reader may not see
is not told, and a view that names it selects nothing for them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from flask import g, has_request_context
from flask_babel import lazy_gettext as _
from sqlalchemy import Integer, String, delete, or_, select
from sqlalchemy.orm import Mapped, Session, mapped_column
from werkzeug.datastructures import MultiDict

from app.engine import policy
from app.engine.adapters.database import Identifier, Model, db, write_transaction
from app.engine.addresses import ListAddress, list_address
from app.engine.conditions import Condition
from app.engine.entity import DECLARED
from app.engine.errors import InvalidInput, NotFound, StewardError
from app.engine.policy import Viewer, ViewUse
from app.engine.presentation import offered_columns
from app.engine.registry import EntityDefinition, current

NAME = "SavedView"
LISTED = 200
ALL = "all"
"""In an address in place of a view's number: no view, though one would open by itself."""


class DefaultView(Model):
    """The view that a person's list of an entity opens with."""

    __tablename__ = "default_view"

    user_id: Mapped[int] = mapped_column(Integer, primary_key=True)
    entity: Mapped[str] = mapped_column(String(60), primary_key=True)
    view_id: Mapped[int] = mapped_column(Identifier)


@dataclass(frozen=True)
class View:
    """A saved view as it stands."""

    id: int
    name: str
    entity: str
    address: str
    owner_id: int | None
    everyone: bool
    roles: tuple[int, ...]
    version: int

    @property
    def state(self) -> ListAddress:
        """What the list shows. Raises ValueProblem for what no list understands."""
        return state_of(self.address)


def state_of(address: str) -> ListAddress:
    """What a list's address says, from its first page on. Raises ValueProblem."""
    args = MultiDict(parse_qsl(urlsplit(address).query))
    return ListAddress.parse(args).first_page(view="")


def settled(name: str, address: str, viewer: Viewer) -> str:
    """The address as it is kept. Raises StewardError for what the viewer may not ask for."""
    definition = current().entity(name)
    state = state_of(address)
    _try(definition, state, viewer)
    return seen_by(definition, state, viewer).href(list_address(definition), paging=False)


def seen_by(definition: EntityDefinition, state: ListAddress, viewer: Viewer) -> ListAddress:
    """The list without columns that the viewer may not know of, or that are gone."""
    if not state.columns:
        return state
    known = offered_columns(definition, viewer)
    return replace(state, columns=tuple(name for name in state.columns if name in known))


def may_read(address: str) -> bool:
    """Whether the viewer may see what an address filters and sorts by, and its columns."""
    try:
        definition = current().by_key[urlsplit(address).path.strip("/")]
        viewer, state = policy.current_viewer(), state_of(address)
        _try(definition, state, viewer)
        if seen_by(definition, state, viewer) != state:
            return False
    except (StewardError, KeyError):
        return False
    return True


def _try(definition: EntityDefinition, state: ListAddress, viewer: Viewer) -> None:
    """Raises StewardError unless the viewer may ask for the list so."""
    viewer.require(definition.name, "read")
    with policy.acting_as(viewer):
        state.records(definition)


# -- whose -----------------------------------------------------------------------------------


def usable(definition: EntityDefinition) -> list[View]:
    """The views of the entity that the viewer may use: their own first, by name."""
    viewer = policy.current_viewer()
    if not _may_know(viewer) or viewer.user_id is None:
        return []
    found = [view for view in _read(definition.name, viewer.user_id) if _may_use(view, viewer)]
    return sorted(found, key=lambda view: (view.owner_id != viewer.user_id, view.name))


def get(definition: EntityDefinition, view_id: int) -> View:
    """A view that the viewer may use. Raises NotFound."""
    viewer = policy.current_viewer()
    found = stored(view_id)
    if found is None or found.entity != definition.name or not _may_know(viewer):
        raise NotFound(_("There is no such view."))
    if not _may_use(found, viewer):
        raise NotFound(_("There is no such view."))
    return found


def _may_know(viewer: Viewer) -> bool:
    """Whether they may read views at all, by their names."""
    return viewer.can(NAME, "read") and policy.sees(current().entity(NAME), ("name",), viewer)


def _may_use(view: View, viewer: Viewer) -> bool:
    mine = view.owner_id is not None and view.owner_id == viewer.user_id
    shared = view.everyone or not set(view.roles).isdisjoint(viewer.role_ids)
    return mine or shared or viewer.scope(NAME, "read") == "all"


def may_change(view: View) -> bool:
    """Whether the viewer may give it another name, other filters, or to others."""
    viewer = policy.current_viewer()
    scope = viewer.scope(NAME, "update")
    return scope == "all" or (scope != "none" and view.owner_id == viewer.user_id)


def opens(definition: EntityDefinition, view: View) -> bool:
    """Whether the viewer may see every field that it filters and sorts by."""
    try:
        _try(definition, view.state, policy.current_viewer())
    except StewardError:
        return False
    return True


_REASON = "views are used by those whom they are shared with; who that is is asked here"


def stored(view_id: int, session: Session | None = None) -> View | None:
    """A view by its number, whoever may use it; of a transaction under way with its session."""
    model: Any = DECLARED[NAME]
    statement = select(model).where(model.id == view_id, model.deleted_at.is_(None))
    connection = session.connection() if session is not None else None
    with policy.unrestricted(_REASON, connection) as own:
        found = own.scalar(statement)
        return _view(found) if found is not None else None


def _read(entity: str, user_id: int | None) -> list[View]:
    """Views of the entity that are this person's or shared; None: everybody's."""
    model: Any = DECLARED[NAME]
    statement = select(model).where(model.entity == entity, model.deleted_at.is_(None))
    if user_id is not None:
        mine = model.owner_id == user_id
        statement = statement.where(or_(mine, model.everyone.is_(True), model.roles.is_not(None)))
    with policy.unrestricted(_REASON) as session:
        rows = session.scalars(statement.order_by(model.name_sort, model.id).limit(LISTED))
        return [_view(row) for row in rows]


def _view(row: Any) -> View:
    numbers = tuple(int(number) for number in row.roles or () if str(number).isdecimal())
    return View(
        row.id, row.name, row.entity, row.address, row.owner_id, bool(row.everyone), numbers,
        row.version,
    )  # fmt: skip


def name_in(definition: EntityDefinition, number: str) -> str | None:
    """What the view is called that an address names by its number, for who may use it."""
    if not number.isdecimal():
        return None
    try:
        return get(definition, int(number)).name
    except NotFound:
        return None


def names_of(view_ids: set[int]) -> dict[int, str]:
    """What views are called, for those who read roles; asked once a page."""
    known: dict[int, str] = g.setdefault("view_names", {}) if has_request_context() else {}
    if missing := view_ids - known.keys():
        model: Any = DECLARED[NAME]
        with policy.unrestricted("roles are read with the names of their views") as session:
            rows = session.execute(select(model.id, model.name).where(model.id.in_(missing)))
            known |= {**dict.fromkeys(missing, "#"), **{row[0]: row[1] for row in rows}}
    return {view_id: known[view_id] for view_id in view_ids}


# -- the one that opens by itself ------------------------------------------------------------


def default_of(definition: EntityDefinition) -> int | None:
    """The number of the view that the viewer's list opens with."""
    viewer = policy.current_viewer()
    if viewer.user_id is None or not _may_know(viewer):
        return None
    found: int | None = db.session.scalar(
        select(DefaultView.view_id).where(
            DefaultView.user_id == viewer.user_id, DefaultView.entity == definition.name
        )
    )
    return found


def choose_default(definition: EntityDefinition, view_id: int | None) -> None:
    """Let the viewer's list open with this view; None: with all records. Raises NotFound."""
    if view_id is not None:
        get(definition, view_id)
    user_id = policy.current_viewer().user_id
    of_it = (DefaultView.user_id == user_id, DefaultView.entity == definition.name)
    with write_transaction() as session:
        session.execute(delete(DefaultView).where(*of_it))
        if view_id is not None and user_id is not None:
            session.add(DefaultView(user_id=user_id, entity=definition.name, view_id=view_id))


# -- for roles -------------------------------------------------------------------------------


def offered_to_roles(definition: EntityDefinition, used: set[int]) -> list[View]:
    """The views that a role's conditions can be taken from, those that it uses already included."""
    found = [view for view in usable(definition) if _conditions(view.address)]
    known = {view.id for view in found}
    others = [stored(view_id) for view_id in sorted(used - known)]
    return [*found, *(view for view in others if view is not None)]


def taken_from(definition: EntityDefinition, view_id: int) -> ViewUse:
    """What a role takes from the view as it stands. Raises InvalidInput."""
    found = stored(view_id)
    if found is None or found.entity != definition.name:
        raise InvalidInput.of(None, _("There is no such view."))
    return use_of(view_id, found.address)


def use_of(view_id: int, address: str) -> ViewUse:
    """What a role takes from a view of this address. Raises InvalidInput without filters."""
    conditions = _conditions(address)
    if not conditions:
        raise InvalidInput.of(
            None, _("A role takes conditions from a view that filters, and does not search for text.")
        )  # fmt: skip
    return ViewUse(view_id, tuple(str(condition) for condition in conditions))


def _conditions(address: str) -> tuple[Condition, ...]:
    try:
        state = state_of(address)
    except StewardError:
        return ()
    return () if state.text else state.conditions
