"""Working an evaluation out: every customer as of a day, by one statement over all orders.

What counts: orders that are in no trash, not cancelled, and dated on the day or before. Purchases are
orders of nothing or more; refunds, which are negative, lower amounts and make nobody active. Amounts
are those in the currency of the rules; an order in another one counts as a purchase and is said to
have been left out of the amounts. Months are those of the calendar: “within 3 months” of 30 June is
after 30 March.

Recency, frequency and amount are the last purchase, the purchase days and the amount of all time, each
scored 1 to 5 by fifths of the customers who have bought (see `figures.fifth`); after Hughes, Strategic
Database Marketing (1994), in the eight classes usual in China. The rhythm is the mean and the median of
the days from one purchase day to the next.
"""

from __future__ import annotations

import datetime
from typing import Any

from sqlalchemy import CTE, Select, and_, case, func, literal, or_, select

from app.domains.evaluations.choices import Move, RunState
from app.domains.evaluations.evaluation import today
from app.engine import figures
from app.engine.errors import NotFound
from app.engine.figures import Source
from app.engine.registry import current

YEAR = 12
SCORED = ("recency", "frequency", "monetary")
TIERS = {"high": 3, "middle": 2, "potential": 1}
"""Values of the customer's tier, and their order."""


def begin(changes: Any, run_id: int) -> Any:
    """Note that the run is being worked out; gives it. Raises NotFound for one in the trash."""
    return _note(changes, run_id, {"state": RunState.RUNNING.value})


def fail(changes: Any, run_id: int) -> None:
    """Note that it came to nothing."""
    _note(changes, run_id, {"state": RunState.FAILED.value})


def evaluate(changes: Any, run_id: int) -> dict[str, int]:
    """Work the run out anew, in place of what it had before; gives what was counted."""
    runs, rules = Source("EvaluationRun"), Source("EvaluationRule")
    run = _found(changes, runs, run_id)
    by = _found(changes, rules, run.ruleset_id)
    before = figures.newest(
        changes,
        runs,
        runs["as_of"] < run.as_of,
        runs["state"] == RunState.DONE.value,
        order="as_of",
    )
    figures.drop(changes, "Evaluation", run_id)
    columns, source = worked_out(run, by, before)
    figures.fill(changes, "Evaluation", run_id, columns, source)
    found = _counts(changes, run_id, run.as_of)
    done = {"state": RunState.DONE.value, "before": before, **found}
    _note(changes, run_id, done | {"finished_at": datetime.datetime.now(datetime.UTC)})
    return found


def is_of_today(changes: Any, run_id: int) -> bool:
    """Whether what came out is so now, and belongs into the customers' files."""
    return bool(_found(changes, Source("EvaluationRun"), run_id).as_of == today())


def carry_over(changes: Any, run_id: int) -> int:
    """Tier and life cycle of the run into the customers' files; how many that changed.

    The life cycle goes only where the customer's states may go from where it stands: who was made
    active by hand, and has no orders here, does not become potential again.
    """
    made, customer = Source("Evaluation"), Source("Customer")
    here, there = customer["status"], made["state"]
    moves = customer.definition.field("status").moves  # type: ignore[attr-defined]
    may = [here.is_(None), *(and_(here.in_(move.sources), there == move.target) for move in moves)]
    state = case((or_(*may), there), else_=here)
    statement = (
        select(customer["id"], customer["value_tier"], here, made["tier"], state)
        .select_from(made.model)
        .join(customer.model, customer["id"] == made["customer"])
        .where(made["run"] == run_id, made.live, customer.live)
        .order_by(customer["id"])
    )
    return figures.assign(changes, "Customer", ("value_tier", "status"), statement)


