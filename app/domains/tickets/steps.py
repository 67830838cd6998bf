"""What follows for a ticket from being saved: each a rule of it, called by its declaration."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping
from typing import Any
from weakref import WeakKeyDictionary

from flask_babel import lazy_gettext as _
from sqlalchemy import select

from app.domains.tickets import choices, clocks
from app.domains.tickets.levels import chosen, rules_of
from app.engine import office, registry
from app.engine.rules import Saving, whoever_saves
from app.engine.working_time import MINUTE

Values = Mapping[str, Any]

_PROMISED_BY = ("kind", "priority", "complex", "customer", "opened_at")
_CLOCKED_BY = ("opened_at", "first_response_at", "solved_at", "pauses", "response_allowed",
               "solution_allowed")  # fmt: skip


_moved: WeakKeyDictionary[Any, dict[int, str]] = WeakKeyDictionary()
"""By open change set the tickets whose state it changes, with the state that they come to."""


def now() -> datetime.datetime:
    """The moment, to the second: what people read is no finer."""
    return datetime.datetime.now(datetime.UTC).replace(microsecond=0)


# -- what it is about --------------------------------------------------------------------------------


def classify(saving: Saving) -> None:
    """A ticket whose subject is the name of a subcategory belongs to it, unless somebody says other."""
    values = saving.values
    if values.get("category") or values.get("subcategory") or not saving.changed("subject"):
        return
    field: Any = registry.current().entity("Ticket").fields["subcategory"]
    found = field.options.find(values["subject"])
    option = field.options.by_value.get(found) if found else None
    if option is not None and option.active:
        values["subcategory"], values["category"] = option.value, option.parent


def name_requester(saving: Saving) -> None:
    """A contact brings their customer, name and ways to reach; they must belong to the customer."""
    values = saving.values
    contact_id = values.get("contact")
    if contact_id is None or not (saving.changed("contact") or saving.changed("customer")):
        return
    model: Any = registry.current().entity("Contact").model
    contact = saving.changes.session.scalar(select(model).where(model.id == contact_id))
    if contact is None:
        return
    if values.get("customer") is None:
        values["customer"] = contact.customer_id
    elif values["customer"] != contact.customer_id:
        saving.problem("contact", _("This contact belongs to another customer."))
    for name, given in (("name", contact.name), ("email", contact.email), ("phone", contact.phone)):
        field = f"requester_{name}"
        values[field] = values.get(field) or given


# -- how grave it is ---------------------------------------------------------------------------------


def prioritise(saving: Saving) -> None:
    """Impact and urgency give the priority; who knows better may set it by hand after that."""
    values = saving.values
    impact, urgency = values.get("impact"), values.get("urgency")
    touched = saving.changed("impact") or saving.changed("urgency")
    if impact and urgency and (touched or values.get("priority") is None):
        by_matrix = rules_of(saving.changes).matrix.get((impact, urgency))
        values["priority"] = by_matrix or values.get("priority")
    if values.get("queue") and values.get("lead") is None and saving.changed("queue"):
        values["lead"] = rules_of(saving.changes).leads.get(values["queue"])


# -- its times ---------------------------------------------------------------------------------------


def check_times(saving: Saving) -> None:
    """Times that people type must follow one another; of those from elsewhere it is noted if not."""
    values = saving.values
    names = ("opened_at", "first_response_at", "solved_at")
    typed = [name for name in names if saving.changed(name)]
    opened, answered, solved = (values.get(name) for name in names)
    doubtful = bool(
        (answered and solved and solved < answered)
        or (opened and answered and answered < opened)
        or (opened and solved and solved < opened)
    )
    values["times_doubtful"] = doubtful if doubtful or saving.before.get("times_doubtful") else None
    if saving.from_elsewhere or not typed:
        return
    if doubtful:
        saving.problem(
            typed[-1], _("A ticket comes, is answered and is solved, one after the other.")
        )
    done = values.get("state") in choices.DONE
    if "solved_at" in typed and values.get("state") is not None and done != (solved is not None):
        saving.problem(
            "solved_at", _("A ticket has this time when it is solved, and only then: solve it.")
        )
    late = [name for name in typed if values.get(name) and values[name] > now() + MINUTE]
    if late:
        saving.problem(late[0], _("This lies in the future."))


def missing_to_close(value_of: Callable[[str], Any]) -> list[str]:
    """The fields without which the ticket can't be closed; `value_of` gives its values by field."""
    if value_of("kind") != choices.COMPLAINT:
        return []
    return [name for name in choices.SETTLED_BY if not value_of(name)]


