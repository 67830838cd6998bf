"""The pages of an import: upload, columns, preview, progress, result. One address for each import."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from flask import abort, redirect, render_template, request
from flask_babel import gettext
from flask_babel import lazy_gettext as _
from sqlalchemy import select, update
from werkzeug.wrappers import Response

from app.engine import notices, policy
from app.engine.adapters.appbuilder.views import Pages, entity_page, expose
from app.engine.adapters.database import db, write_transaction
from app.engine.adapters.web import toast
from app.engine.changes import ChangeSet, may_undo, undo
from app.engine.errors import InvalidInput, NotFound, StewardError
from app.engine.job import Job, request_job
from app.engine.registry import EntityDefinition
from app.engine.surfaces.imports import shown, uploads
from app.engine.surfaces.imports.columns import check_mapping, check_mode, check_required
from app.engine.surfaces.imports.deciding import decided
from app.engine.surfaces.imports.models import (
    CHECKED,
    CHECKING,
    DONE,
    REVERSED,
    REVERSING,
    RUNNING,
    UPLOADED,
    ImportRun,
    Options,
)
from app.engine.undoing import request_undo

AT_ONCE = 1000
"""Up to so many changes are taken back while the person waits; more, by a job."""

_RECENT = 20


class ImportPages(Pages):
    """/import/<key> and, below it, each import."""

    @expose("/import/<key>", methods=["GET", "POST"])
    @entity_page("import")
    def upload(self, definition: EntityDefinition) -> Any:
        """Choose a file; the imports before this one."""
        problem = None
        if request.method == "POST":
            file = request.files.get("file")
            try:
                if file is None or not file.filename:
                    raise InvalidInput.of("file", _("Choose a file first."))
                run_id = uploads.take(definition, file.stream, file.filename)
                return redirect(address(definition, run_id), 303)
            except StewardError as error:
                problem = error.message
        page = render_template(
            "imports/upload.html",
            definition=definition,
            problem=problem,
            recent=shown.recent(_own(definition).limit(_RECENT)),
            megabytes=shown.megabytes(),
        )
        return page, 422 if problem else 200

    @expose("/import/<key>/<int:run_id>")
    @entity_page("import")
    def run(self, definition: EntityDefinition, run_id: int) -> Any:
        """Where the import stands: columns, progress, preview or result."""
        run, job = found(definition, run_id)
        if job is None or job.over:
            notices.seen(request.path)
        return page_of(definition, run, job)

    @expose("/import/<key>/<int:run_id>/status")
    @entity_page("import")
    def status(self, definition: EntityDefinition, run_id: int) -> Any:
        """The moving bar; once there is nothing to wait for, the whole page again."""
        _run, job = found(definition, run_id)
        if job is None or job.over:
            return Response(headers={"HX-Refresh": "true"})
        return render_template(
            "jobs/_progress.html",
            job=shown.progress(job),
            url=address(definition, run_id, "status"),
        )

    @expose("/import/<key>/<int:run_id>/format", methods=["POST"])
    @entity_page("import")
    def format(self, definition: EntityDefinition, run_id: int) -> Any:
        """Read the file in another way."""
        run, job = found(definition, run_id)
        require(run, UPLOADED, CHECKED, CHECKING if job and job.over else UPLOADED)
        header = {"yes": True, "no": False}.get(request.form.get("header", ""))
        wanted = {
            "encoding": shown.known_encoding(request.form.get("encoding")),
            "delimiter": shown.known_delimiter(request.form.get("delimiter")),
            "sheet": request.form.get("sheet") or None,
            "header": header,
        }
        try:
            uploads.read_differently(definition, run, wanted)
        except StewardError as error:
            return page_of(definition, run, job, error.message)
        return redirect(address(definition, run_id), 303)

    @expose("/import/<key>/<int:run_id>/check", methods=["POST"])
    @entity_page("import")
    def check(self, definition: EntityDefinition, run_id: int) -> Any:
        """Columns and choices as decided; then a job goes through the file."""
        run, job = found(definition, run_id)
        options = decided(run, request.form)
        try:
            check_mapping(definition, run.columns or [], options.mapping)
            check_mode(options)
            if options.key is None:
                check_required(definition, options.mapping)
        except StewardError as error:
            run.options = options.as_json()
            db.session.expunge(run)
            return page_of(definition, run, None, error.message)
        before = (UPLOADED, CHECKED, *((CHECKING,) if job is None or job.over else ()))
        title = _("Check of %(file)s", file=run.file_name)
        _go_on(definition, run, before, CHECKING, "import.check", "default", title, options)
        return redirect(address(definition, run_id), 303)

    @expose("/import/<key>/<int:run_id>/columns", methods=["POST"])
    @entity_page("import")
    def columns(self, definition: EntityDefinition, run_id: int) -> Any:
        """Back from the preview to the columns."""
        run, _job = found(definition, run_id)
        _move(run, (CHECKED,), UPLOADED)
        return redirect(address(definition, run_id), 303)

    @expose("/import/<key>/<int:run_id>/start", methods=["POST"])
    @entity_page("import")
    def start(self, definition: EntityDefinition, run_id: int) -> Any:
        """Carry the plan out, or go on where a run was stopped."""
        run, job = found(definition, run_id)
        plan = run.plan or {}
        if run.state == CHECKED and run.decided.all_or_nothing and plan.get("refused"):
            message = gettext(
                "Rows are refused, and all or nothing was asked for: nothing is imported."
            )
            return page_of(definition, run, job, message)
        before = (CHECKED, *((RUNNING, REVERSING) if job is None or job.over else ()))
        state = run.state if run.state == REVERSING else RUNNING
        title = _("Import of %(file)s", file=run.file_name)
        _go_on(definition, run, before, state, "import.run", "bulk", title)
        return redirect(address(definition, run_id), 303)

    @expose("/import/<key>/<int:run_id>/undo", methods=["POST"])
    @entity_page("import")
    def undo(self, definition: EntityDefinition, run_id: int) -> Any:
        """Take the whole import back."""
        run, job = found(definition, run_id)
        if run.change_set_id is None or (job is not None and not job.over):
            abort(409)
        target = db.session.get(ChangeSet, run.change_set_id)
        if target is None or not may_undo(target, policy.current_viewer()):
            raise NotFound
        here = address(definition, run_id)
        try:
            if sum((target.counts or {}).values()) > AT_ONCE:
                _ask_for_undo(run, target, here)
            else:
                report = undo(target.id)
                kind = "success" if not report.blocked else "warning"
                toast(shown.undone(report.as_json()), kind)
        except InvalidInput as error:
            toast(str(error), "warning")
        return redirect(here, 303)

    @expose("/import/<key>/<int:run_id>/discard", methods=["POST"])
    @entity_page("import")
    def discard(self, definition: EntityDefinition, run_id: int) -> Any:
        """Forget a file that was not imported."""
        run, job = found(definition, run_id)
        require(run, UPLOADED, CHECKED, CHECKING if job and job.over else UPLOADED)
        uploads.discard(run)
        toast(gettext("The file was discarded; nothing was imported."), "info")
        return redirect(f"/import/{definition.key}", 303)


def _ask_for_undo(run: ImportRun, target: ChangeSet, here: str) -> None:
    """Raises InvalidInput where somebody else's job is at it already."""
    title = _("Undo of %(file)s", file=run.file_name)
    total = sum((target.counts or {}).values())
    with write_transaction() as session:
        asked = request_undo(target.id, title, "bulk", total, here)
        session.get_one(ImportRun, run.id, populate_existing=True).job_id = asked.id