def worked_out(run: Any, rules: Any, before: int | None) -> tuple[dict[str, Any], Select[Any]]:
    """The evaluation of every customer: what each field gets, and the statement it is selected from."""
    day, earlier = run.as_of, _earlier(before)
    business = _business(day, rules)
    b, e = business.c, earlier.c
    source = select(b.id).select_from(business).outerjoin(earlier, e.customer == b.id)
    yearly, days = func.coalesce(b.yearly, 0), b.purchase_days
    tier, state = _tier(yearly, rules), _state(b, day, rules)
    currency = literal(rules.high_from_currency)
    scores = {
        name: case((b.purchases > 0, figures.fifth(b[f"below_{name}"], b.buyers)))
        for name in SCORED
    }
    columns = {
        "name": literal(run.name),
        "customer": b.id,
        "as_of": literal(day),
        "yearly_amount": yearly,
        "yearly_amount_currency": currency,
        "tier": tier,
        "tier_before": e.tier,
        "tier_move": _move(e.id, _rank(e.tier), _rank(tier)),
        "state": state,
        "state_before": e.state,
        "state_changed": case((e.id.is_(None), None), else_=e.state != state),
        "segment": _segment(scores, rules.high_score),
        **scores,
        "first_on": b.first_on,
        "last_on": b.last_on,
        "purchases": func.coalesce(b.purchases, 0),
        "purchase_days": func.coalesce(days, 0),
        "refunds": func.coalesce(b.refunds, 0),
        "left_out": func.coalesce(b.left_out, 0),
        "total_amount": func.coalesce(b.total, 0),
        "total_amount_currency": currency,
        "average_order": figures.ratio(b.paid, b.priced, 2),
        "average_order_currency": currency,
        "gap_mean": figures.ratio(figures.days_between(b.first_on, b.last_on), days - 1, 1),
        "gap_median": figures.ratio(b.middle, b.middles, 1),
        "bought_again": func.coalesce(days, 0) > 1,
    }
    return columns, source


def _earlier(run_id: int | None) -> CTE:
    """What came out of the run before, worked out as a whole.

    Looked up for each customer, SQLite would go through that whole run each time.
    """
    made = Source("Evaluation")
    fields = [made[name].label(name) for name in ("id", "customer", "tier", "state")]
    statement = select(*fields).where(made["run"] == (run_id or 0), made.live)
    return figures.whole(statement, "earlier")


def _business(day: datetime.date, rules: Any) -> Any:
    """Every customer with their orders in figures, placed among those who have bought."""
    customer = Source("Customer")
    sums, rhythm = _sums(day, rules.high_from_currency), _rhythm(day)
    buying = func.coalesce(sums.c.purchases, 0) > 0
    one_day = case((buying, 1), else_=0)
    days = func.coalesce(rhythm.c.gaps + 1, one_day)
    buyers = select(func.count()).select_from(sums).where(sums.c.purchases > 0).scalar_subquery()
    placed = dict(zip(SCORED, (sums.c.last_on, days, sums.c.total), strict=True))
    return (
        select(
            customer["id"].label("id"),
            *sums.c,
            days.label("purchase_days"),
            rhythm.c.middle,
            rhythm.c.middles,
            buyers.label("buyers"),
            *(
                figures.lower(value, buying).label(f"below_{name}")
                for name, value in placed.items()
            ),
        )
        .select_from(customer.model)
        .outerjoin(sums, sums.c.customer == customer["id"])
        .outerjoin(rhythm, rhythm.c.customer == customer["id"])
        .where(customer.live)
        .subquery("business")
    )


def _counted(order: Source, day: datetime.date) -> Any:
    """Whether an order counts as of the day."""
    kept = or_(order["state"].is_(None), order["state"] != "cancelled")
    return and_(order.live, kept, order["ordered_on"] <= day, order["customer"].is_not(None))


def _sums(day: datetime.date, currency: str) -> CTE:
    order = Source("Order")
    amount, date = order["amount"], order["ordered_on"]
    bought, ours = amount >= 0, order["amount_currency"] == currency
    recent = date > figures.months_before(day, YEAR)

    def number(condition: Any) -> Any:
        return func.sum(case((condition, 1), else_=0))

    def money(condition: Any) -> Any:
        return func.sum(case((condition, amount), else_=0))

    return (
        select(
            order["customer"].label("customer"),
            money(and_(ours, recent)).label("yearly"),
            money(ours).label("total"),
            money(and_(ours, bought)).label("paid"),
            number(and_(ours, bought)).label("priced"),
            number(bought).label("purchases"),
            number(amount < 0).label("refunds"),
            number(order["amount_currency"] != currency).label("left_out"),
            func.min(case((bought, date))).label("first_on"),
            func.max(case((bought, date))).label("last_on"),
        )
        .where(_counted(order, day))
        .group_by(order["customer"])
        .cte("sums")
    )


