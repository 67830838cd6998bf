"""What an evaluation is made of: its rules, a run as of a day, and what came out for each customer."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any

from flask_babel import lazy_gettext as _
from sqlalchemy import select

from app.domains.evaluations.choices import Move, RunState, Segment
from app.engine import figures
from app.engine.actions import Action
from app.engine.areas import Area
from app.engine.charts import Chart
from app.engine.entity import Entity
from app.engine.errors import ValueProblem
from app.engine.events import on
from app.engine.fields import (
    Boolean,
    Choice,
    Date,
    DateTime,
    Decimal,
    Integer,
    LongText,
    Money,
    Reference,
    Text,
)
from app.engine.fields.number import within
from app.engine.job import JobKind, declare, request_job
from app.engine.rules import Saving, rule

Area("evaluations", _("Evaluations"))

CHINA = datetime.timezone(datetime.timedelta(hours=8))
VALUE, STATE, RFM = _("Value tiers"), _("Life cycle"), _("RFM")
DAY, COUNTED, MOVED = _("Day and rules"), _("What was counted"), _("Movements")
AMOUNT, RHYTHM, EVIDENCE = _("Value"), _("Purchase rhythm"), _("Evidence")

KIND = declare(JobKind("evaluation", _("Periodic evaluation"), limit=datetime.timedelta(hours=1)))
"""With `run` it does that run; without, the one of today, which it makes. What it does is in jobs/."""


STEPS = 4
COMPARED = (("tier_move", "neq", "first"),)
"""Evaluations that have one before them."""


def ask(changes: Any, run: Any, _given: Mapping[str, Any] | None = None) -> None:
    """Have the run done by a job, in the transaction that is under way."""
    title = _("Evaluation as of %(day)s", day=run.as_of)
    request_job(KIND.name, {"run": run.id}, KIND.queue, title, STEPS)


def today() -> datetime.date:
    """The day on China's clock."""
    return datetime.datetime.now(CHINA).date()


MOST_MONTHS = 600


def until_today(value: datetime.date) -> datetime.date:
    """A day that can be evaluated: business of days to come is not known. Raises ValueProblem."""
    if value > today():
        raise ValueProblem(_("The business of this day is not known yet: choose today or earlier."))
    if value.year < 1990:
        raise ValueProblem(_("Choose a day from 1990 on."))
    return value


def score(value: int) -> int:
    """Raises ValueProblem."""
    if not 2 <= value <= 5:
        raise ValueProblem(_("Choose a score from 2 to 5."))
    return value


class EvaluationRule(
    Entity,
    area="evaluations",
    label=_("Evaluation rules"),
    plural=_("Evaluation rules"),
    icon="adjustments",
    title="code",
    key="code",
):
    """The thresholds by which customers are evaluated. Rules that were used stay as they are."""

    code = Text(
        _("Version"),
        required=True,
        max_length=30,
        unique=True,
        search=True,
        in_list=True,
        group=DAY,
        hint=_("Such as 2026-1."),
    )
    name_zh = Text(_("Chinese name"), required=True, max_length=60, in_list=True, group=DAY)
    name_en = Text(_("English name"), required=True, max_length=60, in_list=True, group=DAY)
    active = Boolean(
        _("In use"),
        default=True,
        in_list=True,
        group=DAY,
        hint=_("The monthly evaluation takes the newest ones in use."),
    )
    high_from = Money(
        _("High value from"),
        required=True,
        index=False,
        in_list=True,
        group=VALUE,
        hint=_("Of the 12 months before the day. Orders in other currencies are left out."),
    )
    middle_from = Decimal(_("Middle value from"), required=True, in_list=True, group=VALUE)
    new_months = Integer(
        _("New: months since the first purchase"),
        required=True,
        check=within(1, MOST_MONTHS),
        group=STATE,
    )
    active_months = Integer(
        _("Active: months since the last purchase"),
        required=True,
        check=within(1, MOST_MONTHS),
        in_list=True,
        group=STATE,
    )
    dormant_months = Integer(
        _("Dormant: months since the last purchase"),
        required=True,
        check=within(1, MOST_MONTHS),
        in_list=True,
        group=STATE,
        hint=_("Who bought last before that is lost."),
    )
    high_score = Integer(
        _("High score from"),
        required=True,
        default=4,
        check=score,
        group=RFM,
        hint=_(
            "Recency, frequency and amount are scored 1 to 5 by fifths of the customers; "
            "equal values get equal scores."
        ),
    )

    @rule
    def in_order(saving: Saving) -> None:  # noqa: N805
        values = saving.values
        high, middle = values.get("high_from"), values.get("middle_from")
        if high is not None and middle is not None and not 0 < middle < high:
            saving.problem("middle_from", _("It must be more than zero and less than high value."))
        shorter, longer = values.get("active_months"), values.get("dormant_months")
        if shorter is not None and longer is not None and shorter >= longer:
            saving.problem("dormant_months", _("It must be more than for active customers."))

    @rule
    def stay_as_used(saving: Saving) -> None:  # noqa: N805
        """What was evaluated by them must stay explicable: other thresholds are another version."""
        if saving.new or not any(saving.changed(name) for name in THRESHOLDS):
            return
        if _has_runs(saving.changes, saving.record_id):
            first = next(name for name in THRESHOLDS if saving.changed(name))
            saving.problem(
                first, _("Customers were evaluated by these rules: add new ones instead.")
            )


