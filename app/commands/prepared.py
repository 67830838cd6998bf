"""Whether the database already has what this version of the code would put into it. Light, for a quick second start."""

from __future__ import annotations

import hashlib
from pathlib import Path

from sqlalchemy import create_engine, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from config import ROOT, Settings, SettingsError, without_password

SOURCES = ("app", "seeds", "translations")
SUFFIXES = {".py", ".csv", ".json", ".po"}
STATE_NAME = "prepared"
FIRST_USER = "admin"


def fingerprint(settings: Settings) -> str:
    """Of the code and the data that preparing runs, and of the settings that change what it does."""
    seals = bool(settings.encryption_keys)
    digest = hashlib.sha256(f"demo={settings.demo} seals={seals}".encode())
    for path in sorted(_sources()):
        digest.update(f"\0{path.relative_to(ROOT)}\0".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()


def is_current(settings: Settings) -> bool:
    """Whether preparing would change nothing."""
    return _noted(settings) == fingerprint(settings)


def require_tables(settings: Settings) -> None:
    """Raises `SettingsError` when the database was never prepared."""
    if _noted(settings) is None:
        raise SettingsError(
            f"DATABASE_URL: {without_password(settings.database_url)} has no tables yet. "
            "Start Steward, or run “run.py migrate” and “run.py seed”."
        )


def _noted(settings: Settings) -> str | None:
    """What the last preparation left: its fingerprint, nothing yet (""), or None without tables."""
    engine = create_engine(settings.database_url, poolclass=NullPool)
    statement = text("SELECT value FROM steward_setup WHERE name = :name")
    try:
        with engine.connect() as connection:
            return str(connection.execute(statement, {"name": STATE_NAME}).scalar() or "")
    except DBAPIError:
        return None  # no such table: a new database


def _sources() -> list[Path]:
    return [
        path
        for folder in SOURCES
        for path in (ROOT / folder).rglob("*")
        if path.suffix in SUFFIXES and "static" not in path.parts
    ]
