"""Writing people's accounts: every change of a user goes through `save_user` or `set_password`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from flask import current_app
from flask_appbuilder.security.sqla.models import Role
from flask_babel import lazy_gettext as _
from sqlalchemy import func, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app.engine import audit
from app.engine.adapters.appbuilder import api_keys, hashing, password_links, passwords, sessions
from app.engine.adapters.appbuilder.guard import Guard
from app.engine.adapters.appbuilder.user import AccountChange, StewardUser
from app.engine.adapters.database import db, now, write_transaction
from app.engine.errors import InvalidInput, NotFound, Problem
from app.engine.policy import USERS, current_viewer
from app.engine.policy.rights import load_rights

LARGEST_ID = 2**31 - 1
"""Of the column ab_user.id; databases fail on comparing it with more."""

FIELDS = (
    "username",
    "first_name",
    "last_name",
    "email",
    "active",
    "language",
    "theme",
    "mails_results",
)


def user_by_id(user_id: int) -> StewardUser:
    """Raises NotFound."""
    user = current_app.appbuilder.sm.get_user_by_id(user_id)  # type: ignore[attr-defined]
    if user is None:
        raise NotFound(_("There is no such user."))
    found: StewardUser = user
    return found


def save_user(
    user_id: int | None,
    values: Mapping[str, Any],
    role_ids: Sequence[int] | None = None,
    password: str | None = None,
) -> StewardUser:
    """Create (`user_id` None) or change an account, in one transaction; what is not given stays.

    A given password has to be changed at the next sign-in. Raises InvalidInput naming the fields.
    """
    with write_transaction() as session:
        user = StewardUser() if user_id is None else _fresh(session, user_id)
        before = _picture(user)
        guard = Guard(session, user)
        for name in FIELDS:
            if name in values:
                setattr(user, name, values[name])
        if role_ids is not None:
            user.roles = list(session.scalars(select(Role).where(Role.id.in_(role_ids))))
        _check(session, user, guard)
        if password is not None:
            _check_password(user, password)
            _set(user, password, must_change=True)
        _stamp(session, user)
        _flush(session)
        if not user.active:
            _end_access(session, user)
            api_keys.revoke_all(session, user.id)
        _record(session, user, before, {"password": "…"} if password is not None else {})
    return user


def set_password(
    user_id: int, password: str, must_change: bool = False, lent: bool = False
) -> StewardUser:
    """Give an account a new password; its other sessions and tokens end. Raises InvalidInput.

    `lent`: the operator's own choice, taken as it is and to be changed at the next sign-in.
    """
    with write_transaction() as session:
        user = _fresh(session, user_id)
        before = _picture(user)
        Guard(session, user).require_reach()
        if not lent:
            _check_password(user, password)
        _set(user, password, must_change or lent)
        _end_access(session, user)
        _stamp(session, user)
        _record(session, user, before, {"password": "…"})
    return user


def close(user_id: int) -> None:
    """Switch an account off for good: it can't sign in, and nobody knows its password any more."""
    with write_transaction() as session:
        save_user(user_id, {"active": False})
        user = _fresh(session, user_id)
        _set(user, passwords.generate(), must_change=True)
        _record(session, user, _picture(user), {"password": "…"})


def changes_of(user_id: int, limit: int = 20, before: int | None = None) -> list[AccountChange]:
    """The latest changes of an account, newest first; those before another one by its id."""
    statement = select(AccountChange).where(AccountChange.user_id == user_id)
    if before is not None:
        statement = statement.where(AccountChange.id < before)
    return list(db.session.scalars(statement.order_by(AccountChange.id.desc()).limit(limit)))


def _stamp(session: Session, user: StewardUser) -> None:
    """When and by whom; these columns of Flask-AppBuilder's hold UTC without saying so."""
    user.changed_on = now().replace(tzinfo=None)
    user.changed_by_fk = current_viewer().user_id
    if user.id is None:
        user.created_on = user.changed_on
        user.created_by_fk = user.changed_by_fk
        session.add(user)


def _end_access(session: Session, user: StewardUser) -> None:
    """Whatever lets them in without the password that they have now."""
    sessions.end(session, current_viewer().user_id, user_id=user.id)
    password_links.end_all(session, user.id)


def _fresh(session: Session, user_id: int) -> StewardUser:
    user = session.get(StewardUser, user_id, populate_existing=True)
    if user is None:
        raise NotFound(_("There is no such user."))
    return user


def _check_password(user: StewardUser, password: str) -> None:
    problem = passwords.problem(password, user)
    if problem is None and user.password and hashing.matches(user.password, password):
        problem = _("This is the password until now. Choose another.")
    if problem is not None:
        raise InvalidInput.of("password", problem)


def _set(user: StewardUser, password: str, must_change: bool) -> None:
    user.password = hashing.hash_password(password)
    user.must_change_password = must_change
    user.fail_login_count = 0


