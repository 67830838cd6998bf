"""Giving files out: /<key>/<id>/file/<field>. Who may not see record or field finds no door."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from flask import request, send_file
from flask_babel import lazy_gettext as _
from werkzeug.http import dump_options_header
from werkzeug.wrappers import Response

from app.engine import audit, files, policy
from app.engine.adapters.appbuilder.views import Pages, entity_page, expose
from app.engine.errors import NotFound
from app.engine.fields import File, FileInfo
from app.engine.files.kinds import ENDINGS, UNKNOWN
from app.engine.presentation import title_of
from app.engine.query import Records
from app.engine.registry import EntityDefinition
from app.engine.tables import safe_name

POLICY = "sandbox; default-src 'none'; script-src 'self'; style-src 'self'; object-src 'none'; frame-ancestors 'none'; base-uri 'self'; form-action 'self'"
"""Of an answer that holds a file: whatever shows it lets nothing in it run or be fetched."""

ACTIVE = frozenset(("text/html", "image/svg+xml", "application/xml", "text/x-script"))
"""Kinds that a browser would run or draw: given out as bytes of no kind."""

audit.declare("file.downloaded", _("File taken out of a record"), audit.DATA)


class DownloadPages(Pages):
    """/<key>/<id>/file/<field>"""

    @expose("/<key>/<int:record_id>/file/<field_name>")
    @entity_page("read")
    def download(self, definition: EntityDefinition, record_id: int, field_name: str) -> Response:
        """The content, as a whole or the part of it that is asked for."""
        field = _field(definition, field_name)
        row = Records(definition).get(record_id, _fields(definition, field))
        info = row.get(f"{field.name}.file")
        if not isinstance(info, FileInfo):
            raise NotFound(_("There is no file."))
        if _from_the_beginning():
            details = {"field": field.name, "sha256": info.sha256, "size": info.size}
            audit.record(
                "file.downloaded", entity=definition.name, record_id=record_id, details=details
            )
        return _answer(info, name_of(definition, field, row, info))


def name_of(definition: EntityDefinition, field: File, row: dict[str, Any], info: FileInfo) -> str:
    """What a downloaded file is called: as it was, else as the record is, with the kind's ending."""
    known = row.get(field.named) if field.named else None
    if known:
        return safe_name(str(known))
    ending = ENDINGS.get(info.media_type, ("bin",))[0]
    return safe_name(f"{title_of(definition, row)}.{ending}")


def _field(definition: EntityDefinition, name: str) -> File:
    """Raises NotFound alike for one that is masked, hidden, no file, or none at all."""
    plain = {field.name: field for field in policy.plain(definition)}
    field = plain.get(name)
    if not isinstance(field, File):
        raise NotFound
    return field


def _fields(definition: EntityDefinition, field: File) -> list[Any]:
    """The file, and what its name comes of as far as that may be seen."""
    wanted = {field.named, definition.title_field.name}
    return [field, *(f for f in policy.plain(definition) if f.name in wanted and f is not field)]


def _from_the_beginning() -> bool:
    """Whether it is not a further part of what is being taken out already."""
    asked = request.range
    return asked is None or not asked.ranges or asked.ranges[0][0] in (0, None)


def _answer(info: FileInfo, name: str) -> Response:
    answer = send_file(
        files.open_file(info.sha256),
        mimetype=UNKNOWN,
        as_attachment=True,
        download_name="file",
        etag=info.sha256,
        conditional=False,
        max_age=0,
    )
    active = info.media_type in ACTIVE
    answer.headers["Content-Type"] = UNKNOWN if active else info.media_type
    answer.content_length = info.size
    answer.headers["Content-Disposition"] = disposition(name)
    answer.headers["Content-Security-Policy"] = POLICY
    in_bytes = request.range is None or request.range.units == "bytes"
    return answer.make_conditional(request, in_bytes, info.size)


def disposition(name: str) -> str:
    """As an attachment, with the name in any writing (RFC 6266, RFC 5987), and one for old programs."""
    plain = "".join(sign if " " <= sign <= "~" and sign not in '"\\%' else "_" for sign in name)
    exact = quote(name, safe="!#$&+-.^_`|~")
    return f"{dump_options_header('attachment', {'filename': plain})}; filename*=UTF-8''{exact}"
