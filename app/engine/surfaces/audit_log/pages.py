"""/audit/ and each entry."""

from __future__ import annotations

from flask import redirect, render_template, request
from flask_babel import gettext
from flask_babel import lazy_gettext as _
from sqlalchemy import select
from werkzeug.wrappers import Response

from app.engine import policy
from app.engine.adapters.appbuilder.views import Pages, expose, page
from app.engine.adapters.database import db, write_transaction
from app.engine.addresses import with_query
from app.engine.audit import AuditEntry
from app.engine.audit.kinds import GROUPS, declared
from app.engine.errors import NotFound, ValueProblem
from app.engine.fields.reference import MAX_IDENTIFIER
from app.engine.job import request_job
from app.engine.people import names_of
from app.engine.registry import current
from app.engine.surfaces.audit_log import shown
from app.engine.surfaces.audit_log.export import EXPORT, FORMATS
from app.engine.surfaces.audit_log.finding import Wanted

HERE = "/audit/"
PAGE = 50


class AuditPages(Pages):
    """/audit/…"""

    @expose("/audit/")
    @page(policy.AUDIT, "read")
    def entries(self) -> str:
        """A page of entries, newest first."""
        wanted = Wanted.parse(request.args)
        rows, newer, older = _page_of(wanted)
        return render_template(
            "audit/entries.html",
            entries=shown.lines(rows),
            wanted=wanted,
            person_name=_name(wanted.person),
            kinds=_kinds(),
            entities=_entities(),
            newer=newer,
            older=older,
            narrowed=bool(wanted.pairs()),
            formats=FORMATS.items() if _may_export() else [],
        )

    @expose("/audit/<int:entry_id>")
    @page(policy.AUDIT, "read")
    def entry(self, entry_id: int) -> str:
        """One entry with everything in it."""
        found = db.session.scalar(select(AuditEntry).where(AuditEntry.id == entry_id))
        if found is None:
            raise NotFound(_("There is no such entry."))
        return render_template("audit/entry.html", entry=shown.one(found))

    @expose("/audit/export", methods=["POST"])
    @page(policy.AUDIT, "export")
    def export(self) -> Response:
        """Ask for a file of the entries that the list is about."""
        wanted, chosen = Wanted.parse(request.form), request.form.get("format", "")
        if chosen not in FORMATS:
            raise ValueProblem(gettext("There is no format “%(name)s”.", name=chosen[:20]))
        arguments = {"format": chosen, "wanted": wanted.as_json()}
        with write_transaction():
            job = request_job(EXPORT.name, arguments, EXPORT.queue, _("Export: audit log"))
        return redirect(f"/jobs/{job.id}", 303)


def _page_of(wanted: Wanted) -> tuple[list[AuditEntry], str | None, str | None]:
    """By keyset, with the addresses of the pages beside it."""
    before, after = _mark("before"), _mark("after")
    statement = wanted.statement()
    if after is not None:
        statement = statement.where(AuditEntry.id > after).order_by(AuditEntry.id)
    else:
        statement = statement.order_by(AuditEntry.id.desc())
        if before is not None:
            statement = statement.where(AuditEntry.id < before)
    found = list(db.session.scalars(statement.limit(PAGE + 1)))
    more, rows = len(found) > PAGE, found[:PAGE]
    if after is not None:
        rows.reverse()
    if not rows:
        return [], None, None
    has_newer = more if after is not None else before is not None
    has_older = after is not None or more
    newer = with_query(HERE, [*wanted.pairs(), ("after", rows[0].id)])
    older = with_query(HERE, [*wanted.pairs(), ("before", rows[-1].id)])
    return rows, newer if has_newer else None, older if has_older else None


def _mark(name: str) -> int | None:
    found = request.args.get(name, type=int)
    return found if found is not None and 0 < found <= MAX_IDENTIFIER else None


def _kinds() -> list[tuple[str, str, list[tuple[str, str]]]]:
    """Groups with their kinds."""
    return [
        (group, str(label), [(k.name, str(k.label)) for k in declared() if k.group == group])
        for group, label in GROUPS.items()
    ]


def _entities() -> list[tuple[str, str]]:
    return [(d.name, str(d.plural)) for d in current().entities.values()]


def _name(person: str) -> str:
    return names_of([int(person)]).get(int(person), f"#{person}") if person else ""


def _may_export() -> bool:
    return policy.current_viewer().can(policy.AUDIT, "export")
