"""Which account here belongs to whom a provider vouches for, and the states of sign-ins under way."""

from __future__ import annotations

import datetime
import hashlib
import logging
import re
import secrets

from flask import current_app
from flask_babel import lazy_gettext as _
from sqlalchemy import ForeignKey, Integer, String, UniqueConstraint, delete, func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, mapped_column

from app.engine import audit
from app.engine.adapters.appbuilder import accounts, directory
from app.engine.adapters.appbuilder.guard import LAST_ONE, gives_everything
from app.engine.adapters.appbuilder.providers import Identity, SignInRefused
from app.engine.adapters.appbuilder.user import Role, StewardUser
from app.engine.adapters.database import Model, UtcDateTime, db, now, write_transaction
from app.engine.errors import InvalidInput, NotFound
from app.engine.policy import SYSTEM_VIEWER, acting_as
from config import Settings

log = logging.getLogger(__name__)

STATE_LASTS = datetime.timedelta(minutes=10)
"""How long somebody may take at the provider."""


class LinkedAccount(Model):
    """An account here, and who its person is at a provider."""

    __tablename__ = "linked_account"
    __table_args__ = (
        UniqueConstraint("provider", "subject"),
        UniqueConstraint("user_id", "provider"),
    )

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("ab_user.id", ondelete="CASCADE"))
    provider: Mapped[str] = mapped_column(String(20))
    subject: Mapped[str] = mapped_column(String(200))
    name: Mapped[str] = mapped_column(String(200))
    linked_at: Mapped[datetime.datetime] = mapped_column(UtcDateTime)


class UsedState(Model):
    """A state that came back once: it counts no second time, though the cookie be played again."""

    __tablename__ = "used_state"

    digest: Mapped[str] = mapped_column(String(64), primary_key=True)
    used_at: Mapped[datetime.datetime] = mapped_column(UtcDateTime, index=True)


def new_state() -> str:
    """What a provider has to hand back unchanged."""
    return secrets.token_urlsafe(32)


def use_state(state: str) -> bool:
    """Whether it comes back for the first time."""
    digest = hashlib.sha256(state.encode()).hexdigest()
    try:
        with write_transaction() as session:
            session.execute(delete(UsedState).where(UsedState.used_at < now() - 2 * STATE_LASTS))
            session.add(UsedState(digest=digest, used_at=now()))
    except IntegrityError:
        return False
    return True


def links_of(user_id: int) -> dict[str, LinkedAccount]:
    """A person's links, by provider."""
    found = db.session.scalars(select(LinkedAccount).where(LinkedAccount.user_id == user_id))
    return {link.provider: link for link in found}


def person_for(identity: Identity) -> StewardUser:
    """Whose account it is: linked, or matched or made where the settings say so. Raises SignInRefused."""
    link = _link_of(identity)
    user_id = link.user_id if link is not None else _matched(identity) or _made(identity)
    if user_id is None and identity.provider == directory.KEY:
        raise SignInRefused(
            _(
                "The company's directory knows you, but you have no account here. Ask an administrator."
            )
        )
    if user_id is None:
        raise SignInRefused(
            _(
                "This account is linked to nobody here. Sign in with your password and link it on "
                "your profile page."
            )
        )
    user = accounts.user_by_id(user_id)
    if not user.active:
        raise SignInRefused(_("This account is switched off. Ask an administrator."))
    return _with_roles_of(user, identity)


def _with_roles_of(user: StewardUser, identity: Identity) -> StewardUser:
    """Give and take the roles that the setting ties to groups; all others stay as they are."""
    tied = dict(_settings().provider_group_roles)
    if not tied or identity.groups is None:
        return user
    theirs = {group.casefold() for group in identity.groups}
    given = {name for group, names in tied.items() if group.casefold() in theirs for name in names}
    managed = {name for names in tied.values() for name in names}
    managed.discard(_settings().provider_default_role or "")
    before = {role.name for role in user.roles}
    after = (before - managed) | given
    if after == before:
        return user
    roles = {role.name: role.id for role in accounts.all_roles()}
    if missing := sorted(given - roles.keys()):
        raise SignInRefused(
            _("There is no role “%(name)s”. Ask an administrator.", name=missing[0])
        )
    try:
        with acting_as(SYSTEM_VIEWER):
            return accounts.save_user(user.id, {}, [roles[name] for name in after])
    except InvalidInput as error:
        if all(problem.message is LAST_ONE for problem in error.problems):
            return _still_administrator(user, after, managed)
        raise SignInRefused(str(error)) from error


