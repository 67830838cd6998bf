"""The customer's own word: whether the request is solved and how it went, by a link, without an account.

The link is made when a ticket is solved and mailed where there is an address; colleagues may make
another one to hand over. What the customer says closes the ticket, or opens it again.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any

from flask_babel import lazy_gettext as _

from app.domains.tickets import choices, steps
from app.domains.tickets.ticket import BEST, WORST, Ticket
from app.engine import links, registry
from app.engine.actions import Action, Told
from app.engine.events import on
from app.engine.labels import in_office_language
from app.engine.links import Item, Purpose, Recipient
from app.engine.onward import make_once

PURPOSE = "ticket.rating"
LOW = 2
"""A rating of so much or less is looked after."""

LASTS = datetime.timedelta(days=14)
DAYS_TO_FOLLOW_UP = 1
YES, NO = "yes", "no"


def _items(_ticket: Any) -> list[Item]:
    return [
        Item(
            "solved",
            _("Is your request solved?"),
            "one",
            options=((YES, _("Yes, it is solved")), (NO, _("No, not yet"))),
        ),
        Item(
            "rating",
            _("How satisfied are you with our service?"),
            "scale",
            low=WORST,
            high=BEST,
            low_label=_("not at all"),
            high_label=_("very much"),
        ),
        Item("comment", _("What could we do better?"), "text", required=False),
    ]


def _heading(_ticket: Any) -> Any:
    return _("Your request has been worked on")


def _lines(ticket: Any) -> list[Any]:
    return [_("%(number)s: %(subject)s", number=ticket.number, subject=ticket.subject)]


def _act(changes: Any, ticket: Any, values: Mapping[str, Any]) -> None:
    """Solved: confirmed, and closed where nothing is missing. Not solved: in work again."""
    definition, solved = registry.current().entity("Ticket"), values["solved"] == YES
    state = choices.TicketState.CONFIRMED if solved else choices.TicketState.OPEN
    said = {"rating": values["rating"], "rating_comment": values.get("comment")}
    ticket = changes.update(definition, ticket.id, {**said, "state": state.value})
    if solved and not steps.missing_to_close(lambda name: getattr(ticket, name)):
        ticket = changes.update(definition, ticket.id, {"state": choices.TicketState.CLOSED.value})
    if not solved or values["rating"] <= LOW:
        follow_up(changes, ticket, solved)


def follow_up(changes: Any, ticket: Any, solved: bool) -> None:
    """A to-do for who leads the ticket, once for each answer; of no customer where theirs was deleted."""
    why = _("Low rating: %(number)s", number=ticket.number)
    if not solved:
        why = _("Not solved, says the customer: %(number)s", number=ticket.number)
    due = steps.now().date() + datetime.timedelta(days=DAYS_TO_FOLLOW_UP)
    row = {
        "subject": f"{in_office_language(why)} {ticket.subject}"[:200],
        "customer": ticket.customer_id if ticket.customer is not None else None,
        "due_on": due,
        "owner": steps.whose_lead(changes, ticket),
        "description": ticket.rating_comment,
        "origin": "rating",
        "origin_key": f"ticket:{ticket.id}:{steps.now().isoformat()}",
    }
    make_once(changes, "Task", [row], "origin_key")


links.declare(
    Purpose(
        PURPOSE,
        _("Rating of a solved ticket"),
        Ticket.__name__,
        items=_items,
        act=_act,
        heading=_heading,
        lines=_lines,
        is_open=lambda ticket: ticket.state == choices.TicketState.SOLVED,
        lasts=LASTS,
    )
)


@on("Ticket", "updated")
def ask(changes: Any, ticket: Any) -> None:
    """Of a ticket that has just been solved the customer is asked; of one reopened no more."""
    if changes.journal.door in ("import", "undo"):
        return
    step = steps.just_moved(changes, ticket.id)
    if step == choices.TicketState.OPEN:
        links.revoke(changes.session, PURPOSE, ticket.id)
    if step != choices.TicketState.SOLVED or not ticket.requester_email:
        return
    link = make_link(changes, ticket)
    links.mail(
        changes.session,
        link,
        Recipient("Ticket", ticket.id, "requester_email"),
        _("Your request %(number)s has been solved", number=ticket.number),
        [
            _("We have solved your request “%(subject)s”.", subject=ticket.subject),
            _("Please tell us whether it is solved for you, and how satisfied you are:"),
        ],
    )


def make_link(changes: Any, ticket: Any) -> Any:
    """A new link for the ticket's requester."""
    recipient = Recipient("Ticket", ticket.id, "requester_email")
    to = recipient if ticket.requester_email else None
    return links.make(changes.session, PURPOSE, ticket.id, steps.language_of(ticket), to)


def hand_over(changes: Any, ticket: Any, _values: Any) -> Told:
    """A link that a colleague sends by another way than mail; it is good once, like each of them."""
    link = make_link(changes, ticket)
    said = _("The customer opens it without signing in. It can be used once, within %(days)s days.",
             days=LASTS.days)  # fmt: skip
    return Told(said, links.address(link))


Ticket.actions = (
    *Ticket.actions,
    Action(
        "link",
        _("Link for the customer"),
        "update",
        hand_over,
        "link",
        lambda ticket: ticket.state == choices.TicketState.SOLVED,
        tells=("state",),
    ),
)
