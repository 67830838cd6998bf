"""Archive packages as people take them out: catalogue, labels, the package itself; and what fixity found."""

from __future__ import annotations

import io
from typing import Any

from flask import Flask, render_template, send_file
from flask_babel import gettext
from flask_babel import lazy_gettext as _
from sqlalchemy import select
from werkzeug.wrappers import Response

from app.engine import audit, policy
from app.engine.adapters.appbuilder.views import Pages, entity_page, expose, page
from app.engine.adapters.database import db
from app.engine.adapters.storage import store
from app.engine.addresses import record_address
from app.engine.archives import Archive, archive_of, catalogue, labels
from app.engine.archives.fixity import LABELS, FixityFinding, FixityRound
from app.engine.errors import NotFound
from app.engine.job import scratch
from app.engine.registry import EntityDefinition, current

MOST_FINDINGS = 500

audit.declare("archive.downloaded", _("Archive package taken out"), audit.DATA)


def register(_app: Flask, appbuilder: Any) -> None:
    """Add the pages."""
    appbuilder.add_view_no_menu(ArchivePages)


class ArchivePages(Pages):
    """/<key>/<id>/catalogue and its files, labels, the package; /fixity/"""

    @expose("/<key>/<int:record_id>/catalogue")
    @entity_page("read")
    def catalogue(self, definition: EntityDefinition, record_id: int) -> str:
        """The catalogue as a page, with what can be taken out."""
        archive, record = _found(definition, record_id)
        return render_template(
            "archives/catalogue.html",
            definition=definition,
            catalogue=archive.catalogue(record),
            text=catalogue.text,
            record_href=record_address(definition, record_id),
            here=f"{record_address(definition, record_id)}/catalogue",
            labelled=any(True for _one in archive.labels(record)),
            package=_path(record) is not None and _may_take_out(definition),
        )

    @expose("/<key>/<int:record_id>/catalogue.<format>")
    @entity_page("export")
    def file(self, definition: EntityDefinition, record_id: int, format: str) -> Response:
        """The catalogue as PDF or XLSX."""
        archive, record = _found(definition, record_id)
        writers = {"pdf": catalogue.write_pdf, "xlsx": catalogue.write_xlsx}
        if format not in writers:
            raise NotFound
        made = archive.catalogue(record)
        with scratch.folder(small=True) as room:
            path = room / f"catalogue.{format}"
            writers[format](path, made)
            return _sent(path.read_bytes(), f"{made.title}.{format}")

    @expose("/<key>/<int:record_id>/labels.pdf")
    @entity_page("export")
    def labels(self, definition: EntityDefinition, record_id: int) -> Response:
        """A sheet of labels to be printed."""
        archive, record = _found(definition, record_id)
        given = list(archive.labels(record))
        if not given:
            raise NotFound(_("It has no archival numbers yet."))
        with scratch.folder(small=True) as room:
            path = room / "labels.pdf"
            labels.write_labels(path, gettext("Labels"), given)
            return _sent(path.read_bytes(), "labels.pdf")

    @expose("/<key>/<int:record_id>/package.zip")
    @entity_page("export")
    def package(self, definition: EntityDefinition, record_id: int) -> Response:
        """The sealed package, whole."""
        _archive, record = _found(definition, record_id)
        path = _path(record)
        if path is None or not _may_take_out(definition):
            raise NotFound(_("It is not sealed yet."))
        audit.record("archive.downloaded", entity=definition.name, record_id=record_id)
        name = f"{record.number}.zip"
        return send_file(
            store().open(path), "application/zip", as_attachment=True, download_name=name
        )

    @expose("/fixity/")
    @page(policy.AUDIT, "read")
    def fixity(self) -> str:
        """What reading stored files again has found, and how far the present round is."""
        found = select(FixityFinding).order_by(FixityFinding.first_at.desc()).limit(MOST_FINDINGS)
        rounds = select(FixityRound).order_by(FixityRound.source)
        return render_template(
            "archives/fixity.html",
            findings=list(db.session.scalars(found)),
            rounds=list(db.session.scalars(rounds)),
            labels=LABELS,
        )


def _found(definition: EntityDefinition, record_id: int) -> tuple[Archive, Any]:
    """The package, if the viewer may see it. Raises NotFound."""
    archive = archive_of(definition.name)
    record = db.session.get(definition.model, record_id) if archive is not None else None
    if archive is None or record is None or record.deleted_at is not None:
        raise NotFound
    return archive, record


def _path(record: Any) -> str | None:
    """Where the sealed package is."""
    found: str | None = record.path if record.seal else None
    return found


def _may_take_out(definition: EntityDefinition) -> bool:
    """The whole package goes to those who may export every record that can be in one, each field."""
    viewer = policy.current_viewer()
    archive = archive_of(definition.name)
    return (
        archive is not None
        and all(
            viewer.can(name, action)
            and policy.scope_clause(current().entity(name), viewer, action) is None
            for name in archive.holds
            for action in ("read", "export")
        )
        and all(_sees_all(name, viewer) for name in archive.holds)
    )


def _sees_all(name: str, viewer: policy.Viewer) -> bool:
    definition = current().entity(name)
    return policy.sees(definition, definition.fields, viewer)


def _sent(content: bytes, name: str) -> Response:
    return send_file(io.BytesIO(content), as_attachment=True, download_name=name)
