"""What the shipped role has gained since: offered to administrators, never taken over by itself.

A line that the shipped role has and the role lacks is new when nobody has taken it away: every change
of a role is kept with the role before and after it.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.engine.policy import BESIDE, RoleProfile
from app.engine.registry import current
from app.engine.roles.book import Key, RolePicture
from app.engine.roles.models import RoleChange


def with_gained(session: Session, role_id: int, picture: RolePicture) -> RolePicture:
    """The role with the lines that came with later versions of Steward; as it is without any."""
    profile = session.get(RoleProfile, role_id)
    if profile is None or profile.built_in is None:
        return picture
    shipped = RolePicture.of_json(profile.built_in)
    gone_grants, gone_fields = taken_away(session, role_id)
    known = {*BESIDE, *current().entities}
    grants = {
        key: grant
        for key, grant in shipped.grants.items()
        if key not in picture.grants and key not in gone_grants and key[0] in known
    }
    fields = {
        key: access
        for key, access in shipped.fields.items()
        if key not in picture.fields and key not in gone_fields
    }
    return picture.with_lines(grants, fields)


def taken_away(session: Session, role_id: int) -> tuple[set[Key], set[Key]]:
    """The lines, on actions and on fields, that somebody once took out of the role."""
    grants: set[Key] = set()
    fields: set[Key] = set()
    changes = select(RoleChange.before, RoleChange.after).where(RoleChange.role_id == role_id)
    for before, after in session.execute(changes):
        grants |= _lines(before, "grants") - _lines(after, "grants")
        fields |= _lines(before, "fields") - _lines(after, "fields")
    return grants, fields


def _lines(data: dict[str, Any] | None, part: str) -> set[Key]:
    return {
        (entity, name) for entity, names in ((data or {}).get(part) or {}).items() for name in names
    }
