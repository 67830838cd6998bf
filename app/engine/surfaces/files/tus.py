"""Uploads that go on after a cut: the protocol tus 1.0 at /api/v1/files/ (https://tus.io).

With its extensions creation, expiration and termination. When all has arrived, `POST …/finish` puts
the file together and says by which number a record takes it.
"""

from __future__ import annotations

import base64
import binascii
import functools
from collections.abc import Callable
from typing import Any

from apispec import APISpec
from flask import current_app, make_response, request
from flask_babel import lazy_gettext as _
from werkzeug.exceptions import PreconditionFailed, UnsupportedMediaType
from werkzeug.http import http_date
from werkzeug.wrappers import Response

from app.engine.adapters.appbuilder.views import Api, api_person, expose
from app.engine.errors import ValueProblem
from app.engine.files import uploads
from app.engine.files.kinds import contradicts, label_of
from app.engine.files.models import FileUpload

VERSION = "1.0.0"
EXTENSIONS = "creation,expiration,termination"
BODY = "application/offset+octet-stream"
_MOST_DIGITS = 15


class BadHeader(ValueProblem):
    """A header of the protocol is missing, or says nothing."""

    status = 400

    def __init__(self, name: str) -> None:
        super().__init__(_("The header %(name)s is missing or wrong.", name=name))


def speaks_tus(function: Callable[..., Any]) -> Callable[..., Any]:
    """Only for who speaks this version; the answer says it, too."""

    @functools.wraps(function)
    def wrapped(self: Api, *args: Any, **kwargs: Any) -> Any:
        if request.headers.get("Tus-Resumable") != VERSION:
            answer = make_response("", PreconditionFailed.code)
            answer.headers["Tus-Version"] = VERSION
            return answer
        answer = make_response(function(self, *args, **kwargs))
        answer.headers["Tus-Resumable"] = VERSION
        return answer

    return wrapped


class FilesApi(Api):
    """/api/v1/files/"""

    route_base = "/api/v1/files"

    def add_api_spec(self, api_spec: APISpec) -> None:
        """Nothing: what is spoken here is described by tus, and is no exchange of JSON."""

    @expose("/", methods=["POST", "OPTIONS"])
    def files(self) -> Any:
        """Announce a file, or ask what is spoken here."""
        return self._spoken() if request.method == "OPTIONS" else self._begin()

    def _spoken(self) -> Response:
        answer = make_response("", 204)
        limit = current_app.config["STEWARD"].file_limit
        answer.headers.update({
            "Tus-Resumable": VERSION,
            "Tus-Version": VERSION,
            "Tus-Extension": EXTENSIONS,
            "Tus-Max-Size": str(limit),
        })  # fmt: skip
        return answer

    @api_person
    @speaks_tus
    def _begin(self) -> Response:
        upload = uploads.begin(_metadata().get("filename", ""), _number("Upload-Length"))
        return _answer(
            upload, 201, {"Location": f"{request.script_root}/api/v1/files/{upload.token}"}
        )

    @expose("/<token>", methods=["HEAD"])
    @api_person
    @speaks_tus
    def where(self, token: str) -> Response:
        """How much of it has come."""
        upload = uploads.find(token)
        sizes = {"Upload-Offset": str(upload.arrived), "Upload-Length": str(upload.size)}
        return _answer(upload, 200, sizes)

    @expose("/<token>", methods=["PATCH"])
    @api_person
    @speaks_tus
    def add(self, token: str) -> Response:
        """The next part."""
        upload = uploads.find(token)
        if request.mimetype != BODY:
            raise UnsupportedMediaType
        arrived = uploads.take(upload, _number("Upload-Offset"), request.stream)
        return _answer(uploads.find(token), 204, {"Upload-Offset": str(arrived)})

    @expose("/<token>", methods=["DELETE"])
    @api_person
    @speaks_tus
    def give_up(self, token: str) -> Response:
        """Forget it."""
        uploads.drop(uploads.find(token))
        return make_response("", 204)

    @expose("/<token>", methods=["POST"])
    @api_person
    def overridden(self, token: str) -> Any:
        """The same for who can send no such methods."""
        wanted = request.headers.get("X-HTTP-Method-Override", "").upper()
        ways = {"PATCH": self.add, "DELETE": self.give_up, "HEAD": self.where}
        if wanted not in ways:
            raise BadHeader("X-HTTP-Method-Override")
        return ways[wanted](token)

    @expose("/<token>/finish", methods=["POST"])
    @api_person
    def finish(self, token: str) -> Any:
        """Put it together; what it is, and the number by which a record takes it."""
        upload = uploads.find(token)
        name = upload.name
        stored = uploads.finish(upload)
        return {
            "id": stored.id,
            "name": name,
            "sha256": stored.sha256,
            "size": stored.size,
            "media_type": stored.media_type,
            "kind": label_of(stored.media_type),
            "contradicts": contradicts(name, stored.media_type),
        }


def _answer(upload: FileUpload, status: int, headers: dict[str, str]) -> Response:
    answer = make_response("", status)
    answer.headers.update({**headers, "Upload-Expires": http_date(upload.expires_at)})
    return answer


def _number(header: str) -> int:
    """Raises BadHeader."""
    raw = request.headers.get(header, "")
    if not (raw.isascii() and raw.isdigit() and len(raw) <= _MOST_DIGITS):
        raise BadHeader(header)
    return int(raw)


def _metadata() -> dict[str, str]:
    """What Upload-Metadata says. Raises BadHeader."""
    found = {}
    for pair in filter(None, request.headers.get("Upload-Metadata", "").split(",")):
        name, _blank, encoded = pair.strip().partition(" ")
        try:
            found[name] = base64.b64decode(encoded, validate=True).decode()
        except (binascii.Error, UnicodeDecodeError) as error:
            raise BadHeader("Upload-Metadata") from error
    return found
