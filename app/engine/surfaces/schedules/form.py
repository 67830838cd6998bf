"""The form of a schedule: which kind of job with which arguments, on which days and when."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import wtforms
from babel.dates import get_day_names
from flask import request
from flask_babel import get_locale, gettext
from flask_babel import lazy_gettext as _
from werkzeug.datastructures import MultiDict

from app.engine.errors import InvalidInput, Problem
from app.engine.job import Argument, JobKind, Plan
from app.engine.schedule.rules import CRON, DAILY, MONTHLY, WEEKLY, ZONE, Rule
from app.engine.working_days import LAST_YEAR

PREFIX = "argument_"
"""Before the names of the kind's own arguments, which may be called like ours."""

ZONES = (
    "Asia/Shanghai", "Asia/Hong_Kong", "Asia/Taipei", "Asia/Singapore", "Asia/Tokyo",
    "Europe/Berlin", "Europe/London", "America/New_York", "America/Los_Angeles", "UTC",
)  # fmt: skip

WORDS = {DAILY: _("Daily"), WEEKLY: _("Weekly"), MONTHLY: _("Monthly"), CRON: _("Cron")}


class ScheduleForm(wtforms.Form):
    """What every schedule has; `made_for` adds the arguments of a kind and leaves out other rules."""

    name = wtforms.StringField(_("Name"), validators=[wtforms.validators.DataRequired()])
    at = wtforms.TimeField(_("Time of day"), validators=[wtforms.validators.Optional()])
    weekdays = wtforms.SelectMultipleField(
        _("Days of the week"),
        widget=wtforms.widgets.ListWidget(prefix_label=False),
        option_widget=wtforms.widgets.CheckboxInput(),
        validate_choice=False,
    )
    day = wtforms.StringField(
        _("Day of the month"), description=_("31 is the last day, however long the month is.")
    )
    cron = wtforms.StringField(
        _("Cron expression"), description=_("Minute, hour, day, month, day of the week.")
    )
    working_days = wtforms.BooleanField(_("Working days only"))
    zone = wtforms.SelectField(_("Time zone"), validate_choice=False)

    def put(self, error: InvalidInput) -> None:
        """Show each problem beside its field."""
        for problem in error.problems:
            field = self._fields.get(problem.field or "")
            if field is None:
                self.form_errors.append(str(problem.message))
            else:
                field.errors = [*field.errors, str(problem.message)]

    @property
    def arguments(self) -> list[wtforms.Field]:
        """The fields of the kind's own arguments."""
        return [field for name, field in self._fields.items() if name.startswith(PREFIX)]


_OF_RULE = {DAILY: ("at",), WEEKLY: ("at", "weekdays"), MONTHLY: ("at", "day"), CRON: ("cron",)}


def made_for(
    kind: JobKind, every: str, rule: Rule, name: str, answers: Mapping[str, Any]
) -> ScheduleForm:
    """The form for a kind and a sort of rule: what was posted, else these values."""
    plan = kind.plan or Plan(title=lambda _answers: "")
    fields = {f"{PREFIX}{a.name}": _field(a) for a in plan.arguments}
    left_out = {"at", "weekdays", "day", "cron"} - set(_OF_RULE[every])
    made: type[ScheduleForm] = type(
        "MadeForm", (ScheduleForm,), {**fields, **dict.fromkeys(left_out)}
    )
    data: dict[str, Any] = {
        "name": name,
        "weekdays": [str(number) for number in rule.weekdays],
        "day": str(rule.day),
        "cron": rule.cron,
        "working_days": rule.working_days,
        "zone": rule.zone,
        **{f"{PREFIX}{a.name}": answers.get(a.name, a.default) for a in plan.arguments},
    }
    posted = MultiDict(request.form) if request.method == "POST" else None
    form = made(posted, data=data)
    if "at" in form._fields and posted is None:
        form.at.process_data(_as_time(rule.at))
    form.zone.choices = [(zone, zone) for zone in dict.fromkeys((rule.zone, *ZONES))]
    if every == WEEKLY:
        days = get_day_names("wide", locale=get_locale())
        form.weekdays.choices = [(str(number), days[number]) for number in range(7)]
    form.working_days.description = _hint(every)
    return form


def _as_time(text: str) -> Any:
    import datetime

    return datetime.time.fromisoformat(text)


def _hint(every: str) -> str:
    moved = gettext("A day off moves to the next working day.") if every == MONTHLY else ""
    known = gettext(
        "China's calendar with its adjusted days, known to the end of %(year)s; then Monday to Friday without fixed holidays.",
        year=LAST_YEAR,
    )
    return f"{moved} {known}".strip()


def _field(argument: Argument) -> Any:
    required = [wtforms.validators.DataRequired()] if argument.required else []
    hint = argument.hint or ""
    if argument.choices is None:
        return wtforms.StringField(argument.label, validators=required, description=hint)
    options = [(value, str(label)) for value, label in argument.choices()]
    if not argument.required:
        options.insert(0, ("", ""))
    return wtforms.SelectField(
        argument.label, validators=required, description=hint, choices=options
    )


def decided(
    form: ScheduleForm, kind: JobKind, every: str
) -> tuple[str, Rule, dict[str, str], dict[str, Any]]:
    """Name, rule, answers and the job's arguments. Raises InvalidInput naming each wrong field."""
    if not form.validate():
        raise InvalidInput(
            [Problem(name, text) for name, texts in form.errors.items() for text in texts]
        )
    values = request.form
    rule = Rule(
        every=every,
        at=values.get("at", "08:00")[:5],
        weekdays=tuple(sorted(int(n) for n in values.getlist("weekdays") if n in "0123456")),
        day=int(values.get("day", "1")) if values.get("day", "1").isdecimal() else 0,
        cron=" ".join(values.get("cron", "").split()),
        working_days=bool(values.get("working_days")),
        zone=values.get("zone", ZONE),
    )
    rule.check()
    answers = {
        field.name.removeprefix(PREFIX): str(field.data or "").strip() for field in form.arguments
    }
    arguments = _arguments(kind, answers)
    return values["name"].strip()[:120], rule, answers, arguments


def _arguments(kind: JobKind, answers: Mapping[str, str]) -> dict[str, Any]:
    plan = kind.plan
    if plan is None:
        return {}
    try:
        return dict(plan.prepare(answers))
    except InvalidInput as error:
        named = [
            Problem(f"{PREFIX}{p.field}" if p.field else None, p.message) for p in error.problems
        ]
        raise InvalidInput(named) from error
