"""Tickets in every state, of every kind and gravity, answered in time and late, with what was written."""

from __future__ import annotations

import datetime
import random
from typing import Any

from seeds.demo import words
from seeds.demo.base import Demo, Values, in_turn

COUNT = 90
STATES = (
    "new", "open", "waiting", "solved", "confirmed", "closed", "closed", "open", "closed", "new",
)  # fmt: skip
LEVELS = ("high", "medium", "low")
KINDS = ("consultation", "fault", "service_request", "complaint", "feedback")
QUEUES = {"fault": "technical", "complaint": "complaints", "service_request": "billing"}
CHANNELS = ("phone", "wechat", "email", "wecom", "phone", "meeting")
OVER = ("solved", "confirmed", "closed")
UNKNOWN_EVERY = 23
"""So often a ticket of long ago, whose times nobody wrote down."""


def write(demo: Demo) -> None:
    """Tickets of customers that are served, then their conversations."""
    if not demo.has("Ticket"):
        return
    dice = demo.dice("tickets")
    contacts = {
        values["customer"]: contact_id
        for contact_id, values in demo.made["Contact"]
        if values["is_primary"]
    }
    served = [
        customer_id
        for customer_id, values in demo.made["Customer"]
        if values.get("yearly_amount") and customer_id in contacts
    ]
    rows = []
    for place in range(demo.count(COUNT)):
        customer_id = dice.choice(served)
        rows.append(_ticket(demo, dice, place, customer_id, contacts[customer_id]))
    ids = demo.create("Ticket", rows)
    messages = [
        message
        for ticket_id, row in zip(ids, rows, strict=True)
        for message in _conversation(ticket_id, row)
    ]
    demo.create("TicketMessage", messages)


def _ticket(
    demo: Demo, dice: random.Random, place: int, customer_id: int, contact_id: int
) -> Values:
    kind, state = in_turn(KINDS, place), in_turn(STATES, place)
    subject, said, answer = in_turn(words.REQUESTS[kind], place // len(KINDS))
    values: Values = {
        "subject": subject,
        "description": said,
        "kind": kind,
        "channel": in_turn(CHANNELS, place),
        "customer": customer_id,
        "contact": contact_id,
        "language": in_turn(("zh", None, "zh", "en"), place),
        "impact": in_turn(LEVELS, place),
        "urgency": in_turn(LEVELS, place // len(LEVELS)),
        "complex": place % 7 == 0,
        "state": state,
        "queue": QUEUES.get(kind, "first_line"),
        "assignee": None
        if state == "new"
        else in_turn(demo.people("Support"), place + place // len(STATES)),
        **_times(demo, dice, place, state),
    }
    if kind == "complaint" and state in OVER:
        values |= {"cause": "备件到货延迟。", "responsibility": "物流", "remedy": answer}
    if state in ("confirmed", "closed") and values.get("closed_at"):
        values |= _rating(dice, values["closed_at"], answer)
    return values


def _times(demo: Demo, dice: random.Random, place: int, state: str) -> Values:
    """When it came, was answered, solved, confirmed and closed; an open one came these days."""
    if place % UNKNOWN_EVERY == UNKNOWN_EVERY - 1:
        return {}
    days_ago = dice.randint(3, 120) if state in OVER else in_turn((0, 0, 1, 2, 3), place)
    opened = demo.moment(days_ago, dice.randint(9, 16), dice.randrange(0, 60, 5))
    found: Values = {"opened_at": opened}
    if state == "new":
        return found
    late = place % 4 == 1
    answered = opened + datetime.timedelta(
        minutes=dice.randint(18, 90) if late else dice.randint(2, 9)
    )
    found["first_response_at"] = min(answered, demo.moment(0, 23, 59))
    if state not in OVER:
        return found
    solved = answered + datetime.timedelta(
        minutes=dice.randint(600, 4000) if late else dice.randint(15, 80)
    )
    found["solved_at"] = solved
    if state in ("confirmed", "closed"):
        found["confirmed_at"] = solved + datetime.timedelta(hours=3)
    if state == "closed":
        found["closed_at"] = solved + datetime.timedelta(hours=4)
    return found


def _rating(dice: random.Random, closed_at: datetime.datetime, answer: str) -> Values:
    rating = dice.choice((5, 5, 4, 4, 3, 2))
    return {
        "rating": rating,
        "rating_comment": "响应及时，处理得当。" if rating > 3 else "处理时间偏长，希望改进。",
        "rated_at": closed_at,
    }


def _conversation(ticket_id: int, ticket: Values) -> list[Values]:
    """The customer's words, a note among colleagues, the answer, and thanks where it is over."""
    opened = ticket.get("opened_at")
    if opened is None:
        return []
    _subject, said, answer = next(
        one for one in words.REQUESTS[ticket["kind"]] if one[0] == ticket["subject"]
    )
    found: list[tuple[str, str, Any]] = []
    if ticket["state"] != "waiting":  # a word of theirs would end the waiting
        found.append(("customer", said, opened))
    answered = ticket.get("first_response_at")
    if answered:
        found.append(("note", "已联系相关部门确认，先回复客户。", answered))
        found.append(("reply", answer, answered))
    if ticket.get("solved_at"):
        found.append(("reply", "问题已处理完毕，请确认。", ticket["solved_at"]))
    if ticket.get("confirmed_at"):
        found.append(("customer", "已确认，谢谢。", ticket["confirmed_at"]))
    return [
        {"ticket": ticket_id, "kind": kind, "text": text, "sent_at": at} for kind, text, at in found
    ]
