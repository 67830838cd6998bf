"""Brings a database to what this version of the code expects: tables, reference and demonstration data, first user."""

from __future__ import annotations

import argparse
import os

from filelock import FileLock
from flask_migrate import check, upgrade
from flask_migrate import migrate as generate_migration

import seeds
from app import create_app
from app.commands import keys, prepared, search_tables, users
from app.engine import policy
from app.engine.adapters import i18n, setup_state
from app.engine.adapters.database import write_transaction
from app.engine.changes import register
from config import Settings


def run(settings: Settings, options: argparse.Namespace) -> int:
    """`run.py migrate` and `run.py seed`."""
    i18n.compile_catalogs()
    keys.fit(settings)
    with _alone(settings):
        if options.command == "seed":
            prepared.require_tables(settings)
            _tell(seed(settings))
        elif options.check or options.generate:
            _compare(settings, options.generate)
        else:
            migrate(settings)
    return 0


def everything(settings: Settings, report: int) -> int:
    """All of it, for a start; writes the first administrator's password, if generated, to the file `report`."""
    with _alone(settings), os.fdopen(report, "w", encoding="utf-8") as answer:
        migrate(settings)
        answer.write(seed(settings) or "")
    return 0


def migrate(settings: Settings) -> None:
    """Bring the tables, those of the search included, to this version."""
    with create_app(settings).app_context(), policy.acting_as(policy.SYSTEM_VIEWER):
        upgrade()
        keys.fit(settings)  # noted before anything is encrypted
        search_tables.build()
        with write_transaction() as session:
            register.begin(session)


def _compare(settings: Settings, generate: str | None) -> None:
    """Write the migration that the entities ask for, or only say whether they do: exit code 1."""
    with create_app(settings).app_context():
        if generate:
            generate_migration(message=generate)
        else:
            check()


def _tell(password: str | None) -> None:
    if password:
        print(f"user       {prepared.FIRST_USER}\npassword   {password}   (shown this once)")


def seed(settings: Settings) -> str | None:
    """Put in what is not there yet; returns the first administrator's password if one was generated."""
    app = create_app(settings)
    seeds.seed(app, demo=settings.demo)
    with app.app_context(), policy.acting_as(policy.SYSTEM_VIEWER):
        password = users.first_administrator(prepared.FIRST_USER, settings.admin_password)
        with write_transaction():
            setup_state.note(prepared.STATE_NAME, prepared.fingerprint(settings))
    return password


def _alone(settings: Settings) -> FileLock:
    """Two of us on the same data folder take turns."""
    return FileLock(settings.data_dir / ".prepare.lock", mode=0o600)
