"""Every setting, read from the environment once. Nothing here acts: no file is made, nothing is opened."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

ROOT = Path(__file__).resolve().parent
EVERY_ADDRESS = ("0.0.0.0", "::")  # noqa: S104  named here, opened only by the operator's word


class SettingsError(Exception):
    """A setting, or what it points to, cannot be used. The message is one line for the operator."""


def _text(name: str, raw: str) -> str:
    if "\0" in raw or "\n" in raw:
        raise SettingsError(f"{name} must be one line of text.")
    return raw


def _whole_number(low: int, high: int) -> Callable[[str, str], int]:
    def parse(name: str, raw: str) -> int:
        if not (raw.isascii() and raw.isdigit() and low <= int(raw) <= high):
            raise SettingsError(f"{name} must be a whole number from {low} to {high}, not “{raw}”.")
        return int(raw)

    return parse


def _flag(name: str, raw: str) -> bool:
    if raw.lower() in ("1", "true", "yes", "on"):
        return True
    if raw.lower() in ("0", "false", "no", "off"):
        return False
    raise SettingsError(f"{name} must be 1 or 0, not “{raw}”.")


def _folder(name: str, raw: str) -> Path:
    return Path(_text(name, raw)).expanduser().absolute()


def _database_url(name: str, raw: str) -> str:
    """Name the driver, and make a SQLite file's path independent of where a process is started."""
    scheme, mark, rest = _text(name, raw).partition("://")
    if scheme in ("postgres", "postgresql", "postgresql+psycopg") and mark and rest:
        return f"postgresql+psycopg://{rest}"
    if scheme == "sqlite" and rest.startswith("/") and rest.strip("/") and ":memory:" not in rest:
        path, question, query = rest[1:].partition("?")
        return f"sqlite:///{Path(path).expanduser().absolute()}{question}{query}"
    raise SettingsError(
        f"{name} must look like postgresql://user@host/name or sqlite:////folder/file.db, "
        f"not “{without_password(raw)}”."
    )


def _redis_url(name: str, raw: str) -> str:
    if not _text(name, raw).startswith(("redis://", "rediss://", "unix://")):
        raise SettingsError(
            f"{name} must look like redis://host:6379/0, not “{without_password(raw)}”."
        )
    return raw


def _files_url(name: str, raw: str) -> str:
    if "://" not in _text(name, raw):
        return f"file://{Path(raw).expanduser().absolute()}"
    return raw


def _password(name: str, raw: str) -> str:
    if len(_text(name, raw)) < 8:
        raise SettingsError(f"{name} must have at least 8 characters.")
    return raw


def _secret(name: str, raw: str) -> str:
    if len(_text(name, raw)) < 32:
        raise SettingsError(f"{name} must have at least 32 characters.")
    return raw


def without_password(url: str) -> str:
    """The URL as it may be shown in a message or a log.

    One that cannot be taken apart is cut before its last “@”, so that no part of a password is left.
    """
    try:
        password = urlsplit(url).password
    except ValueError:
        return f"***@{url.rpartition('@')[2]}"
    if password:
        return url.replace(f":{password}@", ":***@", 1)
    return url


def _setting(
    name: str, parse: Callable[[str, str], Any], default: Any, says: str, shown: str | None = None
) -> Any:
    """One field of `Settings`: its variable, how it is read, its default and what it is for."""
    metadata = {
        "variable": name,
        "parse": parse,
        "says": says,
        "default": shown or str(default),
    }
    return field(default=default, metadata=metadata)


@dataclass(frozen=True)
class Settings:
    """What the operator decides. An empty variable counts as one that is not set."""

    port: int = _setting("PORT", _whole_number(1, 65535), 8000, "port of the web pages")
    host: str = _setting(
        "HOST",
        _text,
        "127.0.0.1",
        "address the web server listens on; 0.0.0.0 opens it to the network",
    )
    trusted_proxies: int = _setting(
        "TRUSTED_PROXIES",
        _whole_number(0, 16),
        0,
        "how many proxies of ours stand in front; each adds to X-Forwarded-For, and the last sets "
        "X-Forwarded-Proto and X-Forwarded-Host",
    )
    data_dir: Path = _setting(
        "DATA_DIR",
        _folder,
        ROOT / "instance",
        "folder of everything Steward keeps itself: SQLite file, embedded queue, files, secret key",
        "instance/",
    )
    database_url: str = _setting(
        "DATABASE_URL",
        _database_url,
        "",
        "database: postgresql://user@host/name, or sqlite:////folder/file.db",
        "SQLite file in DATA_DIR",
    )
    redis_url: str | None = _setting(
        "REDIS_URL",
        _redis_url,
        None,
        "queue: redis://host:6379/0 (Redis or Valkey)",
        "embedded Valkey",
    )
    files_url: str = _setting(
        "FILES_URL",
        _files_url,
        "",
        "file store: a folder or any fsspec address such as s3://bucket/folder",
        "folder in DATA_DIR",
    )
    admin_password: str | None = _setting(
        "ADMIN_PASSWORD",
        _password,
        None,
        "first start only: password of the first administrator, who then need not change it",
        "generated",
    )
    demo: bool = _setting("DEMO", _flag, True, "1: with demonstration data, 0: without", "1")
    web_workers: int = _setting("WEB_WORKERS", _whole_number(1, 64), 2, "web processes")
    web_threads: int = _setting("WEB_THREADS", _whole_number(1, 64), 4, "threads in a web process")
    workers: int = _setting(
        "WORKERS",
        _whole_number(0, 64),
        1,
        "processes that run jobs, beside one that is kept free of long ones",
    )
    upload_limit_mb: int = _setting(
        "UPLOAD_LIMIT_MB", _whole_number(1, 4096), 100, "largest upload, in MB (10⁶ bytes)"
    )
    secret_key: str | None = _setting(
        "SECRET_KEY",
        _secret,
        None,
        "signs sessions and tokens; the same on all hosts",
        "generated once, kept in DATA_DIR",
    )

    def __post_init__(self) -> None:
        """Fill in what follows from the data folder."""
        object.__setattr__(self, "data_dir", Path(self.data_dir).absolute())
        if not self.database_url:
            object.__setattr__(self, "database_url", f"sqlite:///{self.data_dir / 'steward.db'}")
        if not self.files_url:
            object.__setattr__(self, "files_url", f"file://{self.data_dir / 'files'}")

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> Settings:
        """Read every setting from the environment; raises `SettingsError` naming a wrong one."""
        source = os.environ if environment is None else environment
        given = {}
        for entry in fields(cls):
            name = entry.metadata["variable"]
            if raw := source.get(name, "").strip():
                given[entry.name] = entry.metadata["parse"](name, raw)
        return cls(**given)

    @property
    def address(self) -> str:
        """Where a browser on this machine finds the pages."""
        host = "127.0.0.1" if self.host in EVERY_ADDRESS else self.host
        return f"http://{f'[{host}]' if ':' in host else host}:{self.port}"

    @property
    def upload_limit(self) -> int:
        """Largest request body, in bytes."""
        return self.upload_limit_mb * 1_000_000
