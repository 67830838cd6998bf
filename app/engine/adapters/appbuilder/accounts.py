"""Writing people's accounts: every change of a user goes through `save_user` or `set_password`."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from typing import Any

from flask import current_app
from flask_appbuilder.security.sqla.models import Role
from flask_babel import lazy_gettext as _
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session
from werkzeug.security import check_password_hash, generate_password_hash

from app.engine.adapters.appbuilder.user import AccountChange, StewardUser
from app.engine.adapters.database import db, now, write_transaction
from app.engine.errors import InvalidInput, NotFound, Problem
from app.engine.policy import USERS, current_viewer
from app.engine.policy.rights import load_rights

MIN_PASSWORD = 8
MAX_PASSWORD = 200
ALPHABET = "abcdefghjkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789"
"""For generated passwords: without signs that look like another."""

FIELDS = ("username", "first_name", "last_name", "email", "active", "language", "theme")


def generate_password() -> str:
    """Sixteen signs in groups of four, for reading out or copying: 93 bits."""
    signs = [secrets.choice(ALPHABET) for _position in range(16)]
    return "-".join("".join(signs[start : start + 4]) for start in range(0, 16, 4))


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
        for name in FIELDS:
            if name in values:
                setattr(user, name, values[name])
        if role_ids is not None:
            user.roles = list(session.scalars(select(Role).where(Role.id.in_(role_ids))))
        _check(session, user)
        if password is not None:
            _set(user, password, must_change=True)
        _stamp(session, user)
        _flush(session)
        _record(session, user, before, {"password": "…"} if password is not None else {})
    return user


def set_password(user_id: int, password: str, must_change: bool = False) -> StewardUser:
    """Give an account a new password; its other sessions and tokens end. Raises InvalidInput."""
    with write_transaction() as session:
        user = _fresh(session, user_id)
        before = _picture(user)
        _set(user, password, must_change)
        _stamp(session, user)
        _record(session, user, before, {"password": "…"})
    return user


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


def _fresh(session: Session, user_id: int) -> StewardUser:
    user = session.get(StewardUser, user_id, populate_existing=True)
    if user is None:
        raise NotFound(_("There is no such user."))
    return user


def _set(user: StewardUser, password: str, must_change: bool) -> None:
    problem = password_problem(password)
    if problem is None and user.password and check_password_hash(user.password, password):
        problem = _("This is the password until now. Choose another.")
    if problem is not None:
        raise InvalidInput.of("password", problem)
    user.password = generate_password_hash(
        password, method=current_app.config.get("FAB_PASSWORD_HASH_METHOD", "scrypt")
    )
    user.must_change_password = must_change
    user.fail_login_count = 0


def password_problem(password: str) -> Any | None:
    """Why this can't be a password, or None."""
    if len(password) < MIN_PASSWORD:
        return _("A password has at least %(number)s characters.", number=MIN_PASSWORD)
    if len(password) > MAX_PASSWORD:
        return _("A password has at most %(number)s characters.", number=MAX_PASSWORD)
    if "\0" in password or not password.strip():
        return _("A password can't be made of blanks.")
    return None


def _check(session: Session, user: StewardUser) -> None:
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


def note_sign_in(user_id: int, success: bool) -> None:
    """Count a sign-in, or a failed one, on the account."""
    with write_transaction() as session:
        user = session.get(StewardUser, user_id)
        if user is None:
            return
        if success:
            user.login_count = (user.login_count or 0) + 1
            user.last_login = now().replace(tzinfo=None)
            user.fail_login_count = 0
        else:
            user.fail_login_count = (user.fail_login_count or 0) + 1


def all_roles() -> list[Role]:
    """Every role, by name."""
    return list(db.session.scalars(select(Role).order_by(Role.id)))
