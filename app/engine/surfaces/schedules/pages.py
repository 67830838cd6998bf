"""The pages of schedules: for those who look after the system."""

from __future__ import annotations

from typing import Any

from flask import abort, make_response, redirect, render_template, request
from flask_babel import gettext
from flask_babel import lazy_gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.engine import audit, policy
from app.engine.adapters.appbuilder.views import Pages, expose, page
from app.engine.adapters.database import db, now, write_transaction
from app.engine.adapters.web import toast
from app.engine.addresses import with_query
from app.engine.errors import InvalidInput, NotFound
from app.engine.job import JobKind, declared, kind_of
from app.engine.labels import language
from app.engine.messages import thaw
from app.engine.schedule import DAILY, EVERY, Rule, Schedule, run_now, settle
from app.engine.surfaces.schedules import shown
from app.engine.surfaces.schedules.form import WORDS, decided, made_for

HERE = "/schedules/"


class SchedulePages(Pages):
    """/schedules/ and each schedule."""

    @expose("/schedules/")
    @page(policy.SYSTEM, "read")
    def schedules(self) -> str:
        """All of them: administrators' own first, then the system's."""
        found = select(Schedule).order_by(Schedule.system_name.is_not(None), Schedule.id)
        return render_template(
            "schedules/schedules.html",
            schedules=shown.listed(list(db.session.scalars(found))),
            kinds=_plannable(),
            may_change=_may_change(),
        )

    @expose("/schedules/new/<kind>", methods=["GET", "POST"])
    @page(policy.SYSTEM, "update")
    def new(self, kind: str) -> Any:
        """A new schedule for a kind of job."""
        found = next((one for one in _plannable() if one.name == kind), None)
        if found is None:
            raise NotFound(_("This kind of job can't be scheduled."))
        return _edited(None, found)

    @expose("/schedules/<int:schedule_id>")
    @page(policy.SYSTEM, "read")
    def schedule(self, schedule_id: int) -> str:
        """One schedule: when next, what happened."""
        found = _found(db.session(), schedule_id)
        return render_template(
            "schedules/schedule.html",
            schedule=shown.summary(found),
            upcoming=shown.upcoming(found),
            history=shown.history(found),
            may_change=_may_change(),
        )

    @expose("/schedules/<int:schedule_id>/edit", methods=["GET", "POST"])
    @page(policy.SYSTEM, "update")
    def edit(self, schedule_id: int) -> Any:
        """Change it; from then on it runs on behalf of whoever changed it."""
        found = _found(db.session(), schedule_id)
        if found.system_name is not None:
            abort(409)
        return _edited(found, kind_of(found.kind))

    @expose("/schedules/<int:schedule_id>/<any(pause,resume):what>", methods=["POST"])
    @page(policy.SYSTEM, "update")
    def pause(self, schedule_id: int, what: str) -> Any:
        """Let it rest, or take it up again: times in between are not caught up."""
        with write_transaction() as session:
            found = _found(session, schedule_id)
            found.active = what == "resume"
            _stamp(found)
            settle(found)
            _audit(found, what)
        return redirect(f"{HERE}{schedule_id}", 303)

    @expose("/schedules/<int:schedule_id>/run", methods=["POST"])
    @page(policy.SYSTEM, "update")
    def run(self, schedule_id: int) -> Any:
        """Ask for its job now."""
        _found(db.session(), schedule_id)
        job_id = run_now(schedule_id)
        if job_id is None:
            toast(gettext("Its owner is not active: nothing was started."), "warning")
        return redirect(f"/jobs/{job_id}" if job_id else f"{HERE}{schedule_id}", 303)

    @expose("/schedules/<int:schedule_id>/delete", methods=["POST"])
    @page(policy.SYSTEM, "update")
    def delete(self, schedule_id: int) -> Any:
        """Take it away; jobs that it has asked for stay."""
        with write_transaction() as session:
            found = _found(session, schedule_id)
            if found.system_name is not None:
                abort(409)
            session.delete(found)
            _audit(found, "delete")
        toast(gettext("The schedule was deleted."), "info")
        return redirect(HERE, 303)


def _found(session: Session, schedule_id: int) -> Schedule:
    found = session.get(Schedule, schedule_id, populate_existing=True)
    if found is None:
        raise NotFound(_("There is no such schedule."))
    return found


def _may_change() -> bool:
    return policy.current_viewer().can(policy.SYSTEM, "update")


def _plannable() -> list[JobKind]:
    return [kind for kind in declared() if kind.plan is not None]


def _edited(schedule: Schedule | None, kind: JobKind) -> Any:
    """The form; a POST makes or changes the schedule."""
    rule = Rule.from_json(schedule.rule) if schedule else Rule(DAILY, weekdays=(0,))
    every = request.args.get("every", rule.every)
    if every not in EVERY:
        raise NotFound
    name = thaw(schedule.name) if schedule else str(kind.label)
    form = made_for(kind, every, rule, name, schedule.answers if schedule else {})
    problem = False
    if request.method == "POST":
        try:
            return redirect(f"{HERE}{_saved(schedule, kind, decided(form, kind, every))}", 303)
        except InvalidInput as error:
            form.put(error)
            problem = True
    context = {
        "form": form,
        "kind": str(kind.label),
        "schedule": shown.summary(schedule) if schedule else None,
        "tabs": _tabs(every),
    }
    return make_response(render_template("schedules/form.html", **context), 422 if problem else 200)


def _tabs(every: str) -> list[dict[str, Any]]:
    return [
        {
            "label": str(WORDS[one]),
            "href": with_query(request.path, [("every", one)]),
            "active": one == every,
        }
        for one in EVERY
    ]


def _saved(schedule: Schedule | None, kind: JobKind, values: tuple[Any, ...]) -> int:
    name, rule, answers, arguments = values
    viewer = policy.current_viewer()
    with write_transaction() as session:
        row = Schedule(active=True) if schedule is None else _found(session, schedule.id)
        row.name, row.kind, row.answers, row.arguments = name, kind.name, answers, arguments
        row.rule = rule.as_json()
        row.owner_id, row.owner_name, row.language = viewer.user_id, viewer.name, language()
        _stamp(row)
        settle(row)
        session.add(row)
        session.flush()
        _audit(row, "create" if schedule is None else "update")
        return int(row.id)


def _audit(schedule: Schedule, change: str) -> None:
    details = {"schedule": schedule.id, "kind": schedule.kind, "change": change}
    audit.record("schedule.changed", details={**details, "rule": schedule.rule})


def _stamp(schedule: Schedule) -> None:
    schedule.changed_at, schedule.changed_by = now(), policy.current_viewer().name