def page_of(
    definition: EntityDefinition, run: ImportRun, job: Job | None, problem: Any = None
) -> tuple[str, int]:
    """The page that fits where the import stands."""
    waiting = job is not None and not job.over
    if job is not None and problem is None and job.state in ("failed", "cancelled"):
        problem = shown.why_stopped(job) if run.state not in (DONE, REVERSED) else None
    context: dict[str, Any] = {
        "definition": definition,
        "run": run,
        "here": address(definition, run.id),
        "problem": problem,
    }
    if waiting and job is not None:
        template, more = "imports/waiting.html", {"job": shown.progress(job)}
    elif run.state in (UPLOADED, CHECKING):
        template, more = "imports/columns.html", shown.columns_page(definition, run)
    elif run.state == CHECKED:
        template, more = "imports/preview.html", shown.preview_page(definition, run)
    else:
        template, more = "imports/result.html", shown.result_page(definition, run, job)
    status = 422 if problem is not None and request.method == "POST" else 200
    return render_template(template, **context, **more), status


def _go_on(
    definition: EntityDefinition,
    run: ImportRun,
    before: Iterable[str],
    state: str,
    kind: str,
    queue: str,
    title: Any,
    options: Options | None = None,
) -> None:
    """Move the import on and ask for the job that does it, both or neither, and once."""
    arguments = {"import": run.id, "page": address(definition, run.id)}
    total = (run.plan or {}).get("total") if kind == "import.run" else None
    with write_transaction():
        job = request_job(kind, arguments, queue, title, total)
        values: dict[str, Any] = {"job_id": job.id}
        if options is not None:
            values["options"] = options.as_json()
        _move(run, before, state, **values)


def _move(run: ImportRun, before: Iterable[str], state: str, **values: Any) -> None:
    """From one of the states to another; 409 when somebody was faster."""
    with write_transaction() as session:
        moved = session.execute(
            update(ImportRun)
            .where(
                ImportRun.id == run.id,
                ImportRun.state.in_(list(before)),
                ImportRun.job_id.is_(None)
                if run.job_id is None
                else ImportRun.job_id == run.job_id,
            )
            .values(state=state, **values),
            execution_options={"synchronize_session": False},
        )
        if getattr(moved, "rowcount", 0) != 1:
            abort(409)


def require(run: ImportRun, *states: str) -> None:
    """409 where the import has moved on."""
    if run.state not in states:
        abort(409)


def _own(definition: EntityDefinition) -> Any:
    """The imports into the entity that the viewer may know of: their own; all, for administrators.

    A preview shows what stands in the file and in records, with the rights of whoever asked.
    """
    viewer = policy.current_viewer()
    statement = select(ImportRun).where(ImportRun.entity == definition.name)
    if not viewer.unlimited:
        statement = statement.where(ImportRun.user_id == viewer.user_id)
    return statement.order_by(ImportRun.id.desc())


def found(definition: EntityDefinition, run_id: int) -> tuple[ImportRun, Job | None]:
    """An import that the viewer may know of, with its job. Raises NotFound."""
    run = db.session.scalar(_own(definition).where(ImportRun.id == run_id))
    if run is None:
        raise NotFound(_("There is no such import."))
    job = db.session.get(Job, run.job_id) if run.job_id else None
    return run, job


def address(definition: EntityDefinition, run_id: int, page: str = "") -> str:
    """An import's page, or one below it."""
    return f"/import/{definition.key}/{run_id}{'/' if page else ''}{page}"
