"""The pool: records without an owner, from which people take them and to which they give them back.

Which entity has one its declaration says (`pool=True`); what is allowed there stands in its rule, a
record like any other. In the pool nobody owns a record, so that whoever takes from it sees the
contact data only once it is theirs.
"""

from __future__ import annotations

from flask_babel import lazy_gettext as _

from app.engine.areas import SETTINGS
from app.engine.choices import Choices
from app.engine.entity import DECLARED, Entity
from app.engine.fields import Choice, DateTime, EntityName, Integer, Owner, Text
from app.engine.fields.number import within
from app.engine.rules import Saving, rule

MOST = 100_000
LIMITS = _("Taking")
BACK = _("Going back by itself")


class PoolRule(
    Entity,
    area=SETTINGS.key,
    label=_("Pool rule"),
    plural=_("Pool rules"),
    icon="adjustments",
    title="entity",
    key="entity",
):
    """How many records one may hold and take, and when they go back to the pool."""

    entity = EntityName(_("Entity"), required=True, unique=True, max_length=60, in_list=True)
    most_held = Integer(
        _("Most held by one person"),
        check=within(1, MOST),
        group=LIMITS,
        in_list=True,
        hint=_("Empty: any number."),
    )
    most_a_day = Integer(
        _("Most taken in a day"),
        check=within(1, MOST),
        group=LIMITS,
        in_list=True,
        hint=_("Empty: any number."),
    )
    cooling_days = Integer(
        _("Days before taking it back"),
        check=within(1, MOST),
        group=LIMITS,
        in_list=True,
        hint=_("So long the person who gave it back can't take it again. Empty: no wait."),
    )
    idle_days = Integer(
        _("Days without activity"),
        check=within(1, MOST),
        group=BACK,
        in_list=True,
        hint=_("After so many days without a change it goes back to the pool. Empty: never."),
    )

    @rule
    def has_a_pool(saving: Saving) -> None:  # noqa: N805
        known = DECLARED.get(saving.values.get("entity") or "")
        if known is None or not known.options.pool:
            saving.problem("entity", _("Records of this entity have no pool."))


class MoveKind(Choices):
    """Which way a record went."""

    TAKEN = "taken", _("Taken"), "green"
    RETURNED = "returned", _("Given back"), "yellow"
    IDLE = "idle", _("Went back by itself"), "gray"


class PoolMove(
    Entity,
    area=SETTINGS.key,
    label=_("Pool move"),
    plural=_("Pool moves"),
    icon="switch-horizontal",
    title="person",
    order="-at",
):
    """A record that was taken from the pool or went back to it: by whom, when and why."""

    person = Owner(_("Person"), required=True, in_list=True, on_leaving="keep")
    entity = EntityName(_("Entity"), required=True, max_length=60, in_list=True)
    record = Integer(_("Record"), required=True, in_list=True, index=True)
    kind = Choice(_("Move"), MoveKind, required=True, in_list=True)
    at = DateTime(_("When"), required=True, in_list=True)
    reason = Text(_("Reason"), max_length=200, in_list=True)
