"""The viewer: on whose behalf something is read or written now."""

from __future__ import annotations

import contextlib
import datetime
from collections.abc import Iterator, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from typing import Any

from flask import current_app, g, has_request_context
from sqlalchemy import Connection
from sqlalchemy.orm import Session

from app.engine.adapters.database import db
from app.engine.errors import NotAllowed
from app.engine.fields.time import reader_zone
from app.engine.policy.narrowing import Narrowing, narrowed
from app.engine.policy.people import forget, organisation
from app.engine.policy.rights import ANY, EVERYTHING, Grant, Rights, load_rights


class NoViewer(RuntimeError):
    """Records were asked for without saying on whose behalf; a fault in the program."""


@dataclass(frozen=True)
class Viewer:
    """A person with their rights; `user_id` is None for anonymous visitors and the system."""

    user_id: int | None
    name: str
    rights: Rights
    role_ids: tuple[int, ...] = ()
    behind: Viewer | None = None
    """Who really looks, where somebody sees the pages as this person does: they only read."""

    _sharers: dict[int, Viewer] = field(default_factory=dict, compare=False, repr=False)

    def can(self, entity: str, action: str) -> bool:
        """Whether they may do this with any records of the entity (by name) at all."""
        return self.rights.scope(entity, action) != "none"

    @property
    def unlimited(self) -> bool:
        """Whether they may do everything with everything: a full administrator."""
        return self.rights.scope(ANY, ANY) == "all"

    def require(self, entity: str, action: str) -> None:
        """Raises NotAllowed."""
        if not self.can(entity, action):
            raise NotAllowed

    def scope(self, entity: str, action: str) -> str:
        return self.rights.scope(entity, action)

    def grants(self, entity: str, action: str) -> tuple[Grant, ...]:
        """What their roles give: rows that any of these covers."""
        return self.rights.grants(entity, action)

    def people(self, scope: str, standing_in: bool = True) -> frozenset[int]:
        """Whose records a scope means for them today; nobody's for who is no person.

        Not `standing_in`: without those for whom they stand in.
        """
        if self.user_id is None:
            return frozenset()
        today = datetime.datetime.now(reader_zone()).date()
        return organisation().people(self.user_id, scope, today, standing_in)

    def sharer(self, user_id: int) -> Viewer:
        """Somebody who has shared records with them, with the rights that those have now."""
        if user_id not in self._sharers:
            with db.session.no_autoflush:
                self._sharers[user_id] = viewer_by_id(user_id)
        return self._sharers[user_id]

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

    if not current_user.is_authenticated:
        return NOBODY
    from app.engine.policy.looking import seen_by

    viewer = seen_by(viewer_for(current_user))
    narrowing: Narrowing | None = g.get("narrowing")
    return viewer if narrowing is None else narrowed(viewer, narrowing)


def viewer_for(user: Any) -> Viewer:
    """The viewer of a Flask-AppBuilder user; without rights when the user is not active."""
    if not user.active:
        return NOBODY
    role_ids = tuple(sorted(role.id for role in user.roles))
    name = getattr(user, "full_name", None) or user.get_full_name()
    return Viewer(user.id, name, rights_of(role_ids), role_ids)


def viewer_by_id(user_id: int, anew: bool = False) -> Viewer:
    """The viewer of a user as their rights are now; for jobs. Without rights when they are gone.

    `anew`: though the session has read the user before.
    """
    user = db.session.get(current_app.appbuilder.sm.user_model, user_id)  # type: ignore[attr-defined]
    if user is not None and anew:
        db.session.refresh(user)
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
        forget()


@contextlib.contextmanager
def entrusted(reason: str) -> Iterator[Viewer]:
    """Every right, in the name of whoever acts: for what the engine does after a check of its own.

    `reason` says which; a search for this name finds every use.
    """
    assert reason
    with acting_as(replace(current_viewer(), rights=EVERYTHING)) as viewer:
        yield viewer


@contextlib.contextmanager
def unrestricted(reason: str, connection: Connection | None = None) -> Iterator[Session]:
    """A session of its own that sees every row of every table; `reason` says why it must.

    `connection`: of a transaction that is under way, for reading what it has written so far.

    With `entrusted` the one way past the policy, so that a search for these names finds every use.
    """
    bind = db.engine if connection is None else connection
    with Session(bind, expire_on_commit=False, info={"unrestricted": reason}) as session:
        yield session
