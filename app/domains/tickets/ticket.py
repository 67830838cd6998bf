"""The ticket: what somebody asks of us, and how far we are with it."""

from __future__ import annotations

from typing import Any

from flask_babel import format_decimal, ngettext
from flask_babel import lazy_gettext as _

from app.domains.tickets import choices, steps
from app.engine.agenda import Agenda
from app.engine.areas import Area
from app.engine.charts import Chart
from app.engine.deadlines import Deadline
from app.engine.entity import Entity
from app.engine.fields import (
    Boolean,
    Choice,
    DateTime,
    Email,
    FoundBy,
    Integer,
    LongText,
    Owner,
    Phone,
    Reference,
    Serial,
    Text,
)
from app.engine.fields.number import within
from app.engine.remarks import Counted, Remark
from app.engine.rules import Saving, rule

Area("tickets", _("Service"))

REQUEST = _("Request")
REQUESTER = _("Requester")
WORK = _("In charge")
GRAVITY = _("Gravity")
TIMES = _("Times")
DEADLINES = _("Deadlines")
COMPLAINT = _("Complaint")
SATISFACTION = _("Satisfaction")

BEST, WORST = 5, 1

KNOWN_RESPONSE = (("response_clock", "neq", "unknown"),)
KNOWN_SOLUTION = (("solution_clock", "neq", "unknown"),)


def _clock(label: Any, **more: Any) -> Choice:
    return Choice(label, choices.ClockState, read_only=True, group=DEADLINES, in_form=False, **more)


def _kept_time(label: Any, group: Any, **more: Any) -> DateTime:
    return DateTime(label, read_only=True, in_form=False, with_time=True, group=group, **more)


def _kept_number(label: Any, group: Any, **more: Any) -> Integer:
    return Integer(label, read_only=True, in_form=False, group=group, **more)


