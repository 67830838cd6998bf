"""The document: a paper or a file of the company, from its first draft to the end of its period."""

from __future__ import annotations

from flask_babel import lazy_gettext as _

from app.domains.documents import choices, filing, locking, reviewing
from app.domains.documents.document_class import MOST_YEARS, check_years
from app.engine.agenda import Agenda
from app.engine.charts import Chart
from app.engine.deadlines import Deadline
from app.engine.entity import Entity
from app.engine.fields import (
    Boolean,
    Choice,
    Date,
    DateTime,
    Integer,
    LongText,
    Owner,
    Reference,
    Serial,
    Tags,
    Text,
)
from app.engine.fields.number import within
from app.engine.remarks import Remark
from app.engine.rules import Saving, rule

WHAT = _("Document")
UNDER = _("Filed under")
KEPT = _("Retention")
REVIEW = _("Periodic review")
AT_WORK = _("At work on it")


class Document(
    Entity,
    area="documents",
    label=_("Document"),
    plural=_("Documents"),
    icon="file-text",
    title="title",
    key="number_elsewhere",
    scope_through="customer",
    registered=True,
):
    """A contract, an acceptance paper, minutes, a service record: with its versions and their files."""

    number = Serial(
        _("Document number"),
        pattern="{by}-{date:%Y}-{n:05}",
        by="number_prefix",
        search=True,
        in_list=True,
        group=WHAT,
    )
    title = Text(
        _("Title"),
        required=True,
        max_length=200,
        search=True,
        pinyin=True,
        in_list=True,
        group=WHAT,
        synonyms=("题名", "标题", "文件名称", "title"),
    )
    document_class = Reference(
        "DocumentClass",
        _("Document class"),
        required=True,
        in_list=True,
        group=WHAT,
        synonyms=("类目", "分类", "class"),
    )
    state = Choice(
        _("State"),
        choices.DocumentState,
        moves=choices.MOVES,
        begins=choices.BEGINS,
        default=choices.DocumentState.DRAFT,
        required=True,
        in_list=True,
        group=WHAT,
        synonyms=("状态", "status"),
    )
    confidentiality = Choice(
        _("Confidentiality"),
        choices.Confidentiality,
        in_list=True,
        group=WHAT,
        hint=_("Empty: that of its class."),
        synonyms=("密级",),
    )
    owner = Owner(_("Owner"), in_list=True, group=WHAT, synonyms=("负责人", "owner"))
    dated_on = Date(
        _("Dated"), in_list=True, group=WHAT, synonyms=("日期", "成文日期", "签订日期", "date")
    )
    parties = Tags(
        _("Parties"), personal=True, search=True, group=WHAT, synonyms=("当事方", "签约方")
    )
    keywords = Tags(_("Keywords"), search=True, group=WHAT, synonyms=("关键词", "主题词"))
    description = LongText(_("Description"), search=True, group=WHAT, synonyms=("说明", "备注"))
    number_elsewhere = Text(
        _("Number elsewhere"),
        max_length=60,
        unique=True,
        search=True,
        code=True,
        group=WHAT,
        hint=_("Number in another system; imports find the document by it."),
        synonyms=("文号", "合同编号", "编号"),
    )
    place = Text(
        _("Where the paper lies"), max_length=100, search=True, group=WHAT, synonyms=("存放位置",)
    )
    number_prefix = Text(_("Prefix of the number"), max_length=20, internal=True)

    customer = Reference(
        "Customer", _("Customer"), in_list=True, group=UNDER, synonyms=("客户名称", "公司")
    )
    order = Reference("Order", _("Order"), group=UNDER)
    ticket = Reference("Ticket", _("Ticket"), group=UNDER)
    interaction = Reference("Interaction", _("Interaction"), group=UNDER)
    task = Reference("Task", _("To-do"), group=UNDER)
    evaluation_run = Reference("EvaluationRun", _("Evaluation run"), group=UNDER)
    papers = Choice(
        _("Required papers"), choices.Papers, read_only=True, in_form=False, group=UNDER
    )
    missing_papers = Integer(_("Papers missing"), read_only=True, in_form=False, group=UNDER)

    retention = Choice(
        _("Retention period"),
        choices.Retention,
        group=KEPT,
        hint=_("Empty: that of its class."),
        synonyms=("保管期限",),
    )
    retention_years = Integer(_("Years"), check=within(1, MOST_YEARS), group=KEPT)
    counted_from = Choice(_("Counted from"), choices.Beginning, group=KEPT)
    filed_on = Date(
        _("Filed on"),
        group=KEPT,
        hint=_("Filled in when it comes in force."),
        synonyms=("归档日期",),
    )
    contract_ends_on = Date(_("Contract ends on"), group=KEPT, synonyms=("合同到期日",))
    event_on = Date(_("Event happened on"), group=KEPT)
    retain_until = Date(_("Kept until"), read_only=True, in_form=False, in_list=True, group=KEPT)
    held = Boolean(_("Held"), default=False, read_only=True, in_form=False, group=KEPT)
    superseded_by = Reference("Document", _("Superseded by"), group=KEPT)

    review_on = Date(_("Review on"), group=REVIEW, synonyms=("复审日期",))
    review_clock = Choice(
        _("Review state"), choices.ReviewClock, read_only=True, in_form=False, group=REVIEW
    )
    review_due_at = DateTime(_("Review due"), internal=True)
    review_alarm_at = DateTime(_("Next reminder of the review"), internal=True, index=True)
    review_told = Integer(_("Reminded of the review"), internal=True)

    checked_out_by = Owner(
        _("Checked out by"), on_leaving="keep", read_only=True, in_form=False, group=AT_WORK
    )
    checked_out_at = DateTime(
        _("Checked out at"), with_time=True, read_only=True, in_form=False, group=AT_WORK
    )

    actions = locking.ACTIONS
    agenda = (
        Agenda(
            "reviews",
            _("Documents to review"),
            due="review_on",
            owner="owner",
            open="state:eq:in_force",
            shows="document_class",
        ),
    )
    deadlines = (
        Deadline(
            "review",
            _("Periodic review"),
            "review_due_at",
            "review_alarm_at",
            "review_told",
            "review_clock",
            choices.ReviewClock.OVERDUE.value,
            ("owner",),
        ),
    )
    charts = (
        Chart("classes", _("Documents by class"), "document_class"),
        Chart("states", _("Documents by state"), "state", kind="pie"),
        Chart("due", _("Documents by the year in which their period ends"), "retain_until:year"),
        Chart(
            "missing",
            _("Documents with papers missing, by class"),
            "document_class",
            only=(("papers", "eq", choices.Papers.MISSING.value),),
        ),
        Chart(
            "reviews",
            _("Documents with an overdue review, by class"),
            "document_class",
            only=(("review_clock", "eq", choices.ReviewClock.OVERDUE.value),),
        ),
        Chart("held", _("Documents held, by class"), "document_class", only=(("held", "eq", "1"),)),
        Chart("confidentiality", _("Documents by confidentiality"), "confidentiality"),
    )
    remarks = (Remark(locking.remark, on=("record",)),)

    @rule
    def belongs_to_its_class(saving: Saving) -> None:  # noqa: N805
        filing.take_from_class(saving)
        check_years(saving)

    @rule
    def belongs_to_somebody(saving: Saving) -> None:  # noqa: N805
        filing.name_owner(saving)
        filing.find_customer(saving)

    @rule
    def is_filed(saving: Saving) -> None:  # noqa: N805
        filing.file(saving)

    @rule
    def is_not_at_work_elsewhere(saving: Saving) -> None:  # noqa: N805
        locking.refuse_others(saving)

    @rule
    def is_reviewed(saving: Saving) -> None:  # noqa: N805
        reviewing.wind_clock(saving)


__all__ = ["Document"]
