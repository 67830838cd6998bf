"""Looking at the pages as another person: to read only, and never as somebody who may do more."""

from __future__ import annotations

import datetime
from dataclasses import replace
from typing import TYPE_CHECKING

from flask import g, session
from flask_babel import lazy_gettext as _

from app.engine.adapters.database import now
from app.engine.errors import NotAllowed
from app.engine.policy.reach import reaches_beyond
from app.engine.policy.rights import VIEW_AS

if TYPE_CHECKING:
    from app.engine.policy.viewer import Viewer

_KEY = "viewing_as"
LONGEST = datetime.timedelta(hours=1)
"""After this it ends by itself."""

ONLY_LOOKING = _("You are only looking, as another person. End that first to change anything.")


def begin(own: Viewer, user_id: int) -> Viewer:
    """From the next request of this session on, pages are shown as to that person.

    Raises NotAllowed without the right, and for anybody who may do what the asker may not.
    """
    target = _target(own, user_id)
    if target is None:
        raise NotAllowed(
            _("You can only view as somebody who can sign in and may do nothing that you may not.")
        )
    session[_KEY] = {"person": user_id, "by": own.user_id, "since": now().timestamp()}
    return target


def end() -> int | None:
    """Be oneself again; gives the person whose pages were looked at."""
    kept = session.pop(_KEY, None)
    return int(kept["person"]) if kept else None


def begun() -> bool:
    """Whether this session is to show another person's pages; it may have to end."""
    return _KEY in session


def seen_by(own: Viewer) -> Viewer:
    """The person whose pages are looked at, as they are seen now; oneself where there is none."""
    kept = session.get(_KEY) if g.get("narrowing") is None else None
    if not kept or kept.get("by") != own.user_id:
        return own
    since = datetime.datetime.fromtimestamp(kept["since"], datetime.UTC)
    if now() - since > LONGEST:
        return own
    return _target(own, int(kept["person"])) or own


def _target(own: Viewer, user_id: int) -> Viewer | None:
    from app.engine.policy.viewer import viewer_by_id

    if own.user_id is None or user_id == own.user_id or not own.can(VIEW_AS, "read"):
        return None
    target = viewer_by_id(user_id)
    if target.user_id is None or reaches_beyond(target.rights, own.rights):
        return None
    return replace(target, behind=own)
