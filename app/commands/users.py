"""`run.py user`: add a person, give them a new password, list who there is."""

from __future__ import annotations

import argparse
import sys

from flask_babel import force_locale, gettext
from sqlalchemy import func, select

from app.commands import terminal
from app.engine.adapters.appbuilder import accounts, passwords, second_factor
from app.engine.adapters.appbuilder.user import Role, StewardUser
from app.engine.adapters.database import db
from app.engine.errors import InvalidInput, NotFound
from config import Settings
from seeds.roles import ADMINISTRATOR


def run(settings: Settings, options: argparse.Namespace) -> int:
    """Do what the sub-command says."""
    with terminal.session(settings), terminal.problems_told():
        if options.action == "list":
            _print_all()
            return 0
        given = sys.stdin.readline().rstrip("\n") if options.password_stdin else None
        if options.action == "add":
            roles = options.role or [ADMINISTRATOR]
            password = add(options.name, roles, options.email, given)
        else:
            password = reset(options.name, given)
            if options.second_factor:
                second_factor.reset(_id_of(options.name))
        if given is None:
            print(
                f"user       {options.name}\npassword   {password}   (to be changed at the next login)"
            )
    return 0


def add(name: str, roles: list[str], email: str | None = None, password: str | None = None) -> str:
    """Create a user; returns the password, generated when none is given. Raises `InvalidInput`."""
    known = {role.name: role.id for role in accounts.all_roles()}
    if unknown := [role for role in roles if role not in known]:
        raise InvalidInput.of("role", f"{', '.join(unknown)} ≠ {', '.join(sorted(known))}")
    secret = password or passwords.generate()
    values = {
        "username": name,
        "first_name": name,
        "last_name": "",
        "email": email or f"{name}@localhost",
        "active": True,
    }
    accounts.save_user(None, values, [known[role] for role in roles], secret)
    return secret


def reset(name: str, password: str | None = None) -> str:
    """Give a user a new password, to be changed at the next login; returns it. Raises `NotFound`."""
    user_id = _id_of(name)
    secret = password or passwords.generate()
    accounts.set_password(user_id, secret, must_change=True)
    return secret


def _id_of(name: str) -> int:
    wanted = func.lower(StewardUser.username) == name.lower()
    user_id: int | None = db.session.scalar(select(StewardUser.id).where(wanted))
    if user_id is None:
        raise NotFound
    return user_id


def first_administrator(name: str, password: str | None) -> str | None:
    """Create the first administrator where there is none yet.

    Returns the generated password; None when there was one, or when `password` was given. That need not
    be changed, unless it could not be chosen in the browser: then it only serves for the first sign-in.
    """
    if db.session.scalar(
        select(StewardUser.id).where(StewardUser.roles.any(Role.name == ADMINISTRATOR))
    ):
        return None
    generated = add(name, [ADMINISTRATOR])
    if password is None:
        return generated
    user = db.session.scalars(select(StewardUser).where(StewardUser.username == name)).one()
    problem = passwords.problem(password, user)
    accounts.set_password(user.id, password, lent=problem is not None)
    if problem is not None:
        with force_locale(terminal.language()):
            said = gettext("It has to be changed at the first sign-in.")
            print(f"steward: ADMIN_PASSWORD: {problem} {said}", file=sys.stderr)
    return None


def _print_all() -> None:
    for user in db.session.scalars(select(StewardUser).order_by(StewardUser.username)):
        roles = ", ".join(role.name for role in user.roles)
        print(f"{user.username:<24} {'active' if user.active else 'off':<8} {roles}")
