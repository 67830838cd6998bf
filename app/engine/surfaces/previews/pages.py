"""Preview pages: /<key>/<id>/preview/<field>, the pictures of its pages, and the text laid out."""

from __future__ import annotations

import base64
import hashlib
from typing import Any

from flask import Flask, make_response, render_template, request, send_file
from flask_babel import lazy_gettext as _
from werkzeug.wrappers import Response

from app.engine import audit
from app.engine.adapters.appbuilder.views import Pages, entity_page, expose
from app.engine.adapters.storage import store
from app.engine.addresses import list_address, record_address
from app.engine.contents import asking, keeping
from app.engine.contents.models import path_of
from app.engine.errors import NotFound
from app.engine.presentation import title_of
from app.engine.registry import EntityDefinition
from app.engine.surfaces.previews.held import held
from app.engine.surfaces.previews.shown import Shown

STYLE = """
body { margin: 0; padding: 16px; font: 14px/1.6 "PingFang SC", "Microsoft YaHei", "Noto Sans CJK SC", sans-serif;
  color: #1f2328; background: #fff; overflow-wrap: anywhere; }
pre { white-space: pre-wrap; font: inherit; margin: 0; }
table { border-collapse: collapse; margin: 8px 0; } td, th { border: 1px solid #d8dee4; padding: 3px 8px; text-align: start;
  vertical-align: top; } h2.sheet { font-size: 15px; margin: 16px 0 4px; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 2px 12px; margin: 0 0 12px; padding-bottom: 12px;
  border-bottom: 1px solid #d8dee4; } dt { color: #59636e; } dd { margin: 0; }
.more { color: #59636e; }
"""
"""Of the sandboxed document: it may load nothing, so that its style stands in it, known by its hash."""

_HASH = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()

POLICY = "; ".join(
    (
        "sandbox",
        "default-src 'none'",
        f"style-src 'sha256-{_HASH}'",
        "object-src 'none'",
        "frame-ancestors 'self'",
        "base-uri 'none'",
        "form-action 'none'",
    )
)
"""Of everything that was made of a stranger's file: it may be looked at, here, and nothing else."""

audit.declare("file.previewed", _("File of a record looked at"), audit.DATA)

HEADERS = {
    "Subject": _("Subject"),
    "From": _("Sender"),
    "To": _("To"),
    "Cc": _("Copy to"),
    "Date": _("Date"),
}
"""Of a mail, as people call them."""


class PreviewPages(Pages):
    """/<key>/<id>/preview/<field>"""

    @expose("/<key>/<int:record_id>/preview/<field_name>")
    @entity_page("read")
    def preview(self, definition: EntityDefinition, record_id: int, field_name: str) -> Any:
        """The page; only its pages for htmx, which asks again until they have been drawn."""
        file = held(definition, record_id, field_name)
        partial = request.headers.get("HX-Target") == "preview-pages"
        if not partial:
            details = {"field": file.field.name, "sha256": file.info.sha256}
            audit.record(
                "file.previewed", entity=definition.name, record_id=record_id, details=details
            )
        return render_template(
            "previews/_pages.html" if partial else "previews/preview.html",
            definition=definition,
            file=file,
            title=title_of(definition, file.row),
            base=list_address(definition),
            record_href=record_address(definition, record_id),
            shown=Shown.of(file, request.args),
        )

    @expose("/<key>/<int:record_id>/preview/<field_name>", methods=["POST"])
    @entity_page("read")
    def ask(self, definition: EntityDefinition, record_id: int, field_name: str) -> Response:
        """Have the pages drawn that somebody wants to see; the page asks when it finds them missing."""
        file = held(definition, record_id, field_name)
        shown = Shown.of(file, request.args)
        if shown.known is None:
            asking.ask_once_to_read(file.info.id)
        elif shown.waiting:
            asking.ask_to_draw(file.info.id, shown.batch)
        return Response(status=204)

    @expose("/<key>/<int:record_id>/preview/<field_name>/<any(page, thumb):size>/<int:number>")
    @entity_page("read")
    def picture(
        self, definition: EntityDefinition, record_id: int, field_name: str, size: str, number: int
    ) -> Response:
        """A picture of a page."""
        file = held(definition, record_id, field_name)
        name = f"{size}-{number}.webp"
        answer = send_file(
            store().open(path_of(file.info.sha256, name)), "image/webp", download_name=name
        )
        return _bounded(answer)

    @expose("/<key>/<int:record_id>/preview/<field_name>/text")
    @entity_page("read")
    def text(self, definition: EntityDefinition, record_id: int, field_name: str) -> Response:
        """The text laid out: a document of its own, in a sandbox wherever it is opened."""
        file = held(definition, record_id, field_name)
        known = keeping.about(file.info.id)
        if known is None or not known.shown:
            raise NotFound
        page = render_template(
            "previews/text.html",
            parts=keeping.shown(file.info.sha256),
            style=STYLE,
            headers=HEADERS,
            name=file.name,
        )
        return _bounded(make_response(page))


def register(_app: Flask, appbuilder: Any) -> None:
    """Add the pages."""
    appbuilder.add_view_no_menu(PreviewPages)


def _bounded(answer: Response) -> Response:
    answer.headers["Content-Security-Policy"] = POLICY
    answer.headers["X-Frame-Options"] = "SAMEORIGIN"
    answer.headers.setdefault("Content-Disposition", "inline")
    return answer
