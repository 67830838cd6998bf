"""The task (待办): something for a person to do. What a worker runs is a job (任务), never this."""

from __future__ import annotations

import datetime

from flask_babel import lazy_gettext as _

from app.engine.agenda import Agenda
from app.engine.areas import Area
from app.engine.charts import Chart
from app.engine.choices import Choices
from app.engine.entity import Entity
from app.engine.fields import Choice, Date, DateTime, LongText, Owner, Reference, Text
from app.engine.rules import Saving, rule
from app.engine.states import Move

Area("tasks", _("To-dos"))


class TaskState(Choices):
    """Whether it is still to be done."""

    OPEN = "open", _("Not done"), "blue"
    DONE = "done", _("Done"), "green"
    DROPPED = "dropped", _("Dropped"), "gray"


STEPS = (
    Move("done", _("Mark as done"), ("open",), "done", icon="check"),
    Move("drop", _("Drop"), ("open",), "dropped", icon="ban"),
    Move("reopen", _("Open again"), ("done", "dropped"), "open", icon="rotate-2"),
)


class Task(
    Entity,
    area="tasks",
    label=_("To-do"),
    plural=_("To-dos"),
    icon="list-check",
    title="subject",
    order="due_on",
    timeline="due_on",
):
    """Something to do by a day. Rules and records ask for tasks by a key, each for one."""

    subject = Text(
        _("Subject"),
        required=True,
        max_length=200,
        search=True,
        in_list=True,
        synonyms=("主题", "标题", "title"),
    )
    customer = Reference(
        "Customer",
        _("Customer"),
        in_list=True,
        on_delete="cascade",
        synonyms=("所属客户", "客户名称", "company"),
    )
    due_on = Date(
        _("Due on"), in_list=True, synonyms=("截止日期", "到期日", "due", "due date", "deadline")
    )
    owner = Owner(_("Owner"), in_list=True, synonyms=("执行人", "负责人", "owner", "assignee"))
    state = Choice(
        _("State"),
        TaskState,
        default=TaskState.OPEN,
        moves=STEPS,
        required=True,
        in_list=True,
        synonyms=("状态", "status"),
    )
    description = LongText(_("Description"), search=True, synonyms=("说明", "备注", "description"))
    origin = Choice(
        _("Origin"),
        "task_origin",
        hint=_("Which rule or record asked for it; empty: a person."),
        synonyms=("来源",),
    )
    origin_key = Text(
        _("Origin key"),
        max_length=120,
        unique=True,
        code=True,
        read_only=True,
        in_form=False,
        hint=_("By it a rule knows what it has asked for already."),
    )
    done_at = DateTime(_("Done at"), read_only=True, in_form=False)

    charts = (
        Chart("states", _("To-dos by state"), "state"),
        Chart("due", _("To-dos by week in which they are due"), "due_on:week", split="state"),
        Chart("owners", _("To-dos by owner"), "owner", split="state"),
    )
    agenda = (
        Agenda(
            "mine",
            _("My to-dos"),
            due="due_on",
            open="state:eq:open",
            shows="customer",
            undated=_("without a day"),
        ),
    )

    @rule
    def says_when_it_was_done(saving: Saving) -> None:  # noqa: N805
        if saving.new or saving.changed("state"):
            done = saving.values.get("state") == TaskState.DONE
            saving.values["done_at"] = datetime.datetime.now(datetime.UTC) if done else None