class Ticket(
    Entity,
    area="tickets",
    label=_("Ticket"),
    plural=_("Tickets"),
    icon="ticket",
    title="subject",
    key="external_number",
    archivable=True,
    scope_through="customer",
):
    """A customer's request, complaint, fault or feedback, until they have confirmed that it is solved."""

    number = Serial(
        _("Ticket number"),
        pattern="T{date:%Y%m%d}-{n:04}",
        search=True,
        in_list=True,
        group=REQUEST,
    )
    subject = Text(
        _("Subject"),
        required=True,
        max_length=200,
        search=True,
        pinyin=True,
        in_list=True,
        group=REQUEST,
        synonyms=("Ticket Subject", "主题", "标题", "title"),
    )
    description = LongText(
        _("Description"),
        search=True,
        group=REQUEST,
        synonyms=("Ticket Description", "描述", "问题描述", "内容"),
    )
    kind = Choice(
        _("Kind of ticket"),
        "ticket_kind",
        in_list=True,
        group=REQUEST,
        synonyms=("Ticket Type", "类型", "工单类型", "type"),
    )
    category = Choice(
        _("Category"), "ticket_category", group=REQUEST, synonyms=("分类", "问题分类")
    )
    subcategory = Choice(
        _("Subcategory"),
        "ticket_subcategory",
        parent="category",
        group=REQUEST,
        hint=_("Empty: found by the subject, where that is the name of one."),
    )
    channel = Choice(
        _("Channel"),
        "channel",
        group=REQUEST,
        synonyms=("Ticket Channel", "渠道", "来源渠道"),
    )
    product = Text(
        _("Product concerned"),
        max_length=200,
        search=True,
        group=REQUEST,
        synonyms=("Product Purchased", "产品", "product"),
    )
    external_number = Text(
        _("Number elsewhere"),
        max_length=60,
        unique=True,
        search=True,
        code=True,
        group=REQUEST,
        hint=_("Number in another system; imports find the ticket by it."),
        synonyms=("Ticket ID", "工单号", "工单编号", "编号"),
    )

    customer = Reference(
        "Customer",
        _("Customer"),
        in_list=True,
        group=REQUESTER,
        found_by=FoundBy("requester_email", "email", {"name": "requester_name"}),
        synonyms=("客户名称", "公司"),
    )
    contact = Reference("Contact", _("Contact"), group=REQUESTER)
    requester_name = Text(
        _("Requester's name"),
        max_length=100,
        personal=True,
        search=True,
        pinyin=True,
        group=REQUESTER,
        synonyms=("Customer Name", "姓名", "提交人", "requester"),
    )
    requester_email = Email(
        _("Requester's e-mail"),
        personal=True,
        search=True,
        group=REQUESTER,
        synonyms=("Customer Email", "邮箱", "电子邮箱", "email"),
    )
    requester_phone = Phone(
        _("Requester's phone"),
        personal=True,
        search=True,
        group=REQUESTER,
        synonyms=("电话", "联系电话", "手机", "phone"),
    )

    language = Choice(
        _("Requester's language"),
        choices.Language,
        index=False,
        group=REQUESTER,
        hint=_("In which they are written to; empty: that of their request."),
        synonyms=("语言", "language"),
    )

    impact = Choice(_("Impact"), choices.Impact, group=GRAVITY)
    urgency = Choice(_("Urgency"), choices.Urgency, group=GRAVITY)
    priority = Choice(
        _("Priority"),
        choices.Priority,
        in_list=True,
        group=GRAVITY,
        hint=_("Follows from impact and urgency where both are given."),
        synonyms=("Ticket Priority", "优先级"),
    )
    complex = Boolean(
        _("Complex"), group=GRAVITY, hint=_("More time is promised for its solution.")
    )

    state = Choice(
        _("State"),
        choices.TicketState,
        moves=choices.MOVES,
        begins=choices.BEGINS,
        in_list=True,
        group=WORK,
        synonyms=("Ticket Status", "状态", "工单状态", "status"),
    )
    queue = Choice(_("Queue"), "ticket_queue", group=WORK, synonyms=("队列", "处理组"))
    assignee = Owner(_("Assignee"), in_list=True, group=WORK, synonyms=("处理人", "负责人"))
    lead = Owner(
        _("Lead"),
        group=WORK,
        hint=_("Answers for it across departments; empty: who leads the queue."),
        synonyms=("牵头人",),
    )

    opened_at = DateTime(
        _("Opened at"),
        with_time=True,
        group=TIMES,
        hint=_("When the request came in. Unknown: its deadlines are unknown, too."),
        synonyms=("Created At", "创建时间", "提交时间", "受理时间"),
    )
    first_response_at = DateTime(
        _("First response at"),
        with_time=True,
        group=TIMES,
        hint=_("Filled in with the first public reply; by hand for one by telephone."),
        synonyms=("First Response Time", "首次响应时间"),
    )
    solved_at = DateTime(
        _("Solved at"),
        with_time=True,
        group=TIMES,
        hint=_("Filled in when it is solved."),
        synonyms=("Time to Resolution", "Resolved At", "解决时间"),
    )
    confirmed_at = _kept_time(_("Confirmed at"), TIMES)
    closed_at = _kept_time(_("Closed at"), TIMES)
    reopened = _kept_number(_("Times reopened"), TIMES)

    response_due_at = _kept_time(_("First response due"), DEADLINES)
    response_clock = _clock(_("First response in time"))
    response_minutes = _kept_number(_("First response took (working minutes)"), DEADLINES)
    solution_due_at = _kept_time(_("Solution due"), DEADLINES, in_list=True)
    solution_clock = _clock(_("Solved in time"), in_list=True)
    solution_minutes = _kept_number(_("Solution took (working minutes)"), DEADLINES)
    times_doubtful = Boolean(
        _("Times contradict each other"), read_only=True, in_form=False, group=DEADLINES
    )
    response_allowed = Integer(_("Allowed for the first response (minutes)"), internal=True)
    response_alarm_at = DateTime(_("Next warning of the first response"), internal=True)
    response_told = Integer(_("Warned of the first response"), internal=True)
    solution_allowed = Integer(_("Allowed for the solution (minutes)"), internal=True)
    solution_alarm_at = DateTime(_("Next warning of the solution"), internal=True)
    solution_told = Integer(_("Warned of the solution"), internal=True)
    pauses = LongText(_("Times of waiting"), max_length=50_000, internal=True)

    cause = LongText(_("Cause"), group=COMPLAINT, synonyms=("原因", "投诉原因"))
    responsibility = Text(
        _("Responsibility"), max_length=200, group=COMPLAINT, synonyms=("责任", "责任方")
    )
    remedy = LongText(_("Remedy"), group=COMPLAINT, synonyms=("处理措施", "补救措施"))

    rating = Integer(
        _("Rating (1 to 5)"),
        check=within(WORST, BEST),
        group=SATISFACTION,
        synonyms=("Customer Satisfaction Rating", "满意度", "满意度评分", "评分"),
    )
    rating_comment = LongText(_("What the customer says"), personal=True, group=SATISFACTION)
    rated_at = _kept_time(_("Rated at"), SATISFACTION)

    agenda = (
        Agenda(
            "open",
            _("Tickets"),
            due="solution_due_at",
            owner="assignee",
            open="state:in:new,open",
            shows="priority",
        ),
    )
    deadlines = (
        Deadline(
            "response",
            _("First response"),
            "response_due_at",
            "response_alarm_at",
            "response_told",
            "response_clock",
            choices.ClockState.BREACHED.value,
            ("assignee", "lead"),
        ),
        Deadline(
            "solution",
            _("Solution"),
            "solution_due_at",
            "solution_alarm_at",
            "solution_told",
            "solution_clock",
            choices.ClockState.BREACHED.value,
            ("assignee", "lead"),
        ),
    )
    charts = (
        Chart("states", _("Tickets by state"), "state", kind="bar"),
        Chart("kinds", _("Tickets by kind"), "kind", kind="pie"),
        Chart("priorities", _("Tickets by priority"), "priority", kind="bar"),
        Chart("opened", _("Tickets opened by month"), "opened_at", kind="line"),
        Chart(
            "response_clocks", _("First responses in time"), "response_clock", only=KNOWN_RESPONSE
        ),
        Chart("solution_clocks", _("Solutions in time"), "solution_clock", only=KNOWN_SOLUTION),
        Chart(
            "met",
            _("Solutions in time by month (per cent)"),
            "opened_at",
            kind="line",
            measure="share",
            only=(("solution_clock", "in", "met,breached"),),
            of=(("solution_clock", "eq", "met"),),
        ),
        Chart(
            "response_times",
            _("Median time to the first response, by priority"),
            "priority",
            measure="median:response_minutes",
            only=KNOWN_RESPONSE,
            unit="minutes",
        ),
        Chart(
            "solution_times",
            _("Median time to the solution, by priority"),
            "priority",
            measure="median:solution_minutes",
            only=KNOWN_SOLUTION,
            unit="minutes",
        ),
    )
    remarks = (
        Remark(steps.calendar_missing, on=("record",)),
        Remark(steps.customer_gone, on=("record",)),
        Remark(steps.times_contradict, on=("record",)),
        Counted(
            (("response_clock", "eq", "unknown"),),
            lambda count: ngettext(
                "%(number)s ticket is left out of the figures of response and solution: when it came "
                "is not known, or nothing was promised.",
                "%(number)s tickets are left out of the figures of response and solution: when they "
                "came is not known, or nothing was promised.",
                count,
                number=format_decimal(count),
            ),
        ),
        Counted(
            (("times_doubtful", "eq", "1"),),
            lambda count: ngettext(
                "%(number)s ticket was solved before it was answered, as far as its times say; it is "
                "left out, too.",
                "%(number)s tickets were solved before they were answered, as far as their times say; "
                "they are left out, too.",
                count,
                number=format_decimal(count),
            ),
        ),
    )

    @rule
    def begins(saving: Saving) -> None:  # noqa: N805
        """A ticket that is made here came now and is new. Of one from elsewhere unknown stays unknown."""
        values = saving.values
        if saving.new and not saving.from_elsewhere:
            values["opened_at"] = values.get("opened_at") or steps.now()
            values["state"] = values.get("state") or choices.TicketState.NEW.value

    @rule
    def is_classified(saving: Saving) -> None:  # noqa: N805
        steps.classify(saving)

    @rule
    def comes_from_somebody(saving: Saving) -> None:  # noqa: N805
        steps.name_requester(saving)

    @rule
    def has_priority(saving: Saving) -> None:  # noqa: N805
        steps.prioritise(saving)

    @rule
    def times_follow(saving: Saving) -> None:  # noqa: N805
        steps.check_times(saving)

    @rule
    def rating_has_a_time(saving: Saving) -> None:  # noqa: N805
        steps.note_rating(saving)

    @rule
    def clocks_run(saving: Saving) -> None:  # noqa: N805
        steps.move(saving)
        steps.wind_clocks(saving)


__all__ = ["Ticket"]
