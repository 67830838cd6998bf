"""Saved views: a list with its filters, search and order under a name, one's own or shared.

Entities like any other, with forms, API, history and undo. What a view selects is kept as its list's
address. A role's scope may take its conditions from a view: the role keeps them beside its reference,
so that rights never follow from what somebody writes into a view, and the view of a role is changed
together with the role or not at all.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar
from urllib.parse import urlsplit

from flask_babel import lazy_gettext as _
from markupsafe import Markup, escape
from sqlalchemy import inspect

from app.engine import events
from app.engine.adapters.database import in_turn
from app.engine.areas import SETTINGS
from app.engine.entity import DECLARED, Entity, key_of
from app.engine.errors import InvalidInput, StewardError, ValueProblem
from app.engine.fields import Boolean, EntityName, Owner, Tags, Text
from app.engine.fields.base import MASK, Row
from app.engine.rules import Saving, rule

LONGEST = 4_000
"""Of an address; what browsers and servers take without asking."""

WITH_ROLES = "role_view"
"""In the session's `info`: the view that is changed together with the roles that use it."""

USED_BY_ROLES = "views of roles"
"""What waits for each other: a role that takes a view into use, and the changing of that view."""


class ListState(Text):
    """The address of a list with its filters. It is read only by who may see every field in it."""

    guarded = True
    operators: ClassVar[Sequence[str]] = ()
    sortable = False

    def normalise(self, value: Any) -> Any:
        text = super().normalise(value)
        if text is None:
            return None
        parts = urlsplit(text)
        if not parts.path.startswith("/") or len(parts.path.strip("/").split("/")) != 1:
            raise ValueProblem(_("Filter the list as wanted and give its address."))
        return f"{parts.path.rstrip('/')}/" + (f"?{parts.query}" if parts.query else "")

    def guard(self, value: Any) -> Any:
        from app.engine.views import may_read

        return value if value is None or may_read(value) else MASK

    def cell(self, value: Any, row: Row | None = None) -> Markup | str:
        if not value or value == MASK:
            return escape(value or "")
        return Markup('<a href="{0}">{0}</a>').format(value)


class SavedView(
    Entity,
    area=SETTINGS.key,
    label=_("View"),
    plural=_("Views"),
    icon="bookmark",
    title="name",
    order="name",
):
    """A list as somebody wants to find it again: what it shows, in which order."""

    name = Text(_("Name"), required=True, max_length=80, search=True, pinyin=True)
    entity = EntityName(_("Entity"), required=True, max_length=60, index=True, in_list=True)
    address = ListState(
        _("Address"),
        required=True,
        max_length=LONGEST,
        in_list=False,
        hint=_("Filter and sort the list as wanted, and give its address."),
    )
    owner = Owner(_("Owner"), in_list=True)
    everyone = Boolean(_("Shared with everyone"), default=False, in_list=True)
    roles = Tags(
        _("Shared with roles"), in_form=False, hint=_("The numbers of the roles, as text.")
    )

    @rule
    def of_a_list(saving: Saving) -> None:  # noqa: N805
        """It names a list that there is, and only fields that whoever saves it may see."""
        if not saving.new and saving.changed("entity"):
            saving.problem("entity", _("This can't be changed once the view exists."))
        elif saving.changed("address"):
            _check_address(saving)

    @rule
    def shared_by_right(saving: Saving) -> None:  # noqa: N805
        """Sharing shapes other people's lists: for whoever may make views beyond their own."""
        shared = saving.values.get("everyone") or saving.values.get("roles")
        changed = saving.changed("everyone") or saving.changed("roles")
        if changed and shared and not may_share(saving.changes.viewer):
            saving.problem("everyone", _("Your roles let you make views for yourself only."))
        if saving.changed("roles") and not set(saving.values.get("roles") or ()) <= _role_numbers(
            saving.changes.session
        ):
            saving.problem("roles", _("There is no such role any more."))

    @rule
    def with_its_roles(saving: Saving) -> None:  # noqa: N805
        """Nobody changes what a role reaches by changing a view."""
        session = saving.changes.session
        if saving.new or not saving.changed("address"):
            return
        if session.info.get(WITH_ROLES) == saving.record_id:
            return
        if names := names_of_roles_using(session, saving.record_id):
            saving.problem("address", _in_use(names))


def _in_use(names: str) -> Any:
    return _(
        "Roles take their conditions from this view: %(roles)s. Only who may change roles changes its"
        " filters, from the list, with a look at who gains and loses what.",
        roles=names,
    )


def may_share(viewer: Any) -> bool:
    """Whether they may make views for others."""
    return viewer.scope("SavedView", "create") not in ("none", "own")


def _check_address(saving: Saving) -> None:
    """The address as it is kept, or the problem with it."""
    from app.engine.views import settled

    name, address = saving.values.get("entity") or "", saving.values.get("address") or ""
    if name not in DECLARED:
        saving.problem("entity", _("There is no entity of this name."))
    elif not address.startswith(f"/{key_of(name)}/"):
        saving.problem("address", _("This is the address of another list."))
    else:
        try:
            saving.values["address"] = settled(name, address, saving.changes.viewer)
        except StewardError as error:
            saving.problem("address", error.message)


def names_of_roles_using(session: Any, view_id: int | None) -> str:
    """The roles that take conditions from the view, by name; nobody takes it into use meanwhile."""
    from app.engine.policy import roles_using_view

    in_turn(session, [USED_BY_ROLES])
    labels = [str(label) for label in roles_using_view(session, view_id or 0).values()]
    return str(_(", ")).join(labels)


def _role_numbers(session: Any) -> set[str]:
    from app.engine.adapters.appbuilder.roles import role_names

    return {str(number) for number in role_names(session)}


@events.on("SavedView", "trashed")
def _stays_while_used(changes: Any, record: Any) -> None:
    if names := names_of_roles_using(changes.session, record.id):
        raise InvalidInput.of(
            None,
            _("“%(view)s” can't be deleted: roles take their conditions from it: %(roles)s.",
              view=record.name, roles=names),
        )  # fmt: skip


@events.on("SavedView", "undoing")
def _not_by_undoing(changes: Any, record: Any) -> None:
    present = inspect(record)
    if present.modified and not present.attrs.address.history.has_changes():
        return  # of what it is called, or with whom it is shared
    if names := names_of_roles_using(changes.session, record.id):
        raise InvalidInput.of(None, _in_use(names))
