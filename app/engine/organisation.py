"""The organisation: departments in a tree, teams, who stands in for whom, and shared records.

Entities like any other, with forms, history and undo; the policy reads them to know whose records
the scopes “team”, “department” and “department and below” mean.
"""

from __future__ import annotations

import datetime
from typing import Any

from flask_babel import lazy_gettext as _
from sqlalchemy import select

from app.engine import events
from app.engine.adapters.database import now
from app.engine.areas import SETTINGS
from app.engine.entity import DECLARED, Entity
from app.engine.errors import InvalidInput
from app.engine.fields import Boolean, Date, DateTime, EntityName, Integer, Owner, Reference, Text
from app.engine.graphs import Tree
from app.engine.rules import Saving, rule

LONGEST_SHARE = datetime.timedelta(days=366)
"""Of a record that people share themselves, and of a delegation: both end by themselves."""


class Department(
    Entity,
    area=SETTINGS.key,
    label=_("Department"),
    plural=_("Departments"),
    icon="sitemap",
    title="name",
    order="name",
    key="name",
    shapes_rights=True,
    tree=Tree("parent", "DepartmentMember", "department"),
):
    """A part of the company; the scope “department and below” goes down its tree."""

    name = Text(_("Name"), required=True, unique=True, max_length=100, search=True, pinyin=True)
    parent = Reference("Department", _("Parent department"), in_list=True)
    head = Owner(_("Head of department"), in_list=True)
    description = Text(_("Description"), max_length=300)

    @rule
    def no_circle(saving: Saving) -> None:  # noqa: N805
        if saving.record_id is None or not saving.changed("parent"):
            return
        session = saving.changes.session
        if _in_a_circle(session, saving.record_id, saving.values.get("parent")):
            saving.problem("parent", CIRCLE)


CIRCLE = _("A department can't belong to one below itself.")


def _in_a_circle(session: Any, department: int, above: int | None) -> bool:
    """Whether the department would come to lie below itself; tried, that is noted."""
    from app.engine import audit

    model: Any = DECLARED["Department"]
    seen = {department}
    while above is not None:
        if above in seen:
            why = {"department": department, "why": "a circle"}
            audit.refused("organisation.refused", why)
            return True
        seen.add(above)
        above = session.scalar(select(model.parent_id).where(model.id == above))
    return False


@events.on("Department", "undoing")
def _no_circle_by_undoing(changes: Any, record: Any) -> None:
    if _in_a_circle(changes.session, record.id, record.parent_id):
        raise InvalidInput.of("parent", CIRCLE)


class DepartmentMember(
    Entity,
    area=SETTINGS.key,
    label=_("Department member"),
    plural=_("Department members"),
    icon="user-check",
    title="person",
    scope_through="department",
    parent="department",
    shapes_rights=True,
):
    """Which department a person works in: one at a time."""

    person = Owner(_("Person"), required=True, unique=True, in_list=True, on_leaving="end")
    department = Reference("Department", _("Department"), required=True, in_list=True)
    duty = Text(_("Position"), max_length=100, in_list=True)


class Team(
    Entity,
    area=SETTINGS.key,
    label=_("Team"),
    plural=_("Teams"),
    icon="users",
    title="name",
    order="name",
    key="name",
    shapes_rights=True,
):
    """People of any departments who work on the same records."""

    name = Text(_("Name"), required=True, unique=True, max_length=100, search=True, pinyin=True)
    lead = Owner(_("Team lead"), in_list=True)
    description = Text(_("Description"), max_length=300)


class TeamMember(
    Entity,
    area=SETTINGS.key,
    label=_("Team member"),
    plural=_("Team members"),
    icon="user-check",
    title="person",
    scope_through="team",
    parent="team",
    unique_together=[("team", "person")],
    shapes_rights=True,
):
    """A person in a team; one may be in several."""

    team = Reference("Team", _("Team"), required=True, in_list=True)
    person = Owner(_("Person"), required=True, in_list=True, on_leaving="end")


class Delegation(
    Entity,
    area=SETTINGS.key,
    label=_("Delegation"),
    plural=_("Delegations"),
    icon="user-share",
    title="absent",
    order="-first_day",
    shapes_rights=True,
):
    """For some days somebody stands in for another: they see and keep the other's own records."""

    absent = Owner(_("Absent person"), required=True, in_list=True, on_leaving="end")
    substitute = Owner(_("Substitute"), required=True, in_list=True)
    first_day = Date(_("From"), required=True, in_list=True)
    last_day = Date(_("Until"), required=True, in_list=True)
    reason = Text(_("Reason"), max_length=200, in_list=True)

    @rule
    def days_follow(saving: Saving) -> None:  # noqa: N805
        first, last = saving.values.get("first_day"), saving.values.get("last_day")
        if first and last and last < first:
            saving.problem("last_day", _("The last day lies before the first one."))
        elif first and last and last - first > LONGEST_SHARE:
            saving.problem("last_day", _("A delegation lasts a year at most."))

    @rule
    def of_ones_own(saving: Saving) -> None:  # noqa: N805
        """Whoever may not make everybody's delegations makes their own only."""
        viewer = saving.changes.viewer
        if _limited(saving, "Delegation") and saving.values.get("absent") != viewer.user_id:
            saving.problem("absent", _("You can only name a substitute for yourself."))

    @rule
    def another_person(saving: Saving) -> None:  # noqa: N805
        if saving.values.get("absent") == saving.values.get("substitute"):
            saving.problem("substitute", _("Nobody can stand in for themselves."))


class RecordShare(
    Entity,
    area=SETTINGS.key,
    label=_("Shared record"),
    plural=_("Shared records"),
    icon="share",
    title="entity",
    shapes_rights=True,
    owned_by_maker=True,
):
    """One record that a person or a team may see, and perhaps edit, beyond their scope."""

    entity = EntityName(_("Entity"), required=True, max_length=60, in_list=True)
    record = Integer(_("Record"), required=True, in_list=True, index=True)
    person = Owner(_("Person"), in_list=True)
    team = Reference("Team", _("Team"), in_list=True)
    may_edit = Boolean(_("May edit"), default=False, in_list=True)
    until = DateTime(_("Until"), in_list=True)

    @rule
    def with_somebody(saving: Saving) -> None:  # noqa: N805
        if (saving.values.get("person") is None) == (saving.values.get("team") is None):
            saving.problem("person", _("Share with one person or one team."))

    @rule
    def of_ones_own(saving: Saving) -> None:  # noqa: N805
        """Whoever shares a record may change it, by their own rights."""
        entity, record = saving.values.get("entity") or "", saving.values.get("record")
        if entity not in DECLARED or DECLARED[entity].options.shapes_rights:
            saving.problem("entity", _("There is no entity of this name."))
        elif record is not None and not saving.changes.may_share(entity, record):
            saving.problem("record", _("Only who may change a record may share it."))

    @rule
    def for_a_while(saving: Saving) -> None:  # noqa: N805
        """What people share themselves ends by itself, at the latest after a year."""
        until = saving.values.get("until")
        if not _limited(saving, "RecordShare"):
            return
        if until is None or until > now() + LONGEST_SHARE:
            saving.problem("until", _("Say until when, a year from now at the latest."))


def _limited(saving: Saving, entity: str) -> bool:
    """Whether whoever saves may do so with some records of the entity only."""
    action = "create" if saving.new else "update"
    return bool(saving.changes.viewer.scope(entity, action) != "all")
