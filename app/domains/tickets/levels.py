"""What the company has promised: priority out of impact and urgency, and by when to answer and solve."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

from flask_babel import lazy_gettext as _
from sqlalchemy import select

from app.domains.tickets.choices import Impact, Priority, Urgency
from app.engine import registry
from app.engine.areas import SETTINGS
from app.engine.entity import Entity
from app.engine.fields import Boolean, Choice, Integer, Owner, Text
from app.engine.fields.number import within
from app.engine.rules import whoever_saves

MOST_MINUTES = 100_000
CONDITIONS = ("kind", "tier", "priority", "complex")


class PriorityRule(
    Entity,
    area=SETTINGS.key,
    label=_("Priority rule"),
    plural=_("Priority matrix"),
    icon="table",
    title="priority",
    order="impact",
    unique_together=[("impact", "urgency")],
):
    """The priority of tickets of one impact and one urgency."""

    impact = Choice(_("Impact"), Impact, required=True, in_list=True)
    urgency = Choice(_("Urgency"), Urgency, required=True, in_list=True)
    priority = Choice(_("Priority"), Priority, required=True, in_list=True)


class ServiceLevel(
    Entity,
    area=SETTINGS.key,
    label=_("Service level"),
    plural=_("Service levels"),
    icon="clock",
    title="name_zh",
    order="id",
    key="name_zh",
):
    """Within how much working time tickets of some kind are answered and solved.

    Of several that fit a ticket the one that asks for most counts; among equals the shorter one.
    """

    name_zh = Text(_("Chinese name"), required=True, unique=True, max_length=60, in_list=True)
    name_en = Text(_("English name"), max_length=60, in_list=True)
    kind = Choice(_("Kind of ticket"), "ticket_kind", in_list=True, hint=_("Empty: every one."))
    tier = Choice(_("Value tier"), "Customer.value_tier", in_list=True, hint=_("Empty: every one."))
    priority = Choice(_("Priority"), Priority, in_list=True, hint=_("Empty: every one."))
    complex = Boolean(_("Complex"), in_list=True, hint=_("Empty: every one."))
    response_minutes = Integer(
        _("First response within"),
        required=True,
        check=within(1, MOST_MINUTES),
        in_list=True,
        hint=_("In working minutes."),
    )
    solution_minutes = Integer(
        _("Solution within"),
        required=True,
        check=within(1, MOST_MINUTES),
        in_list=True,
        hint=_("In working minutes."),
    )


class QueueLead(
    Entity,
    area=SETTINGS.key,
    label=_("Lead of a queue"),
    plural=_("Leads of queues"),
    icon="user-star",
    title="queue",
    key="queue",
):
    """Who leads the tickets of a queue, across departments, unless a ticket names somebody else."""

    queue = Choice(_("Queue"), "ticket_queue", required=True, unique=True, in_list=True)
    lead = Owner(_("Lead"), required=True, in_list=True)


@dataclass(frozen=True)
class Promise:
    """A rule, apart from the database."""

    conditions: Mapping[str, Any]
    response_minutes: int
    solution_minutes: int

    def fits(self, values: Mapping[str, Any]) -> bool:
        """Whether it is about a ticket of these values. What is not complex may be unsaid."""
        return all(
            wanted is None or (values.get(name) or (False if name == "complex" else None)) == wanted
            for name, wanted in self.conditions.items()
        )

    @property
    def asks(self) -> int:
        return sum(wanted is not None for wanted in self.conditions.values())


def chosen(promises: list[Promise], values: Mapping[str, Any]) -> Promise | None:
    """The rule that counts for a ticket of these values; None where none fits."""
    fitting = [promise for promise in promises if promise.fits(values)]
    return min(
        fitting, key=lambda one: (-one.asks, one.solution_minutes, one.response_minutes),
        default=None,
    )  # fmt: skip


class Rules:
    """The rules as they stand, read once for all that is done in a change set."""

    def __init__(self, session: Any) -> None:
        level: Any = ServiceLevel
        matrix: Any = PriorityRule
        lead: Any = QueueLead
        wanted = [getattr(level, name) for name in CONDITIONS]
        rows = session.execute(select(level.response_minutes, level.solution_minutes, *wanted))
        self.promises = [
            Promise(dict(zip(CONDITIONS, row[2:], strict=True)), row[0], row[1]) for row in rows
        ]
        cells = session.execute(select(matrix.impact, matrix.urgency, matrix.priority))
        self.matrix = {(row.impact, row.urgency): row.priority for row in cells}
        self.leads = {
            row.queue: row.lead_id for row in session.execute(select(lead.queue, lead.lead_id))
        }
        self._session = session
        self._tiers: dict[int, str | None] = {}

    def tier(self, customer_id: int | None) -> str | None:
        """The value tier of a customer; None of one that is gone or unknown."""
        if customer_id is None:
            return None
        if customer_id not in self._tiers:
            model: Any = registry.current().entity("Customer").model
            tier = select(model.value_tier).where(model.id == customer_id)
            with whoever_saves():
                self._tiers[customer_id] = self._session.scalar(tier)
        return self._tiers[customer_id]


_known: WeakKeyDictionary[Any, Rules] = WeakKeyDictionary()


def rules_of(changes: Any) -> Rules:
    """The rules, for all that is done in this change set."""
    if changes not in _known:
        with whoever_saves():
            _known[changes] = Rules(changes.session)
    return _known[changes]
