"""Who somebody is, by user name and password: counted, and as slow for names that nobody has."""

from __future__ import annotations

import logging
from typing import Any

from flask import current_app
from flask_babel import gettext
from sqlalchemy import func, or_, select
from sqlalchemy.orm import joinedload

from app.engine.adapters.appbuilder import (
    accounts,
    attempts,
    directory,
    hashing,
    linked_accounts,
)
from app.engine.adapters.appbuilder.providers import SignInRefused
from app.engine.adapters.appbuilder.user import StewardUser
from app.engine.adapters.database import db
from config import Settings

log = logging.getLogger(__name__)


def person_named(name: str) -> StewardUser | None:
    """The account with this user name, else with this e-mail address; one query."""
    wanted = name.strip().lower()
    statement = (
        select(StewardUser)
        .where(
            or_(
                func.lower(StewardUser.username) == wanted,
                func.lower(StewardUser.email) == wanted,
            )
        )
        .options(joinedload(StewardUser.roles))
    )
    found = db.session.scalars(statement).unique().all()
    by_name = (person for person in found if person.username.lower() == wanted)
    return next(by_name, found[0] if found else None)


def by_password(name: str, password: str) -> StewardUser | None:
    """By a password kept here, else by one that the company's directory knows.

    Raises TooManyAttempts, and SignInRefused when the directory can't say or knows a stranger.
    """
    person = person_named(name)
    keys = attempts.begin_sign_in(name, person)
    open_to = person if person is not None and person.active else None
    if hashing.matches(open_to.password if open_to else None, password) and open_to is not None:
        accounts.note_sign_in(open_to.id, password)
    else:
        try:
            open_to = _by_directory(name, password)
        except SignInRefused:
            _note_failure(person, name)
            raise
        if open_to is None:
            _note_failure(person, name)
            return None
        accounts.note_sign_in(open_to.id)
    attempts.succeeded(keys)
    current_app.appbuilder.sm.on_user_login(open_to)  # type: ignore[attr-defined]
    return open_to


def confirms(person: StewardUser, password: str) -> bool:
    """Whether somebody signed in knows their password, here or in the directory, counted alike.

    A browser that was left open is no place to try passwords at. Raises TooManyAttempts, and
    SignInRefused when the directory can't say.
    """
    keys = attempts.begin_sign_in(person.username, person)
    try:
        knows = hashing.matches(person.password, password) or _directory_confirms(person, password)
    except SignInRefused:
        _note_failure(person, person.username)
        raise
    if not knows:
        _note_failure(person, person.username)
        return False
    attempts.succeeded(keys)
    return True


def confirmed(person: StewardUser, field: Any) -> bool:
    """Whether a form's field holds their password; else it says why not. Raises TooManyAttempts."""
    try:
        knows = confirms(person, field.data or "")
    except SignInRefused as error:
        field.errors = [str(error)]
        return False
    if not knows:
        field.errors = [gettext("This is not your password.")]
    return knows


def has_password(person: StewardUser) -> bool:
    """Whether there is a password that they can be asked for, kept here or in the directory."""
    return bool(person.password) or _directory_link(person) is not None


def _directory_confirms(person: StewardUser, password: str) -> bool:
    settings: Settings = current_app.config["STEWARD"]
    link = _directory_link(person)
    return link is not None and directory.confirms(
        settings, link.subject, person.username, person.email, password
    )


def _directory_link(person: StewardUser) -> linked_accounts.LinkedAccount | None:
    if not current_app.config["STEWARD"].ldap_url:
        return None
    return linked_accounts.links_of(person.id).get(directory.KEY)


def _by_directory(name: str, password: str) -> StewardUser | None:
    settings: Settings = current_app.config["STEWARD"]
    if not settings.ldap_url:
        return None
    identity = directory.identity(settings, name, password)
    return linked_accounts.person_for(identity) if identity is not None else None


def _note_failure(person: StewardUser | None, name: str) -> None:
    number, known = (person.id, person.username) if person is not None else (None, name)
    accounts.note_failure(number, known)
    log.info("sign-in refused: account %s", number or "unknown")
