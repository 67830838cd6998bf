"""What is written on a ticket: public replies, the customer's words, and notes that stay inside."""

from __future__ import annotations

from typing import Any

from flask_babel import lazy_gettext as _
from sqlalchemy import select

from app.domains.tickets import steps
from app.domains.tickets.choices import MessageKind, TicketState
from app.domains.tickets.ticket import Ticket
from app.engine import registry
from app.engine.entity import Entity
from app.engine.events import on
from app.engine.fields import Choice, DateTime, LongText, Reference
from app.engine.rules import Saving, rule
from app.engine.working_time import MINUTE


class TicketMessage(
    Entity,
    area="tickets",
    label=_("Message"),
    plural=_("Conversation"),
    icon="message",
    title="kind",
    order="-sent_at",
    scope_through="ticket",
    parent="ticket",
):
    """One message of a ticket's conversation. Internal notes are for those whose roles say so."""

    ticket = Reference("Ticket", _("Ticket"), required=True, in_list=True, on_delete="cascade")
    kind = Choice(
        _("Kind of message"),
        MessageKind,
        default=MessageKind.REPLY,
        required=True,
        in_list=True,
        hint=_("Internal notes never reach the customer."),
    )
    text = LongText(_("Text"), required=True, search=True, in_list=True)
    sent_at = DateTime(_("Sent at"), with_time=True, in_list=True, hint=_("Empty: now."))

    @rule
    def has_a_time(saving: Saving) -> None:  # noqa: N805
        values = saving.values
        values["sent_at"] = values.get("sent_at") or steps.now()
        if values["sent_at"] > steps.now() + MINUTE:
            saving.problem("sent_at", _("This lies in the future."))

    @rule
    def stays_what_it_is(saving: Saving) -> None:  # noqa: N805
        """A note that was written for colleagues is not made public later, nor the other way round."""
        if not saving.new and saving.changed("kind"):
            saving.problem("kind", _("Write a new message: this one stays what it is."))


@on("TicketMessage", "created")
def answer(changes: Any, message: Any) -> None:
    """The first public reply is the first response; the customer's word ends the waiting for it."""
    if changes.journal.door in ("import", "undo"):
        return
    ticket = changes.session.scalar(select(Ticket).where(Ticket.id == message.ticket_id))
    values: dict[str, Any] = {}
    if ticket is None:
        return
    if message.kind == MessageKind.REPLY:
        if ticket.first_response_at is None and ticket.solved_at is None:
            values["first_response_at"] = max(message.sent_at, ticket.opened_at or message.sent_at)
        if ticket.state == TicketState.NEW:
            values["state"] = TicketState.OPEN.value
    elif message.kind == MessageKind.CUSTOMER and ticket.state == TicketState.WAITING:
        values["state"] = TicketState.OPEN.value
    if values:
        changes.update(registry.current().entity("Ticket"), ticket.id, values)