THRESHOLDS = (
    "high_from", "high_from_currency", "middle_from", "new_months", "active_months",
    "dormant_months", "high_score",
)  # fmt: skip


class EvaluationRun(
    Entity,
    area="evaluations",
    label=_("Evaluation"),
    plural=_("Evaluations"),
    icon="presentation-analytics",
    title="name",
    order="-as_of",
    unique_together=(("as_of", "ruleset"),),
):
    """All customers evaluated as of a day. Adding one starts it; run again it is worked out anew."""

    name = Text(
        _("Name"),
        max_length=80,
        unique=True,
        search=True,
        in_list=True,
        group=DAY,
        hint=_("Left empty, it is called by the day and the rules."),
    )
    as_of = Date(
        _("As of"),
        required=True,
        check=until_today,
        in_list=True,
        group=DAY,
        hint=_("Today or earlier. As of today, tier and life cycle of the customers are set, too."),
        synonyms=("评估日期",),
    )
    ruleset = Reference("EvaluationRule", _("Rules"), required=True, in_list=True, group=DAY)
    state = Choice(
        _("State"), RunState, default=RunState.WAITING, read_only=True, in_list=True, group=DAY
    )
    finished_at = DateTime(_("Finished at"), read_only=True, in_list=True, group=DAY)
    before = Reference("EvaluationRun", _("Compared with"), read_only=True, index=False, group=DAY)
    customers = Integer(_("Customers"), read_only=True, in_list=True, group=COUNTED)
    buying = Integer(_("Customers with purchases"), read_only=True, group=COUNTED)
    orders = Integer(_("Orders counted"), read_only=True, in_list=True, group=COUNTED)
    left_out = Integer(
        _("Orders in other currencies"),
        read_only=True,
        in_list=True,
        group=COUNTED,
        hint=_("They count as purchases, but their amounts are left out."),
    )
    later = Integer(_("Orders after the day, left out"), read_only=True, group=COUNTED)
    negative = Integer(
        _("Customers with a negative amount"),
        read_only=True,
        group=COUNTED,
        hint=_("More was refunded than bought in the 12 months."),
    )
    tier_up = Integer(_("Tier risen"), read_only=True, in_list=True, group=MOVED)
    tier_down = Integer(_("Tier fallen"), read_only=True, in_list=True, group=MOVED)
    state_changed = Integer(_("Life cycle changed"), read_only=True, in_list=True, group=MOVED)
    notes = LongText(_("Notes"), group=DAY)

    @rule
    def is_called(saving: Saving) -> None:  # noqa: N805
        day, rules_id = saving.values.get("as_of"), saving.values.get("ruleset")
        if not saving.values.get("name") and day and rules_id:
            saving.values["name"] = f"{day.isoformat()} · {_code_of(saving.changes, rules_id)}"

    actions = (
        Action(
            "again",
            _("Run again"),
            "update",
            ask,
            icon="refresh",
            offered=lambda run: run.state in (RunState.DONE, RunState.FAILED),
            tells=("state",),
        ),
    )
    charts = (
        Chart("tiers_up", _("Tiers risen by month"), "as_of", kind="line", measure="tier_up"),
        Chart("tiers_down", _("Tiers fallen by month"), "as_of", kind="line", measure="tier_down"),
    )


