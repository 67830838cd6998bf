"""Evaluations once more, in plain Python and without a database: what the job is compared with."""

from __future__ import annotations

import datetime
import itertools
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from typing import Any

from dateutil.relativedelta import relativedelta


@dataclass(frozen=True)
class Rules:
    """The thresholds, as an EvaluationRule has them."""

    currency: str
    high: Decimal
    middle: Decimal
    new: int
    active: int
    dormant: int
    score: int


Results = dict[int, dict[str, Any]]


def by_hand(
    customers: Sequence[int],
    orders: Sequence[Mapping[str, Any]],
    day: datetime.date,
    rules: Rules,
    before: Results | None,
) -> Results:
    """What an evaluation must come to, by customer and field."""
    mine: dict[int, list[Mapping[str, Any]]] = defaultdict(list)
    for order in orders:
        if order["state"] != "cancelled" and order["ordered_on"] <= day:
            mine[order["customer"]].append(order)
    found = {one: _customer(mine[one], day, rules) for one in customers}
    buying = [row for row in found.values() if row["purchases"]]
    for name, by in (
        ("recency", "last_on"), ("frequency", "purchase_days"), ("monetary", "total_amount"),
    ):  # fmt: skip
        values = sorted(row[by] for row in buying)
        first = {value: values.index(value) for value in set(values)}
        for row in found.values():
            row[name] = 1 + 5 * first[row[by]] // len(values) if row["purchases"] else None
    for one, row in found.items():
        row["segment"] = "none"
        if row["purchases"]:
            scores = (row["recency"], row["frequency"], row["monetary"])
            row["segment"] = "".join("h" if s >= rules.score else "l" for s in scores)
        _compare(row, before.get(one) if before else None)
    return found


def _customer(
    orders: Sequence[Mapping[str, Any]], day: datetime.date, rules: Rules
) -> dict[str, Any]:
    ours = [o for o in orders if o["amount_currency"] == rules.currency]
    bought = [o for o in orders if o["amount"] >= 0]
    paid = [o["amount"] for o in ours if o["amount"] >= 0]
    days = sorted({o["ordered_on"] for o in bought})
    gaps = sorted((b - a).days for a, b in itertools.pairwise(days))
    year = day - relativedelta(months=12)
    yearly = sum((o["amount"] for o in ours if o["ordered_on"] > year), Decimal(0))
    middle = gaps[(len(gaps) - 1) // 2 : len(gaps) // 2 + 1]
    return {
        "yearly_amount": yearly,
        "total_amount": sum((o["amount"] for o in ours), Decimal(0)),
        "tier": "high" if yearly >= rules.high else "middle" if yearly >= rules.middle else "potential",
        "state": _state(days, day, rules),
        "first_on": days[0] if days else None,
        "last_on": days[-1] if days else None,
        "purchases": len(bought),
        "purchase_days": len(days),
        "refunds": len(orders) - len(bought),
        "left_out": len(orders) - len(ours),
        "average_order": _mean(paid, "0.01"),
        "gap_mean": _mean(gaps, "0.1"),
        "gap_median": _mean(middle, "0.1"),
        "bought_again": len(days) > 1,
    }  # fmt: skip


def _state(days: Sequence[datetime.date], day: datetime.date, rules: Rules) -> str:
    if not days:
        return "potential"
    if days[0] > day - relativedelta(months=rules.new):
        return "new"
    if days[-1] > day - relativedelta(months=rules.active):
        return "active"
    return "dormant" if days[-1] > day - relativedelta(months=rules.dormant) else "lost"


def _mean(values: Sequence[Any], places: str) -> Decimal | None:
    """Exact, then rounded once, halves away from zero."""
    if not values:
        return None
    exact = sum((Fraction(value) for value in values), Fraction(0)) / len(values)
    scaled = exact * (10 ** -Decimal(places).as_tuple().exponent)
    whole = int(abs(scaled) + Fraction(1, 2))
    return (Decimal(whole if scaled >= 0 else -whole) * Decimal(places)).quantize(
        Decimal(places), ROUND_HALF_UP
    )


def _compare(row: dict[str, Any], before: Mapping[str, Any] | None) -> None:
    order = ("potential", "middle", "high")
    row["tier_before"] = before["tier"] if before else None
    row["state_before"] = before["state"] if before else None
    row["state_changed"] = row["state"] != before["state"] if before else None
    row["tier_move"] = "first"
    if before:
        now, then = order.index(row["tier"]), order.index(before["tier"])
        row["tier_move"] = "up" if now > then else "down" if now < then else "same"
