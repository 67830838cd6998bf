"""The interaction: one contact with a customer, and what is to follow from it."""

from __future__ import annotations

import datetime
from typing import Any

from flask_babel import lazy_gettext as _
from sqlalchemy import select

from app.domains.customers.contact import Contact
from app.domains.customers.order import CHINA
from app.engine.charts import Chart
from app.engine.choices import Choices
from app.engine.entity import Entity
from app.engine.errors import ValueProblem
from app.engine.events import on
from app.engine.fields import Choice, Date, DateTime, LongText, Owner, Reference, Text
from app.engine.onward import make_once
from app.engine.rules import Saving, rule

WHAT = _("What was said")
NEXT = _("Next step")


class InteractionKind(Choices):
    """In which way we met."""

    VISIT = "visit", _("Visit"), "purple"
    CALL = "call", _("Call"), "blue"
    MAIL = "mail", _("Mail"), "cyan"
    EVENT = "event", _("Event"), "green"


def by_tonight(value: datetime.datetime) -> datetime.datetime:
    """A moment that has come, or comes today on China's clock. Raises ValueProblem."""
    if value.astimezone(CHINA).date() > datetime.datetime.now(CHINA).date():
        raise ValueProblem(
            _("This time lies in the future: write down what is planned as a to-do.")
        )
    return value


def _now() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC).replace(second=0, microsecond=0)


class Interaction(
    Entity,
    area="customers",
    label=_("Interaction"),
    plural=_("Interactions"),
    icon="messages",
    title="subject",
    order="-at",
    scope_through="customer",
    parent="customer",
    timeline="at",
):
    """A visit, call, mail or event: when, by which channel, what was said, and the next step."""

    customer = Reference(
        "Customer",
        _("Customer"),
        required=True,
        in_list=True,
        on_delete="cascade",
        synonyms=("所属客户", "公司", "客户名称", "company"),
    )
    contact = Reference(
        "Contact", _("Contact"), hint=_("Whom we met."), synonyms=("联系人姓名", "contact")
    )
    kind = Choice(
        _("Kind"),
        InteractionKind,
        required=True,
        in_list=True,
        synonyms=("互动类型", "类型", "type"),
    )
    channel = Choice(
        _("Channel"), "channel", in_list=True, synonyms=("沟通渠道", "方式", "channel")
    )
    at = DateTime(
        _("Time"),
        required=True,
        default=_now,
        check=by_tonight,
        in_list=True,
        hint=_("When it took place; not in the future."),
        synonyms=("互动时间", "日期", "date", "when"),
    )
    person = Owner(
        _("Handled by"),
        in_list=True,
        on_leaving="keep",
        synonyms=("跟进人", "负责人", "handled by"),
    )
    subject = Text(
        _("Subject"),
        required=True,
        max_length=200,
        search=True,
        group=WHAT,
        in_list=True,
        synonyms=("主题", "标题", "title"),
    )
    content = LongText(
        _("Content"), search=True, group=WHAT, synonyms=("沟通内容", "内容", "content")
    )
    customer_words = LongText(
        _("Customer's words"),
        search=True,
        group=WHAT,
        hint=_("What the customer said, as they said it."),
        synonyms=("客户反馈", "客户意见", "feedback"),
    )
    next_step = Text(
        _("Next step"),
        max_length=200,
        search=True,
        group=NEXT,
        hint=_("It becomes a to-do of the person named here."),
        synonyms=("下一步", "后续计划", "next"),
    )
    next_step_on = Date(
        _("Next step by"), group=NEXT, synonyms=("下一步日期", "计划日期", "next step date")
    )
    next_step_owner = Owner(
        _("Next step: owner"),
        group=NEXT,
        hint=_("Empty: the person who handled this."),
        synonyms=("下一步负责人",),
    )

    charts = (
        Chart("weeks", _("Interactions by week"), "at:week", split="kind"),
        Chart("people", _("Interactions by person"), "person", split="kind"),
        Chart("channels", _("Interactions by channel"), "channel", kind="pie"),
    )

    @rule
    def met_at_the_customer(saving: Saving) -> None:  # noqa: N805
        contact, customer = saving.values.get("contact"), saving.values.get("customer")
        if contact is None or not (saving.changed("contact") or saving.changed("customer")):
            return
        model: Any = Contact
        at = saving.changes.session.scalar(select(model.customer_id).where(model.id == contact))
        if at != customer:
            saving.problem("contact", _("This person is no contact of that customer."))

    @rule
    def next_step_is_said(saving: Saving) -> None:  # noqa: N805
        values = saving.values
        if values.get("next_step") is None and (
            values.get("next_step_on") or values.get("next_step_owner")
        ):
            saving.problem("next_step", _("Say what is to be done."))


@on("Interaction", "created")
@on("Interaction", "updated")
def ask_for_the_next_step(changes: Any, interaction: Any) -> None:
    """The next step becomes a to-do, once."""
    if interaction.next_step is None:
        return
    owner = interaction.next_step_owner_id or interaction.person_id or changes.viewer.user_id
    task = {
        "subject": interaction.next_step,
        "customer": interaction.customer_id,
        "due_on": interaction.next_step_on,
        "owner": owner,
        "origin": "next_step",
        "origin_key": f"interaction:{interaction.id}:next_step",
    }
    make_once(changes, "Task", [task], "origin_key")