class Evaluation(
    Entity,
    area="evaluations",
    label=_("Customer's evaluation"),
    plural=_("Customers' evaluations"),
    icon="report-analytics",
    title="name",
    order="-id",
    scope_through="customer",
    parent="customer",
    worked_out="run",
):
    """What came out for one customer as of a day, with what it rests on. Worked out, not typed."""

    run = Reference("EvaluationRun", _("Evaluation"), required=True, in_list=True)
    customer = Reference(
        "Customer", _("Customer"), required=True, in_list=True, on_delete="cascade"
    )
    name = Text(_("Name"), max_length=80, in_list=True)
    as_of = Date(_("As of"), required=True, index=False)
    yearly_amount = Money(_("Amount of 12 months"), index=False, in_list=True, group=AMOUNT)
    tier = Choice(_("Value tier"), "Customer.value_tier", index=False, in_list=True, group=AMOUNT)
    tier_before = Choice(_("Value tier before"), "Customer.value_tier", index=False, group=AMOUNT)
    tier_move = Choice(_("Tier movement"), Move, index=False, in_list=True, group=AMOUNT)
    state = Choice(_("Life cycle"), "Customer.status", index=False, in_list=True, group=STATE)
    state_before = Choice(_("Life cycle before"), "Customer.status", index=False, group=STATE)
    state_changed = Boolean(_("Life cycle changed"), index=False, in_list=True, group=STATE)
    segment = Choice(_("RFM segment"), Segment, index=False, in_list=True, group=RFM)
    recency = Integer(_("Recency score"), group=RFM)
    frequency = Integer(_("Frequency score"), group=RFM)
    monetary = Integer(_("Amount score"), group=RFM)
    first_on = Date(_("First purchase"), index=False, group=EVIDENCE)
    last_on = Date(_("Last purchase"), index=False, in_list=True, group=EVIDENCE)
    purchases = Integer(_("Purchases"), group=EVIDENCE)
    purchase_days = Integer(_("Purchase days"), group=EVIDENCE)
    refunds = Integer(_("Refunds"), group=EVIDENCE)
    left_out = Integer(_("Orders in other currencies"), group=EVIDENCE)
    total_amount = Money(_("Amount of all time"), index=False, group=EVIDENCE)
    average_order = Money(_("Average order"), index=False, in_list=True, group=RHYTHM)
    gap_mean = Decimal(_("Days between purchases, mean"), scale=1, in_list=True, group=RHYTHM)
    gap_median = Decimal(_("Days between purchases, median"), scale=1, group=RHYTHM)
    bought_again = Boolean(
        _("Bought again"), index=False, group=RHYTHM, hint=_("On at least two days.")
    )

    charts = (
        Chart("tiers", _("Evaluated customers by value tier"), "tier", kind="pie"),
        Chart("states", _("Evaluated customers by life cycle"), "state"),
        Chart("segments", _("Evaluated customers by RFM segment"), "segment"),
        Chart("tier_moves", _("Tier movements"), "tier_before", only=COMPARED, split="tier"),
        Chart("state_moves", _("Life-cycle changes"), "state_before", only=COMPARED, split="state"),
        Chart("moved", _("Tier movements by month"), "as_of", only=COMPARED, split="tier_move"),
    )


@on("EvaluationRun", "created")
@on("EvaluationRun", "restored")
def start(changes: Any, run: Any) -> None:
    """A run that was added, or came back from the trash, begins by itself."""
    ask(changes, run)


@on("EvaluationRun", "trashed")
def forget(changes: Any, run: Any) -> None:
    """What was worked out goes with its run: it can be worked out again."""
    figures.drop(changes, "Evaluation", run.id)


def _code_of(changes: Any, rules_id: int) -> str:
    rules = figures.Source("EvaluationRule")
    statement = select(rules["code"]).where(rules["id"] == rules_id)
    return "".join(str(row[0]) for row in figures.looked_up(changes, statement))


def _has_runs(changes: Any, rules_id: int | None) -> bool:
    runs = figures.Source("EvaluationRun")
    return figures.newest(changes, runs, runs["ruleset"] == rules_id, order="as_of") is not None