def _check(session: Session, user: StewardUser, guard: Guard) -> None:
    problems = [
        Problem(name, message)
        for name, message in (
            ("username", _("This user name is taken.")),
            ("email", _("This e-mail address belongs to another account.")),
        )
        if _taken(session, user, name)
    ]
    if user.id is not None and user.id == current_viewer().user_id:
        problems += _locking_oneself_out(session, user)
    problems += guard.problems()
    if problems:
        raise InvalidInput(problems)


def _taken(session: Session, user: StewardUser, name: str) -> bool:
    column = getattr(StewardUser, name)
    found = select(StewardUser.id).where(func.lower(column) == getattr(user, name).lower())
    if user.id is not None:
        found = found.where(StewardUser.id != user.id)
    with session.no_autoflush:
        return session.scalar(found.limit(1)) is not None


def _locking_oneself_out(session: Session, user: StewardUser) -> list[Problem]:
    problems = []
    if not user.active:
        problems.append(Problem("active", _("You can't switch off your own account.")))
    may = current_viewer().can(USERS, "update")
    with session.no_autoflush:
        rights = load_rights(session, [role.id for role in user.roles])
    if may and rights.scope(USERS, "update") == "none":
        problems.append(Problem("roles", _("You can't take your own right to manage users away.")))
    return problems


def _flush(session: Session) -> None:
    """Two people may have taken the same name at the same moment: the database decides."""
    try:
        session.flush()
    except IntegrityError as error:
        raise InvalidInput.of(None, _("The user name or e-mail address is taken.")) from error


def _picture(user: StewardUser) -> dict[str, Any]:
    if user.id is None:
        return {}
    picture = {name: getattr(user, name) for name in FIELDS}
    picture["roles"] = sorted(role.name for role in user.roles)
    return picture


def _record(
    session: Session, user: StewardUser, before: Mapping[str, Any], further: Mapping[str, Any]
) -> None:
    """Keep what differs, in the same transaction."""
    after = {**_picture(user), **further}
    changed = [name for name in after if name in further or after[name] != before.get(name)]
    viewer = current_viewer()
    change = AccountChange(
        user_id=user.id,
        at=now(),
        by_id=viewer.user_id,
        by_name=viewer.name,
        before={name: before[name] for name in changed if name in before},
        after={name: after[name] for name in changed},
    )
    if changed:
        session.add(change)
        _audit(user, change, new=not before)


def _audit(user: StewardUser, change: AccountChange, new: bool) -> None:
    """Which of it was changed, without the values: but for roles, and whether they may sign in."""
    before, after = change.before, change.after
    if new:
        audit.record("account.created", person_id=user.id, details=_told(before, after))
        return
    if "roles" in after:
        audit.record("account.roles", person_id=user.id, details=_told(before, after))
    if "password" in after:
        audit.record("account.password", person_id=user.id)
    if after.keys() - {"roles", "password"}:
        details = {"fields": sorted(after.keys() - {"roles", "password"})}
        if "active" in after:
            details["active"] = after["active"]
        audit.record("account.changed", person_id=user.id, details=details)


def _told(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    return {"roles": {"before": before.get("roles", []), "after": after.get("roles", [])}}


def note_change(
    session: Session, user_id: int, before: Mapping[str, Any], after: Mapping[str, Any]
) -> None:
    """Put into the account's history what was changed elsewhere than here."""
    viewer = current_viewer()
    session.add(
        AccountChange(
            user_id=user_id,
            at=now(),
            by_id=viewer.user_id,
            by_name=viewer.name,
            before=dict(before),
            after=dict(after),
        )
    )


def note_sign_in(user_id: int, password: str | None = None) -> None:
    """Count a sign-in on the account; keep a password that is at hand as it is kept today."""
    with write_transaction() as session:
        user = session.get(StewardUser, user_id)
        if user is None:
            return
        user.login_count = (user.login_count or 0) + 1
        user.last_login = now().replace(tzinfo=None)
        user.fail_login_count = 0
        audit.record("sign_in", who=user.username, user_id=user.id, person_id=user.id)
        if password is not None and hashing.outdated(user.password or ""):
            user.password = hashing.hash_password(password)


def note_failure(user_id: int | None, name: str) -> None:
    """Count a failed one; the same statements where there is no such account."""
    failures = func.coalesce(StewardUser.fail_login_count, 0) + 1
    with write_transaction() as session:
        session.execute(
            update(StewardUser)
            .where(StewardUser.id == (user_id or 0))
            .values(fail_login_count=failures)
        )
        audit.record("sign_in.failed", who=name, person_id=user_id)


def all_roles() -> list[Role]:
    """Every role, by name."""
    return list(db.session.scalars(select(Role).order_by(Role.id)))