def note_rating(saving: Saving) -> None:
    """When the customer has said how satisfied they are; unknown of a ticket from elsewhere."""
    values = saving.values
    if saving.changed("rating") and not saving.from_elsewhere:
        values["rated_at"] = now() if values.get("rating") is not None else None


def language_of(ticket: Any) -> str:
    """The language in which the requester is written to: as said, else that of their request."""
    if ticket.language:
        return str(ticket.language)
    words = f"{ticket.subject} {ticket.description or ''} {ticket.requester_name or ''}"
    return "zh" if any("\u4e00" <= sign <= "\u9fff" for sign in words) else "en"


def move(saving: Saving) -> None:
    """What a change of state means for the times."""
    was, state = saving.before.get("state"), saving.values.get("state")
    if state is not None and saving.changed("state") and not (saving.new and saving.from_elsewhere):
        clocks.step(saving.values, was, now())
        if saving.record_id is not None:
            _moved.setdefault(saving.changes, {})[saving.record_id] = state


def just_moved(changes: Any, ticket_id: int) -> str | None:
    """The state that the ticket has just come to in this change set; said once."""
    return _moved.get(changes, {}).pop(ticket_id, None)


def wind_clocks(saving: Saving) -> None:
    """How the deadlines stand after all that."""
    values = saving.values
    if values.get("opened_at") is None:
        for name in ("response", "solution"):
            clocks.store(values, name, clocks.Clock())
            values[f"{name}_allowed"] = None
        return
    reopened = saving.changed("reopened")
    if reopened or any(saving.changed(name) for name in _PROMISED_BY):
        rules = rules_of(saving.changes)
        about = {**values, "tier": rules.tier(values.get("customer"))}
        promise = chosen(rules.promises, about)
        values["response_allowed"] = promise.response_minutes if promise else None
        values["solution_allowed"] = promise.solution_minutes if promise else None
    if not any(saving.changed(name) for name in _CLOCKED_BY):
        return
    work, pauses = office.known_to(saving.changes), clocks.read_pauses(values.get("pauses"))
    for name, done in (("response", "first_response_at"), ("solution", "solved_at")):
        course = clocks.Course(
            values["opened_at"], values.get(f"{name}_allowed"), values.get(done), pauses
        )
        before = clocks.stored(saving.before, name)
        clock = clocks.read(work, course, now(), before, saving.from_elsewhere)
        if values.get("times_doubtful"):
            clock = clocks.Clock()
        clocks.store(values, name, clock)


# -- what is remarked --------------------------------------------------------------------------------


def calendar_missing(row: Values | None) -> Any:
    """That a deadline was counted through a year whose days off nobody has entered."""
    if row is None or row.get("opened_at") is None:
        return None
    ends = [row.get("response_due_at"), row.get("solution_due_at")]
    moments = [row["opened_at"], *(end for end in ends if end is not None)]
    years = {moment.astimezone(office.zone()).year for moment in moments}
    missing = office.unpublished(sorted(years))
    return office.warning(missing) if missing else None


def customer_gone(row: Values | None) -> Any:
    """That the customer is in the trash, or not for the reader to see."""
    if row is None or row.get("customer") is None or row.get("customer.label") is not None:
        return None
    return _("The customer of this ticket was deleted, or you may not see them.")


def times_contradict(row: Values | None) -> Any:
    """That the ticket is left out of figures."""
    if row is None or not row.get("times_doubtful"):
        return None
    return _(
        "Its times contradict each other: it is left out of the figures of response and solution."
    )


def whose_lead(changes: Any, ticket: Any) -> int | None:
    """Who is to look after it further: its lead, else its assignee."""
    with whoever_saves():
        lead: int | None = ticket.lead_id or ticket.assignee_id
    return lead
