"""The viewer: on whose behalf something is read or written now."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from flask import current_app, g, has_request_context
from sqlalchemy import Connection
from sqlalchemy.orm import Session

from app.engine.adapters.database import db
from app.engine.errors import NotAllowed
from app.engine.policy.rights import EVERYTHING, Rights, load_rights


class NoViewer(RuntimeError):
    """Records were asked for without saying on whose behalf; a fault in the program."""


@dataclass(frozen=True)
class Viewer:
    """A person with their rights; `user_id` is None for anonymous visitors and the system."""

    user_id: int | None
    name: str
    rights: Rights
    role_ids: tuple[int, ...] = ()

    def can(self, entity: str, action: str) -> bool:
        """Whether they may do this with any records of the entity (by name) at all."""
        return self.rights.scope(entity, action) != "none"

    def require(self, entity: str, action: str) -> None:
        """Raises NotAllowed."""
        if not self.can(entity, action):
            raise NotAllowed

    def scope(self, entity: str, action: str) -> str:
        return self.rights.scope(entity, action)

    def access(self, entity: str, field: Any) -> str:
        """Access to a field of an entity: `hidden`, `masked`, `read` or `write`."""
        return self.rights.access(entity, field.name, field.personal)


NOBODY = Viewer(None, "", Rights())
SYSTEM_VIEWER = Viewer(None, "system", EVERYTHING)
"""For what belongs to no person: seeds, migrations, the scheduler."""

_acting: ContextVar[Viewer | None] = ContextVar("acting_viewer", default=None)


@contextlib.contextmanager
def acting_as(viewer: Viewer) -> Iterator[Viewer]:
    """Everything inside is read and written on this viewer's behalf."""
    token = _acting.set(viewer)
    try:
        yield viewer
    finally:
        _acting.reset(token)


def current_viewer() -> Viewer:
    """Raises NoViewer outside a request and outside `acting_as`."""
    acting = _acting.get()
    if acting is not None:
        return acting
    if not has_request_context():
        raise NoViewer("records are only read on somebody's behalf: use policy.acting_as")
    if "viewer" not in g:
        g.viewer = _request_viewer()
    viewer: Viewer = g.viewer
    return viewer


def _request_viewer() -> Viewer:
    from flask_login import current_user

    return viewer_for(current_user) if current_user.is_authenticated else NOBODY


def viewer_for(user: Any) -> Viewer:
    """The viewer of a Flask-AppBuilder user; without rights when the user is not active."""
    if not user.active:
        return NOBODY
    role_ids = tuple(sorted(role.id for role in user.roles))
    name = getattr(user, "full_name", None) or user.get_full_name()
    return Viewer(user.id, name, rights_of(role_ids), role_ids)


def viewer_by_id(user_id: int) -> Viewer:
    """The viewer of a user as their rights are now; for jobs. Without rights when they are gone."""
    user = db.session.get(current_app.appbuilder.sm.user_model, user_id)  # type: ignore[attr-defined]
    return NOBODY if user is None else viewer_for(user)


def rights_of(role_ids: tuple[int, ...]) -> Rights:
    """Kept per process until the number of the rights in the database is raised."""
    _number, known = current_app.extensions.setdefault("steward.rights", (None, {}))
    if role_ids not in known:
        known[role_ids] = load_rights(db.session(), role_ids)
    found: Rights = known[role_ids]
    return found


def refresh_rights(numbers: Mapping[str, int]) -> None:
    """Forget what was kept when the number in the database is another."""
    wanted = numbers.get("rights", 0)
    number, _known = current_app.extensions.get("steward.rights", (None, {}))
    if number != wanted:
        current_app.extensions["steward.rights"] = (wanted, {})


@contextlib.contextmanager
def unrestricted(reason: str, connection: Connection | None = None) -> Iterator[Session]:
    """A session of its own that sees every row of every table; `reason` says why it must.

    `connection`: of a transaction that is under way, for reading what it has written so far.

    The one way past the policy, so that a search for its name finds every use.
    """
    bind = db.engine if connection is None else connection
    with Session(bind, expire_on_commit=False, info={"unrestricted": reason}) as session:
        yield session
