"""The page of an export: which format, which columns, how many records; a job does the rest."""

from __future__ import annotations

from typing import Any

from flask import redirect, render_template, request
from flask_babel import lazy_gettext as _

from app.engine import policy
from app.engine.adapters.appbuilder.views import Pages, entity_page, expose
from app.engine.addresses import ListAddress, list_address, with_query
from app.engine.errors import NotFound
from app.engine.job import request_job
from app.engine.presentation import columns
from app.engine.registry import EntityDefinition
from app.engine.surfaces.exports.files import FORMATS, export_fields

EVERY, SHOWN = "all", "list"
SMALL = 5000
"""Up to so many records an export waits behind no other work."""


class ExportPages(Pages):
    """/export/<key>?<the list's filters, words and order>"""

    @expose("/export/<key>", methods=["GET", "POST"])
    @entity_page("export")
    def export(self, definition: EntityDefinition) -> Any:
        """Ask what to export; a POST asks for the job."""
        address = ListAddress.parse(request.args)
        count, exact = address.records(definition).count()
        if request.method == "POST":
            return self._ask(definition, address, count)
        return render_template(
            "exports/export.html",
            definition=definition,
            count=count,
            exact=exact,
            narrowed=address.narrowed,
            action=with_query(f"/export/{definition.key}", address.pairs(paging=False)),
            list_href=address.href(list_address(definition)),
            formats=tuple(FORMATS),
            shown=[column.label for column in columns(definition, policy.current_viewer())],
            every=len(export_fields(definition)),
        )

    def _ask(self, definition: EntityDefinition, address: ListAddress, count: int) -> Any:
        kind = request.form.get("format", "")
        if kind not in FORMATS:
            raise NotFound(_("There is no format “%(name)s”.", name=kind[:20]))
        fields = [field.name for field in export_fields(definition)]
        if request.form.get("columns") == SHOWN:
            listed = {c.name for c in columns(definition, policy.current_viewer())}
            fields = [name for name in fields if name in listed]
        job = request_job(
            "export",
            {
                "entity": definition.name,
                "query": [list(pair) for pair in address.pairs(paging=False)],
                "format": kind,
                "fields": fields,
            },
            queue="default" if count <= SMALL else "bulk",
            title=_("Export: %(entities)s", entities=definition.plural),
            total=count,
        )
        return redirect(f"/jobs/{job.id}", 303)
