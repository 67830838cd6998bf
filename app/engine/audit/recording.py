"""Writing entries: with the transaction that is under way, or at the end of the request."""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import json
import unicodedata
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextvars import ContextVar
from typing import Any

from flask import Flask, current_app, g, has_request_context, request
from sqlalchemy import insert, text
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from app.engine import policy
from app.engine.adapters.database import db, dialect_name, now, write_transaction
from app.engine.audit.kinds import kind_of
from app.engine.audit.models import AuditEntry

_LONGEST = 8000
"""Signs of details that one entry holds; what is longer is left out, and said to be."""

_MOST_IDS = 500

_door: ContextVar[str | None] = ContextVar("audit_door", default=None)


def init(app: Flask) -> None:
    """Let each request's entries be written at its end."""
    app.after_request(_write_waiting)


@contextlib.contextmanager
def at_door(door: str) -> Iterator[None]:
    """Everything recorded inside came by this way: `job`, `command`."""
    token = _door.set(door)
    try:
        yield
    finally:
        _door.reset(token)


def record(
    kind: str,
    *,
    entity: str | None = None,
    record_id: int | None = None,
    person_id: int | None = None,
    details: Mapping[str, Any] | None = None,
    who: str | None = None,
    user_id: int | None = None,
    apart: bool = False,
) -> None:
    """Write one entry; see the module for when, and what `details` may hold. Raises KeyError."""
    row = {
        "at": now(),
        "kind": kind_of(kind).name,
        "entity": entity,
        "record_id": record_id,
        "person_id": person_id,
        **_asker(who if who is None or person_id else unknown_name(who), user_id),
        **_way(),
    }
    said = dict(details or {})
    if acting := row.pop("acting_as"):
        said["acting_as"] = acting
    row["details"] = _json(said)
    _keep(row, apart)


def record_many(kind: str, entity: str, entries: Sequence[tuple[int, Mapping[str, Any]]]) -> None:
    """Write an entry for each of these records, with its details, in the transaction under way."""
    same = {
        "at": now(), "kind": kind_of(kind).name, "entity": entity, "person_id": None,
        **_asker(None, None), **_way(),
    }  # fmt: skip
    acting = same.pop("acting_as")
    rows = [
        {
            **same,
            "record_id": one,
            "details": _json({**said, "acting_as": acting} if acting else said),
        }
        for one, said in entries
    ]
    if rows:
        _insert(db.session(), rows)


def note_view(entity: str, ids: Sequence[int], fields: Collection[str]) -> None:
    """Somebody is about to be shown these personal fields of these records, by a request."""
    if not ids or not fields or not has_request_context():
        return
    seen: dict[str, tuple[dict[int, None], set[str]]] = g.setdefault("audit_seen", {})
    known_ids, known_fields = seen.setdefault(entity, ({}, set()))
    known_ids.update(dict.fromkeys(ids))
    known_fields.update(fields)


def unknown_name(name: str) -> str:
    """What is kept of a name that no account has: it may be a password typed into the wrong box.

    A keyed hash, the same for the same name, so that guessing at one name still shows as that.
    """
    plain = unicodedata.normalize("NFKC", name).strip().casefold()
    secret = str(current_app.secret_key).encode()
    mark = hmac.new(secret, f"unknown name|{plain}".encode(), hashlib.sha256).hexdigest()
    return f"?{mark[:12]}"


def _keep(row: dict[str, Any], apart: bool) -> None:
    session = db.session()
    if session.info.get("writing") and not (apart and has_request_context()):
        _insert(session, [row])
    elif has_request_context():
        g.setdefault("audit_waiting", []).append(row)
    else:
        with write_transaction() as own:
            _insert(own, [row])


def _insert(session: Session, rows: list[dict[str, Any]]) -> None:
    options = {"autoflush": False, "render_nulls": True}
    session.execute(insert(AuditEntry), rows, execution_options=options)


def _write_waiting(response: Response) -> Response:
    """Before the answer leaves: what it shows of personal data, and what waits, in one transaction."""
    if response.status_code == 429:
        from app.engine.audit.refusals import refused

        refused("refused.too_many")
    seen = g.pop("audit_seen", {})
    if 300 <= response.status_code < 400:
        seen = {}  # nothing is shown
    for entity, (ids, fields) in seen.items():
        one = next(iter(ids)) if len(ids) == 1 else None
        details: dict[str, Any] = {"fields": sorted(fields), "page": request.endpoint}
        if one is None:
            details |= {"ids": list(ids)[:_MOST_IDS], "count": len(ids)}
        record("view", entity=entity, record_id=one, details=details, apart=True)
    waiting = g.pop("audit_waiting", None)
    if waiting:
        # A session of its own: the request's may be in a transaction that failed.
        with Session(db.engine) as own, write_transaction(own) as session:
            _wait_for_no_disk(session, waiting)
            _insert(session, waiting)
    return response


def _wait_for_no_disk(session: Session, rows: list[dict[str, Any]]) -> None:
    """For views alone PostgreSQL need not wait for its disk, which takes longer than most pages do.

    A process that dies loses nothing so; a power cut may lose the last half second of them, as it
    does on SQLite.
    """
    if dialect_name() == "postgresql" and all(row["kind"] == "view" for row in rows):
        session.execute(text("SET LOCAL synchronous_commit TO off"))


def _asker(tried: str | None, user_id: int | None) -> dict[str, Any]:
    """Who it is: whoever has signed in, though they act as somebody else; else what was tried."""
    viewer = _viewer()
    person = _signed_in()
    if person is not None:
        acting = viewer.user_id if viewer.user_id not in (None, person.id) else None
        name = getattr(person, "full_name", None) or person.get_full_name()
        return {"user_id": person.id, "who": name[:130], "acting_as": acting}
    name = tried if tried is not None else viewer.name
    return {"user_id": user_id or viewer.user_id, "who": name[:130], "acting_as": None}


def _viewer() -> policy.Viewer:
    try:
        return policy.current_viewer()
    except policy.NoViewer:
        return policy.SYSTEM_VIEWER  # a command, before anybody is asked


def _signed_in() -> Any | None:
    if not has_request_context() or g.get("without_user"):
        return None
    from flask_login import current_user

    return current_user if current_user.is_authenticated else None


def _way() -> dict[str, Any]:
    if not has_request_context():
        return {"address": None, "door": _door.get() or "command", "request_id": None}
    by_program = request.path.startswith("/api/") or "Authorization" in request.headers
    return {
        "address": (request.remote_addr or "")[:60] or None,
        "door": "api" if by_program else "page",
        "request_id": g.get("request_id"),
    }


def _json(details: Mapping[str, Any]) -> str:
    """The details as they are kept: plain JSON without what no database stores."""
    text = json.dumps(_clean(details), ensure_ascii=False, sort_keys=True, allow_nan=False)
    if len(text) > _LONGEST:
        text = json.dumps({"too_long": len(text), "names": sorted(map(str, details))[:50]})
    return text


def _clean(value: Any) -> Any:
    match value:
        case None | bool() | int():
            return value
        case Mapping():
            return {_clean(str(name)): _clean(part) for name, part in value.items()}
        case list() | tuple() | set() | frozenset():
            return [_clean(part) for part in value]
    return str(value).encode("utf-8", "replace").decode("utf-8").replace("\0", "�")