def _still_administrator(user: StewardUser, after: set[str], managed: set[str]) -> StewardUser:
    """Nobody else could mend what locks all out: the last one keeps what makes them administrator."""
    kept = {role.name for role in user.roles if role.name in managed and gives_everything(role)}
    log.warning("the last active administrator keeps their role, whatever their groups")
    roles = {role.name: role.id for role in accounts.all_roles()}
    if after | kept == {role.name for role in user.roles}:
        return user
    with acting_as(SYSTEM_VIEWER):
        return accounts.save_user(user.id, {}, [roles[name] for name in after | kept])


def link(user_id: int, identity: Identity) -> None:
    """Let this person sign in by the provider from now on. Raises InvalidInput."""
    row = LinkedAccount(
        user_id=user_id,
        provider=identity.provider,
        subject=identity.subject,
        name=identity.name[:200],
        linked_at=now(),
    )
    try:
        with write_transaction() as session:
            session.execute(
                delete(LinkedAccount).where(
                    LinkedAccount.user_id == user_id, LinkedAccount.provider == identity.provider
                )
            )
            session.add(row)
            session.flush()
            details = {"fields": ["linked_account"], "linked": identity.provider}
            audit.record("account.changed", person_id=user_id, details=details)
    except IntegrityError as error:
        raise InvalidInput.of(
            None, _("This account is already linked to somebody else here.")
        ) from error


def unlink(user_id: int, provider: str) -> None:
    """Signing in by the provider ends. Raises NotFound, and InvalidInput where nothing else is left."""
    with write_transaction() as session:
        person = session.get(StewardUser, user_id)
        if person is not None and not person.password and links_of(user_id).keys() == {provider}:
            raise InvalidInput.of(
                None, _("Without this link you could not sign in any more. Set a password first.")
            )
        gone = session.execute(
            delete(LinkedAccount)
            .where(LinkedAccount.user_id == user_id, LinkedAccount.provider == provider)
            .execution_options(synchronize_session=False)
        )
        if not getattr(gone, "rowcount", 0):
            raise NotFound(_("There is no such link."))
        details = {"fields": ["linked_account"], "unlinked": provider}
        audit.record("account.changed", person_id=user_id, details=details)


def _link_of(identity: Identity) -> LinkedAccount | None:
    statement = select(LinkedAccount).where(
        LinkedAccount.provider == identity.provider, LinkedAccount.subject == identity.subject
    )
    found: LinkedAccount | None = db.session.scalars(statement).one_or_none()
    return found


def _settings() -> Settings:
    settings: Settings = current_app.config["STEWARD"]
    return settings


def _matched(identity: Identity) -> int | None:
    """The one account that the setting finds; linked, so that a later change of address moves nothing."""
    match _settings().provider_match:
        case "email":
            column, wanted = StewardUser.email, identity.email
        case "user_id":
            column, wanted = StewardUser.username, identity.username
        case _:
            return None
    if not wanted:
        return None
    found = list(
        db.session.scalars(
            select(StewardUser.id).where(func.lower(column) == wanted.lower()).limit(2)
        )
    )
    if len(found) != 1 or identity.provider in links_of(found[0]):
        return None
    link(found[0], identity)
    return int(found[0])


def _made(identity: Identity) -> int | None:
    """A new account with the default role, where there is one."""
    wanted = _settings().provider_default_role
    if not wanted:
        return None
    role = db.session.scalar(select(Role.id).where(Role.name == wanted))
    if role is None:
        raise SignInRefused(_("There is no role “%(name)s”. Ask an administrator.", name=wanted))
    called = identity.username or identity.subject
    stem = re.sub(r"[^\w.@+-]", "", called)[:40] or secrets.token_hex(6)
    values = {
        "username": f"{identity.provider}.{stem}",
        "first_name": identity.name[:64],
        "last_name": "",
        "email": identity.email or f"{identity.provider}.{stem}@localhost",
        "active": True,
    }
    try:
        with acting_as(SYSTEM_VIEWER):
            user = accounts.save_user(None, values, [role])
    except InvalidInput as error:
        raise SignInRefused(str(error)) from error
    link(user.id, identity)
    return int(user.id)
