"""What customers bought and what was talked about with them: orders with refunds, interactions.

They agree with the life cycle: who is active bought within three months, who is lost did so long ago.
"""

from __future__ import annotations

import datetime
import decimal
import random
from typing import Any

from seeds.demo import words
from seeds.demo.base import Demo, Values, in_turn

LAST_ORDER_DAYS = {"new": (3, 80), "active": (2, 85), "dormant": (95, 175), "lost": (190, 700)}
"""Between so many days ago and so many, by life cycle."""

REFUND_EVERY = 11
ORDER_STATES = (
    "completed",
    "completed",
    "delivered",
    "completed",
    "placed",
    "completed",
    "cancelled",
)


def write(demo: Demo) -> None:
    """Orders and interactions of the customers that were made."""
    if demo.has("Order"):
        demo.create("Order", _orders(demo))
    if demo.has("Interaction"):
        demo.create("Interaction", _interactions(demo))


def _orders(demo: Demo) -> list[Values]:
    dice = demo.dice("orders")
    rows: list[Values] = []
    for customer_id, customer in demo.made["Customer"]:
        if customer.get("yearly_amount"):
            rows += _orders_of(demo, dice, customer_id, customer, len(rows))
    return rows


def _orders_of(
    demo: Demo, dice: random.Random, customer_id: int, customer: Values, before: int
) -> list[Values]:
    """From the first business to the last, each at a distance of one to three months."""
    newest = dice.randint(*LAST_ORDER_DAYS[customer["status"]])
    oldest = max((demo.day - customer["customer_since"]).days, newest)
    days = [newest]
    while days[-1] < min(oldest, newest + 400) and len(days) < 8:
        days.append(days[-1] + dice.randint(25, 95))
    share = customer["yearly_amount"] / max(sum(day < newest + 365 for day in days), 1)
    rows = []
    for place, day in enumerate(days):
        amount = round(share * decimal.Decimal(dice.randint(60, 140)) / 100, 2)
        state = in_turn(ORDER_STATES, before + place) if day < 60 else "completed"
        order = _order(demo, customer_id, customer, day, amount)
        rows.append({**order, "state": state, "quantity": decimal.Decimal(dice.randint(1, 40))})
        if (before + place) % REFUND_EVERY == REFUND_EVERY - 1 and day > 3:
            rows.append(_refund(demo, rows[-1], day - 3))
    return rows


def _order(
    demo: Demo, customer_id: int, customer: Values, day: int, amount: decimal.Decimal
) -> Values:
    return {
        "customer": customer_id,
        "ordered_on": demo.date(day),
        "product": _need(customer),
        "amount": amount,
        "amount_currency": "CNY",
    }


def _refund(demo: Demo, order: Values, day: int) -> Values:
    return {
        **order,
        "ordered_on": demo.date(day),
        "amount": -round(order["amount"] / 5, 2),
        "quantity": decimal.Decimal(-1),
        "state": "completed",
        "notes": "部分退货，已退款。",
    }


def _need(customer: Values) -> str:
    for _name, industry, need in (*words.TRADES, *words.FOREIGN_NAMES):
        if industry == customer.get("industry"):
            return need
    return "办公用品"


def _interactions(demo: Demo) -> list[Values]:
    dice = demo.dice("interactions")
    primary = {
        values["customer"]: contact_id
        for contact_id, values in demo.made["Contact"]
        if values["is_primary"]
    }
    rows: list[Values] = []
    for customer_id, customer in demo.made["Customer"]:
        since = {"new": 20, "active": 30, "dormant": 110, "lost": 260}.get(customer["status"], 60)
        for _number in range(dice.choice((0, 1, 1, 2, 3))):
            story = in_turn(words.MEETINGS, len(rows))
            days_ago = since // 4 + dice.randint(1, since)
            person = customer.get("account_manager") or dice.choice(demo.people("Sales"))
            rows.append(
                _meeting(demo, dice, story, days_ago)
                | {"customer": customer_id, "contact": primary.get(customer_id), "person": person}
            )
            since = days_ago + 40
    return rows


def _meeting(demo: Demo, dice: random.Random, story: tuple[str, ...], days_ago: int) -> Values:
    kind, channel, subject, content, said, following = story
    values: dict[str, Any] = {
        "kind": kind,
        "channel": channel,
        "at": demo.moment(days_ago, dice.randint(9, 17), dice.choice((0, 15, 30, 45))),
        "subject": subject,
        "content": content,
        "customer_words": said or None,
    }
    if following and dice.random() < 0.4:
        values["next_step"] = following
        values["next_step_on"] = demo.day + datetime.timedelta(days=dice.randint(-6, 20))
    return values
