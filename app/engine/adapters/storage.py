"""File storage: a folder, or any store that fsspec knows (`FILES_URL`).

Paths inside the store are relative and ours (`imports/…`, `exports/…`); nothing a person typed
becomes part of one. A file is there whole or not at all.
"""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO, cast

import fsspec
from flask import Flask, current_app
from flask_babel import lazy_gettext as _

from app.engine.errors import NotFound

_CHUNK = 1024 * 1024


class FileGone(NotFound):
    """The store has no such file: it was removed, or never finished."""

    def __init__(self, path: str) -> None:
        super().__init__(_("The file is not kept any more."))
        self.path = path


class Storage:
    """The store of one application."""

    def __init__(self, url: str) -> None:
        self._files, self._root = fsspec.core.url_to_fs(url)
        self._local = self._files.protocol in ("file", ("file", "local"))

    def save(self, path: str, source: Path | BinaryIO) -> int:
        """Put a local file or a stream under `path`; its size in bytes."""
        target = self._address(path)
        self._files.makedirs(str(PurePosixPath(target).parent), exist_ok=True)
        unfinished = f"{target}.part"
        try:
            with self._files.open(unfinished, "wb") as file:
                if isinstance(source, Path):
                    with source.open("rb") as opened:
                        shutil.copyfileobj(opened, file, _CHUNK)
                else:
                    shutil.copyfileobj(source, file, _CHUNK)
            self._files.mv(unfinished, target)
        except BaseException:
            with contextlib.suppress(FileNotFoundError):
                self._files.rm(unfinished)
            raise
        return int(self._files.size(target))

    def open(self, path: str) -> BinaryIO:
        """Open for reading. Raises FileGone."""
        try:
            return cast(BinaryIO, self._files.open(self._address(path), "rb"))
        except FileNotFoundError as error:
            raise FileGone(path) from error

    @contextlib.contextmanager
    def local(self, path: str) -> Iterator[Path]:
        """The file as one on this machine: itself in a local store, else a copy. Raises FileGone."""
        if self._local:
            here = Path(self._address(path))
            if not here.is_file():
                raise FileGone(path)
            yield here
            return
        with tempfile.TemporaryDirectory(prefix="steward-file-") as folder:
            copy = Path(folder) / "file"
            with self.open(path) as stream, copy.open("wb") as file:
                shutil.copyfileobj(stream, file, _CHUNK)
            yield copy

    def remove(self, path: str) -> None:
        """Take a file away; one that is gone is no error."""
        with contextlib.suppress(FileNotFoundError):
            self._files.rm(self._address(path))

    def _address(self, path: str) -> str:
        parts = PurePosixPath(path).parts
        if not parts or path.startswith("/") or ".." in parts:
            raise ValueError(f"not a path of the store: {path!r}")
        return f"{self._root.rstrip('/')}/{path}"


def init(app: Flask) -> None:
    """Connect the application with its store; nothing is opened yet."""
    settings: Any = app.config["STEWARD"]
    app.extensions["steward.storage"] = Storage(settings.files_url)


def store() -> Storage:
    """The application's store."""
    found: Storage = current_app.extensions["steward.storage"]
    return found
