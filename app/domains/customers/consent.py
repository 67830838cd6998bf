"""Consent: what a person has allowed us to do with their data, when and by which way."""

from __future__ import annotations

from typing import Any

from flask_babel import lazy_gettext as _
from sqlalchemy import select

from app.domains.customers.contact import Contact
from app.engine import registry
from app.engine.choices import Choices
from app.engine.entity import Entity
from app.engine.events import on
from app.engine.fields import Choice, DateTime, LongText, Reference, Text
from app.engine.rules import Saving, rule


class Purpose(Choices):
    """What a person's data may be used for."""

    SERVICE = "service", _("Contract and service")
    MARKETING = "marketing", _("Marketing")
    SURVEY = "survey", _("Surveys")
    SHARING = "sharing", _("Passing on to partners")
    ABROAD = "abroad", _("Transfer abroad")


class ConsentState(Choices):
    """Whether a consent counts."""

    GIVEN = "given", _("Given"), "green"
    WITHDRAWN = "withdrawn", _("Withdrawn"), "red"
    REPLACED = "replaced", _("Replaced by a later one"), "gray"


class Consent(
    Entity,
    area="customers",
    label=_("Consent"),
    plural=_("Consents"),
    icon="circle-check",
    title="source",
    order="-given_at",
    scope_through="contact",
    parent="contact",
):
    """A person's consent to one use of their data; a later one takes the place of the one before."""

    contact = Reference("Contact", _("Contact"), required=True, in_list=True, on_delete="cascade")
    purpose = Choice(_("Purpose"), Purpose, required=True, in_list=True)
    channel = Choice(_("Channel"), "channel", in_list=True, hint=_("Empty: every channel."))
    state = Choice(
        _("State"), ConsentState, default=ConsentState.GIVEN, read_only=True, in_list=True
    )
    given_at = DateTime(_("Given at"), required=True, in_list=True)
    withdrawn_at = DateTime(
        _("Withdrawn at"), in_list=True, hint=_("Fill it in when the person takes it back.")
    )
    source = Text(
        _("Source"),
        required=True,
        max_length=200,
        in_list=True,
        hint=_("Where it was given, such as a form, a call or a fair."),
    )
    evidence = LongText(
        _("Evidence"), max_length=5000, hint=_("Their words, or where the proof is.")
    )

    @rule
    def in_order(saving: Saving) -> None:  # noqa: N805
        given, taken = saving.values.get("given_at"), saving.values.get("withdrawn_at")
        if given and taken and taken < given:
            saving.problem("withdrawn_at", _("It can't be withdrawn before it was given."))

    @rule
    def stands(saving: Saving) -> None:  # noqa: N805
        """Withdrawn once there is a time of it; one that was replaced stays so."""
        if saving.values.get("state") == ConsentState.REPLACED and not saving.new:
            return
        withdrawn = saving.values.get("withdrawn_at") is not None
        state = ConsentState.WITHDRAWN if withdrawn else ConsentState.GIVEN
        saving.values["state"] = state.value


@on("Consent", "created")
def take_the_place(changes: Any, consent: Any) -> None:
    """An earlier consent of the person to the same purpose by the same channel counts no more."""
    changes.session.scalar(
        select(Contact.id).where(Contact.id == consent.contact_id).with_for_update()
    )
    model: Any = Consent
    same = select(model).where(
        model.contact_id == consent.contact_id,
        model.purpose == consent.purpose,
        model.channel == consent.channel
        if consent.channel is not None
        else model.channel.is_(None),
        model.state != ConsentState.REPLACED.value,
        model.id != consent.id,
    )
    definition = registry.current().entity("Consent")
    for earlier in changes.session.scalars(same).all():
        prepared = changes.checker.update(definition, earlier, {})
        prepared.values["state"] = ConsentState.REPLACED.value
        prepared.changed.append("state")
        changes.write(prepared, earlier)
