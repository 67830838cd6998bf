"""Whose role takes a second factor: decided by an administrator, role by role."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from flask import current_app
from flask_babel import lazy_gettext as _
from sqlalchemy import ForeignKey, delete, select
from sqlalchemy.orm import Mapped, mapped_column

from app.engine import audit, registry
from app.engine.adapters.database import Model, db, write_transaction
from app.engine.errors import NotAllowed
from app.engine.policy import USERS, Rights, current_viewer, given_beyond
from app.engine.policy.rights import load_rights, with_included

FURTHER = _(
    "Only an administrator frees a role that may do more than yours from the second factor."
)
SET_UP_FIRST = _("Sign in to the pages and set up your second factor first.")


class RoleSecondFactor(Model):
    """People with this role, or one that includes it, take a second factor."""

    __tablename__ = "role_second_factor"

    role_id: Mapped[int] = mapped_column(
        ForeignKey("ab_role.id", ondelete="CASCADE"), primary_key=True
    )


def roles_with() -> frozenset[int]:
    """The roles that take one."""
    return frozenset(db.session.scalars(select(RoleSecondFactor.role_id)))


def set_roles(role_ids: Collection[int]) -> None:
    """Just these from now on; in every process at once.

    Raises NotAllowed where it would be taken off a role that reaches further than the viewer.
    """
    viewer = current_viewer()
    viewer.require(USERS, "update")
    with write_transaction() as session:
        before = sorted(session.scalars(select(RoleSecondFactor.role_id)))
        freed = load_rights(session, set(before) - set(role_ids))
        if not viewer.unlimited and given_beyond(Rights(), freed, viewer.rights) is not None:
            raise NotAllowed(FURTHER)
        session.execute(delete(RoleSecondFactor))
        session.add_all(RoleSecondFactor(role_id=role_id) for role_id in role_ids)
        session.flush()
        registry.raise_version(session, registry.RIGHTS)
        details = {"second_factor": {"before": before, "after": sorted(role_ids)}}
        audit.record("role.changed", details=details)


def is_missing(user: Any) -> bool:
    """Whether a role of theirs takes a second factor that they have not set up."""
    if user.second_factor_since is not None:
        return False
    role_ids = tuple(sorted(role.id for role in user.roles))
    known = _known()
    if role_ids not in known:
        wanted = roles_with()
        known[role_ids] = bool(wanted) and not wanted.isdisjoint(
            with_included(db.session(), role_ids)
        )
    return known[role_ids]


def _known() -> dict[tuple[int, ...], bool]:
    """By the roles of a person; kept per process until the number of the rights is raised."""
    rights = current_app.extensions.get("steward.rights")
    store = current_app.extensions.get("steward.second_factor")
    if store is None or store[0] is not rights:
        store = current_app.extensions["steward.second_factor"] = (rights, {})
    known: dict[tuple[int, ...], bool] = store[1]
    return known
