"""Interaction plans: how often, by which channel and with what a customer of each tier is met."""

from __future__ import annotations

import datetime
from collections.abc import Collection, Sequence
from typing import Any

from flask_babel import lazy_gettext as _
from sqlalchemy import func, select

from app.domains.customers.choices import ValueTier
from app.domains.customers.customer import Customer
from app.domains.customers.interaction import InteractionKind
from app.engine.entity import Entity, ReviewState
from app.engine.fields import Boolean, Choice, Integer, LongText, Text
from app.engine.fields.number import within
from app.engine.job import JobKind, declare
from app.engine.onward import make_once
from app.engine.rules import Saving, rule
from app.engine.working_days import is_working_day

declare(JobKind("customers.plan", _("To-dos of interaction plans"), queue="bulk"))
declare(JobKind("customers.stale", _("Reminder of files not refreshed"), queue="bulk"))

HOW_OFTEN = _("When")
WHAT = _("What is done")
MOST_MONTHS, MOST_DAYS = 24, 366


class PlanRule(
    Entity,
    area="customers",
    label=_("Interaction plan"),
    plural=_("Interaction plans"),
    icon="calendar-event",
    title="name_zh",
    order="id",
):
    """What is due to every customer of a tier in each cycle; a job makes to-dos of it each day."""

    name_zh = Text(_("Chinese name"), required=True, max_length=100, search=True, in_list=True)
    name_en = Text(_("English name"), required=True, max_length=100, search=True, in_list=True)
    tier = Choice(_("Value tier"), ValueTier, required=True, in_list=True, group=HOW_OFTEN)
    every_months = Integer(
        _("Every so many months"),
        required=True,
        check=within(1, MOST_MONTHS),
        in_list=True,
        group=HOW_OFTEN,
        hint=_("1: each month, 3: each quarter. Cycles are counted from January."),
    )
    due_days = Integer(
        _("Due after days"),
        required=True,
        default=20,
        check=within(0, MOST_DAYS),
        in_list=True,
        group=HOW_OFTEN,
        hint=_("Counted from the first day of the cycle; then the next working day."),
    )
    active = Boolean(_("In use"), default=True, in_list=True, group=HOW_OFTEN)
    kind = Choice(_("Kind"), InteractionKind, required=True, in_list=True, group=WHAT)
    channel = Choice(_("Channel"), "channel", in_list=True, group=WHAT)
    content_zh = LongText(_("Chinese content"), max_length=2000, group=WHAT)
    content_en = LongText(_("English content"), max_length=2000, group=WHAT)

    @rule
    def due_in_its_cycle(saving: Saving) -> None:  # noqa: N805
        months, days = saving.values.get("every_months"), saving.values.get("due_days")
        if months is not None and days is not None and days > 28 * months:
            saving.problem("due_days", _("This lies beyond the end of the cycle."))


def cycle_of(day: datetime.date, months: int) -> datetime.date:
    """The first day of the cycle of so many months in which the day lies; counted from January."""
    first = (day.year * 12 + day.month - 1) // months * months
    return datetime.date(first // 12, first % 12 + 1, 1)


def working_day(day: datetime.date) -> datetime.date:
    """The day, or the next one that is worked in China."""
    while not is_working_day(day):
        day += datetime.timedelta(days=1)
    return day


def due_on(rule: Any, today: datetime.date) -> datetime.date:
    """When what a rule asks for in the present cycle is due; never before today."""
    begun = cycle_of(today, rule.every_months)
    return working_day(max(today, begun + datetime.timedelta(days=rule.due_days)))


def _words(rule: Any, customer: str, english: bool) -> dict[str, Any]:
    """What is to be done, in the language of whoever is to do it."""
    subject = f"{rule.name_en}: {customer}" if english else f"{rule.name_zh}：{customer}"
    return {
        "subject": subject[:200],
        "description": rule.content_en if english else rule.content_zh,
    }


def rules_in_use(changes: Any) -> Sequence[Any]:
    """The plans that count now, in order."""
    model: Any = PlanRule
    statement = select(model).where(model.active.is_(True)).order_by(model.id)
    rows: Sequence[Any] = changes.session.scalars(statement).all()
    return rows


def ask_for_tasks(
    changes: Any,
    rule_id: int,
    today: datetime.date,
    english: Collection[int],
    after: int = 0,
    size: int = 500,
) -> tuple[int, int, int | None]:
    """To-dos of one plan for the next customers of its tier: once for each in each cycle.

    A cycle that was missed is not made up for: only the present one counts. Customers without an
    account manager get none. `english`: managers who read English. `after`: the id to go on from.
    Gives how many were made, how many customers were looked at, and where to go on (None: the end).
    """
    rule = changes.session.get(PlanRule, rule_id)
    model: Any = Customer
    statement = (
        select(model.id, model.name, model.account_manager_id)
        .where(model.id > after, model.account_manager_id.is_not(None), *_planned([rule.tier]))
        .order_by(model.id)
        .limit(size)
    )
    rows = changes.session.execute(statement).all()
    cycle, due = cycle_of(today, rule.every_months), due_on(rule, today)
    tasks = [
        {
            **_words(rule, name, manager in english),
            "customer": customer_id,
            "due_on": due,
            "owner": manager,
            "origin": "plan",
            "origin_key": f"plan:{rule.id}:{customer_id}:{cycle:%Y-%m}",
        }
        for customer_id, name, manager in rows
    ]
    made = len(make_once(changes, "Task", tasks, "origin_key"))
    return made, len(rows), rows[-1][0] if len(rows) == size else None


def without_manager(changes: Any) -> tuple[list[str], int]:
    """The tiers that there are plans for, and how many of their customers have no account manager."""
    tiers = sorted({rule.tier for rule in rules_in_use(changes)})
    model: Any = Customer
    statement = select(func.count(model.id)).where(
        model.account_manager_id.is_(None), *_planned(tiers)
    )
    return tiers, changes.session.scalar(statement) or 0


def _planned(tiers: Sequence[str]) -> list[Any]:
    """Customers that plans are for: approved ones of these tiers that were not put aside."""
    model: Any = Customer
    approved = model.review_state == ReviewState.APPROVED.value
    return [model.value_tier.in_(tiers), approved, model.archived_at.is_(None)]
