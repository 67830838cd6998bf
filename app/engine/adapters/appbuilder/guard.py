"""What nobody does to an account: give more than they have, enter one that may do more, lock all out.

Whoever manages users without being an administrator would otherwise be one click away from every
record: by giving themselves a role, or by a new password for somebody who has it.
"""

from __future__ import annotations

from collections.abc import Iterable

from flask_appbuilder.security.sqla.models import Role
from flask_babel import lazy_gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.engine.adapters.appbuilder.user import StewardUser
from app.engine.adapters.database import db, in_turn
from app.engine.errors import NotAllowed, Problem
from app.engine.policy import ANY, Rights, current_viewer, given_beyond, reaches_beyond
from app.engine.policy.rights import load_rights

TAKEN = _("You can't give rights that you don't have yourself.")
BEYOND = _("This account may do more than yours: only an administrator can change how it signs in.")
LAST_ONE = _("One active administrator must remain.")
ADMINISTRATORS = "administrators"
"""What changes that could take the last administrator away wait for, one after the other."""

NAMES = ("username", "email")
"""Whoever may set these can have a link for a new password sent to themselves."""


class Guard:
    """Looks at an account before it is changed, and again after that."""

    def __init__(self, session: Session, user: StewardUser) -> None:
        self._session = session
        self._user = user
        self._rights = self._of(user.roles) if user.id is not None else Rights()
        self._before = _everything(self._rights)
        self._counted = self._before and bool(user.active)
        self._names = {name: getattr(user, name) for name in NAMES}

    def require(self) -> None:
        """Raises NotAllowed for another's account that may do everything."""
        if self._before and self._foreign() and not current_viewer().unlimited:
            raise NotAllowed(_("Only an administrator can change an administrator's account."))

    def require_reach(self) -> None:
        """Raises NotAllowed where the account's password, link or second factor is out of reach."""
        self.require()
        if not self.within_reach():
            raise NotAllowed(BEYOND)

    def within_reach(self) -> bool:
        """Whether whoever could sign in to the account could do no more than the viewer."""
        viewer = current_viewer()
        if not self._foreign() or viewer.unlimited:
            return True
        return not reaches_beyond(self._rights, viewer.rights)

    def problems(self) -> list[Problem]:
        """What is wrong with the account as it would be now. Raises NotAllowed."""
        self.require()
        with self._session.no_autoflush:
            after = self._of(self._user.roles)
            found = [*self._given(after), *self._renamed()]
            everything = _everything(after)
            lost = self._counted and not (everything and self._user.active)
            if not found and lost and not self._others():
                field = "active" if everything else "roles"
                found.append(Problem(field, LAST_ONE))
        return found

    def _given(self, after: Rights) -> list[Problem]:
        viewer = current_viewer()
        if viewer.unlimited or given_beyond(self._rights, after, viewer.rights) is None:
            return []
        return [Problem("roles", TAKEN)]

    def _renamed(self) -> list[Problem]:
        changed = [n for n in NAMES if self._names[n] not in (None, getattr(self._user, n))]
        if not changed or self.within_reach():
            return []
        return [Problem(name, BEYOND) for name in changed]

    def _foreign(self) -> bool:
        return bool(self._user.id != current_viewer().user_id)

    def _of(self, roles: Iterable[Role]) -> Rights:
        return load_rights(self._session, [role.id for role in roles])

    def _others(self) -> bool:
        """Whether somebody else who may do everything can sign in."""
        in_turn(self._session, [ADMINISTRATORS])
        roles = self._session.scalars(select(Role))
        wanted = [role.id for role in roles if _everything(self._of([role]))]
        found = (
            select(StewardUser.id)
            .where(StewardUser.active.is_(True), StewardUser.id != self._user.id)
            .where(StewardUser.roles.any(Role.id.in_(wanted)))
        )
        return self._session.scalar(found.limit(1)) is not None


def gives_everything(role: Role) -> bool:
    """Whether who has this role may do everything."""
    return _everything(load_rights(db.session, [role.id]))


def _everything(rights: Rights) -> bool:
    return rights.scope(ANY, ANY) == "all"
