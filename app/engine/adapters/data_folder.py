"""The folder in which Steward keeps what it makes: readable by its owner only."""

from __future__ import annotations

import os
import secrets
from dataclasses import replace
from pathlib import Path

from filelock import FileLock

from config import Settings, SettingsError


def prepare(settings: Settings) -> Settings:
    """Make the data folder, prove it writable and complete the settings with its secret key.

    Raises `SettingsError` when the folder cannot be made or written.
    """
    _make_writable(settings.data_dir)
    if settings.secret_key:
        return settings
    return replace(settings, secret_key=_secret_key(settings.data_dir / "secret_key"))


def private_folder(path: Path) -> Path:
    """A folder that nobody but the user running Steward can read."""
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    return path


def write_private(path: Path, text: str) -> None:
    """Replace a file as a whole; at no moment is it half-written or readable by others."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)
    temporary.replace(path)


def _make_writable(folder: Path) -> None:
    probe = folder / f".writable.{os.getpid()}"
    try:
        private_folder(folder)
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise SettingsError(
            f"DATA_DIR: the folder {folder} cannot be written ({error.strerror})."
        ) from error


def _secret_key(path: Path) -> str:
    """The key kept in the data folder; made by whichever process comes first."""
    with FileLock(path.with_name(f".{path.name}.lock"), mode=0o600):
        if not path.exists():
            write_private(path, secrets.token_urlsafe(48))
        return path.read_text(encoding="utf-8").strip()
