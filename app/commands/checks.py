"""What can be wrong before anything starts, each found at once and said in one line."""

from __future__ import annotations

import socket

import fsspec
import redis
from sqlalchemy import create_engine, make_url, text
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.pool import NullPool

from app.engine.adapters.embedded_queue import ask
from config import Settings, SettingsError, without_password

SECONDS = 5


def port_is_free(settings: Settings) -> None:
    """Raises `SettingsError` when the web server could not listen."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.host, settings.port))
        except OSError as error:
            raise SettingsError(
                f"PORT: cannot listen on {settings.host}:{settings.port} ({error.strerror}); "
                "choose another, for example PORT=8001."
            ) from error


def database_answers(settings: Settings) -> None:
    """Raises `SettingsError` when the database cannot be reached or is not one."""
    try:
        url = make_url(settings.database_url)
        sqlite = url.get_backend_name() == "sqlite"
        limit = {} if sqlite else {"connect_timeout": SECONDS}
        engine = create_engine(url, poolclass=NullPool, connect_args=limit)
        with engine.connect() as connection:
            connection.execute(text("PRAGMA schema_version" if sqlite else "SELECT 1"))
    except (SQLAlchemyError, ValueError, UnicodeError) as error:
        raise SettingsError(
            f"DATABASE_URL: {without_password(settings.database_url)} cannot be used "
            f"({_reason(error)})."
        ) from error


def files_known(settings: Settings) -> None:
    """Raises `SettingsError` when `FILES_URL` names no kind of store that can be used here."""
    try:
        fsspec.core.url_to_fs(settings.files_url)
    except (ValueError, ImportError, OSError) as error:
        raise SettingsError(
            f"FILES_URL: {without_password(settings.files_url)} cannot be used ({_reason(error)})."
        ) from error


def queue_answers(settings: Settings) -> None:
    """Raises `SettingsError` when `REDIS_URL` names no queue that answers."""
    url = settings.redis_url or ""
    try:
        ask(url, SECONDS)
    except (redis.RedisError, OSError, ValueError) as error:
        raise SettingsError(
            f"REDIS_URL: {without_password(url)} does not answer ({_reason(error)})."
        ) from error


def _reason(error: BaseException) -> str:
    """The driver's own words, on one line."""
    cause = error.orig if isinstance(error, DBAPIError) and error.orig else error
    lines = [line.strip() for line in str(cause).splitlines() if line.strip()]
    return (lines[-1] if lines else type(cause).__name__)[:300].rstrip(".")