def _rhythm(day: datetime.date) -> CTE:
    """The days from one purchase day to the next: how many, and the middle one or two of them."""
    order = Source("Order")
    customer, date = order["customer"], order["ordered_on"]
    days = (
        select(customer.label("customer"), date.label("day"))
        .where(_counted(order, day), order["amount"] >= 0)
        .distinct()
        .cte("days")
    )
    previous = func.lag(days.c.day).over(partition_by=days.c.customer, order_by=days.c.day)
    gaps = select(days.c.customer, figures.days_between(previous, days.c.day).label("gap")).cte(
        "gaps"
    )
    place = func.row_number().over(partition_by=gaps.c.customer, order_by=gaps.c.gap)
    number = func.count().over(partition_by=gaps.c.customer)
    placed = (
        select(gaps.c.customer, gaps.c.gap, place.label("place"), number.label("number"))
        .where(gaps.c.gap.is_not(None))
        .cte("placed")
    )
    p = placed.c
    middle = or_(*(p.place == figures.divided(p.number + more, 2) for more in (1, 2)))
    return (
        select(
            p.customer,
            func.count().label("gaps"),
            func.sum(case((middle, p.gap), else_=0)).label("middle"),
            func.sum(case((middle, 1), else_=0)).label("middles"),
        )
        .group_by(p.customer)
        .cte("rhythm")
    )


def _tier(yearly: Any, rules: Any) -> Any:
    """Nothing, and less than nothing, is potential value."""
    return case(
        (yearly >= rules.high_from, "high"),
        (yearly >= rules.middle_from, "middle"),
        else_="potential",
    )


def _state(b: Any, day: datetime.date, rules: Any) -> Any:
    new, active, dormant = (
        figures.months_before(day, months)
        for months in (rules.new_months, rules.active_months, rules.dormant_months)
    )
    return case(
        (b.last_on.is_(None), "potential"),
        (b.first_on > new, "new"),
        (b.last_on > active, "active"),
        (b.last_on > dormant, "dormant"),
        else_="lost",
    )


def _segment(scores: dict[str, Any], high: int) -> Any:
    def letter(score: Any) -> Any:
        return case((score >= high, "h"), else_="l")

    recency, frequency, monetary = (letter(score) for score in scores.values())
    return case(
        (scores["recency"].is_(None), "none"),
        else_=recency.concat(frequency).concat(monetary),
    )


def _rank(tier: Any) -> Any:
    return case(*((tier == name, rank) for name, rank in TIERS.items()))


def _move(earlier_id: Any, before: Any, after: Any) -> Any:
    return case(
        (earlier_id.is_(None), Move.FIRST.value),
        (after > before, Move.UP.value),
        (after < before, Move.DOWN.value),
        else_=Move.SAME.value,
    )


def _counts(changes: Any, run_id: int, day: datetime.date) -> dict[str, int]:
    """What the run's own record says of all of it."""
    made, order = Source("Evaluation"), Source("Order")

    def number(condition: Any) -> Any:
        return func.coalesce(func.sum(case((condition, 1), else_=0)), 0)

    wanted = {
        "customers": func.count(),
        "buying": number(made["purchases"] > 0),
        "orders": func.coalesce(func.sum(made["purchases"] + made["refunds"]), 0),
        "left_out": func.coalesce(func.sum(made["left_out"]), 0),
        "negative": number(made["yearly_amount"] < 0),
        "tier_up": number(made["tier_move"] == Move.UP.value),
        "tier_down": number(made["tier_move"] == Move.DOWN.value),
        "state_changed": number(made["state_changed"].is_(True)),
    }
    statement = select(*wanted.values()).where(made["run"] == run_id, made.live)
    (row,) = figures.looked_up(changes, statement)
    found = dict(zip(wanted, map(int, row), strict=True))
    kept = or_(order["state"].is_(None), order["state"] != "cancelled")
    statement = select(func.count()).where(order.live, kept, order["ordered_on"] > day)
    ((later,),) = figures.looked_up(changes, statement)
    return {**found, "later": int(later)}


def _found(changes: Any, source: Source, record_id: int) -> Any:
    """Raises NotFound."""
    statement = select(source.model).where(source["id"] == record_id, source.live)
    rows = figures.looked_up(changes, statement)
    if not rows:
        raise NotFound
    return rows[0][0]


def _note(changes: Any, run_id: int, values: dict[str, Any]) -> Any:
    """Write what only the system writes."""
    definition = current().entity("EvaluationRun")
    record = changes.load(definition, run_id, "update")
    prepared = changes.checker.update(definition, record, {})
    prepared.values |= values
    prepared.changed += [name for name in values if values[name] != prepared.before.get(name)]
    return changes.write(prepared, record)
