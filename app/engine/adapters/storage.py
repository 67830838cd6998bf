"""File storage: a folder, or any store that fsspec knows (`FILES_URL`).

Paths inside the store are relative and ours (`imports/…`, `exports/…`); nothing a person typed
becomes part of one. A file is there whole or not at all.
"""

from __future__ import annotations

import contextlib
import datetime
import errno
import functools
import logging
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO, ParamSpec, TypeVar, cast

import fsspec
from flask import Flask, current_app
from flask_babel import lazy_gettext as _

from app.engine.adapters import sealed_files, vault
from app.engine.errors import NotFound, TryLater

_CHUNK = 1024 * 1024

_PATIENCE: dict[str, Any] = {
    "config_kwargs": {
        "connect_timeout": 5,
        "read_timeout": 60,
        "retries": {"max_attempts": 2, "mode": "standard"},
    },
    "use_listings_cache": False,
}
"""How long a store far away is waited for. What another process has written is seen at once."""

_FAR_AWAY = ("botocore", "aiobotocore", "aiohttp", "s3fs", "asyncio", "gcsfs", "adlfs", "azure")
"""Packages whose errors mean that a store far away did not do what it was asked."""

Asked = ParamSpec("Asked")
Answer = TypeVar("Answer")

log = logging.getLogger(__name__)

UNFINISHED = ".part"
"""How the name of a file ends that is still being written."""


class FileGone(NotFound):
    """The store has no such file: it was removed, or never finished."""

    def __init__(self, path: str) -> None:
        super().__init__(_("The file is not kept any more."))
        self.path = path


_OUT_OF_ORDER = (
    errno.EIO, errno.EROFS, errno.EACCES, errno.EPERM, errno.ESTALE, errno.ENODEV, errno.ENOTCONN,
)  # fmt: skip
"""What a disk, or a folder of another machine, says when it is not there as it should be."""


class StoreAway(TryLater):
    """The store does not answer, or refuses: what was asked for is not done, and may be asked again."""

    def __init__(self) -> None:
        super().__init__(
            _("The file store does not answer. Nothing was lost; try again in a moment.")
        )


@contextlib.contextmanager
def answering() -> Iterator[None]:
    """Errors of the store as StoreAway, whatever library they come from: for reading what `open` gave."""
    try:
        yield
    except Exception as error:
        if not _of_the_store(error):
            raise
        log.warning("the file store failed: %s: %s", type(error).__name__, error)
        raise StoreAway from error


def _of_the_store(error: BaseException) -> bool:
    if isinstance(error, OSError) and error.errno in _OUT_OF_ORDER:
        return True
    kinds = type(error).__mro__
    if any(kind.__module__.partition(".")[0] in _FAR_AWAY for kind in kinds):
        return True
    # s3fs turns the service's refusals into errors of the system, with the service's own behind.
    behind = error.__cause__
    return isinstance(error, OSError) and behind is not None and _of_the_store(behind)


def _asked(method: Callable[Asked, Answer]) -> Callable[Asked, Answer]:
    """A method that asks the store. Raises StoreAway beside what it raises itself."""

    @functools.wraps(method)
    def wrapped(*arguments: Asked.args, **named: Asked.kwargs) -> Answer:
        with answering():
            return method(*arguments, **named)

    return wrapped


class Storage:
    """The store of one application."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._owner = 0
        self._known: tuple[Any, str] = (None, "")
        self._local = fsspec.utils.get_protocol(url) in ("file", "local")

    def _opened(self) -> tuple[Any, str]:
        """The store as fsspec has it: anew in each process, since its threads do not survive a fork."""
        if self._owner != os.getpid():
            options = _PATIENCE if self._url.startswith(("s3://", "s3a://")) else {}
            self._known = fsspec.core.url_to_fs(self._url, **options)
            self._owner = os.getpid()
        return self._known

    @property
    def _files(self) -> Any:
        return self._opened()[0]

    @property
    def _root(self) -> str:
        return self._opened()[1]

    def _make_folder(self, target: str) -> None:
        """A store far away has no folders."""
        if self._local:
            self._files.makedirs(str(PurePosixPath(target).parent), exist_ok=True)

    @_asked
    def save(self, path: str, source: Path | BinaryIO) -> int:
        """Put a local file or a stream under `path`; its size in bytes."""
        target = self._address(path)
        self._make_folder(target)
        unfinished = f"{target}{UNFINISHED}"
        try:
            with self._files.open(unfinished, "wb") as file:
                if isinstance(source, Path):
                    with source.open("rb") as opened:
                        size = _written(opened, file)
                else:
                    size = _written(source, file)
            self._files.mv(unfinished, target)
        except BaseException:
            with contextlib.suppress(FileNotFoundError):
                self._files.rm(unfinished)
            raise
        return size

    @_asked
    def write(self, path: str, source: BinaryIO) -> int:
        """Write a stream where nobody looks before it is whole, to be moved then; its size in bytes.

        What was written before something went wrong is taken away.
        """
        target = self._address(path)
        self._make_folder(target)
        try:
            with self._files.open(target, "wb") as file:
                return _written(source, file)
        except BaseException:
            with contextlib.suppress(FileNotFoundError):
                self._files.rm(target)
            raise

    @_asked
    def move(self, path: str, target: str) -> None:
        """Give a file its place; whatever is there is replaced. Raises FileGone."""
        there = self._address(target)
        self._make_folder(there)
        try:
            self._files.mv(self._address(path), there)
        except FileNotFoundError as error:
            raise FileGone(path) from error

    def free(self) -> int | None:
        """How many bytes still fit; None where nobody knows."""
        if not self._local:
            return None
        place = Path(self._root)
        while not place.exists():
            place = place.parent
        return shutil.disk_usage(place).free

    @_asked
    def has(self, path: str) -> bool:
        """Whether there is such a file."""
        return bool(self._files.isfile(self._address(path)))

    @_asked
    def written_at(self, path: str) -> datetime.datetime | None:
        """When it was last written; None where it is gone."""
        try:
            moment = cast(datetime.datetime, self._files.modified(self._address(path)))
        except FileNotFoundError:
            return None
        return moment if moment.tzinfo else moment.replace(tzinfo=datetime.UTC)

    @_asked
    def open(self, path: str) -> BinaryIO:
        """Open for reading, decrypted. Raises FileGone, VaultClosed.

        A plain file is opened anew and not read in: a web server sends it from where its descriptor
        stands, past whatever was read into a buffer.
        """
        sealed = self._is_sealed(path)
        file = self._as_it_is(path)
        return sealed_files.opened(vault.present(), file) if sealed else file

    def _as_it_is(self, path: str) -> BinaryIO:
        try:
            return cast(BinaryIO, self._files.open(self._address(path), "rb"))
        except FileNotFoundError as error:
            raise FileGone(path) from error

    @_asked
    def seal(self, path: str) -> bool:
        """Encrypt a file with the first key unless it is already; whether there was anything to do."""
        first = vault.present().first
        with self._as_it_is(path) as file:
            name = sealed_files.key_name(file.read(sealed_files.HEAD))
        if first is None or name == first.name:
            return False
        with self.open(path) as content:
            self.save(path, content)
        return True

    @contextlib.contextmanager
    def local(self, path: str) -> Iterator[Path]:
        """The file as one on this machine: itself in a local store, else a copy. Raises FileGone."""
        if self._local and not self._is_sealed(path):
            yield Path(self._address(path))
            return
        with tempfile.TemporaryDirectory(prefix="steward-file-") as folder:
            copy = Path(folder) / "file"
            with self.open(path) as stream, copy.open("wb") as file:
                shutil.copyfileobj(stream, file, _CHUNK)
            yield copy

    @_asked
    def paths(self, folder: str = "") -> list[str]:
        """Every file below a folder, or of the store, in order; none where there is no such folder."""
        try:
            found = self._files.find(self._address(folder) if folder else self._root)
        except FileNotFoundError:
            return []
        root = self._files._strip_protocol(self._root).rstrip("/")
        return sorted(str(one).removeprefix(root).lstrip("/") for one in found)

    def _is_sealed(self, path: str) -> bool:
        with self._as_it_is(path) as file:
            return sealed_files.key_name(file.read(sealed_files.HEAD)) is not None

    @_asked
    def remove(self, path: str) -> None:
        """Take a file away; one that is gone is no error."""
        with contextlib.suppress(FileNotFoundError):
            self._files.rm(self._address(path))

    def _address(self, path: str) -> str:
        parts = PurePosixPath(path).parts
        if not parts or path.startswith("/") or ".." in parts:
            raise ValueError(f"not a path of the store: {path!r}")
        return f"{self._root.rstrip('/')}/{path}"


def _written(source: Any, target: Any) -> int:
    """Copy a stream, encrypted where a key is set; how many bytes it had."""
    first = vault.present().first
    if first is not None:
        return sealed_files.write(first, source, target)
    size = 0
    while chunk := source.read(_CHUNK):
        size += target.write(chunk)
    return size


def init(app: Flask) -> None:
    """Connect the application with its store; nothing is opened yet."""
    settings: Any = app.config["STEWARD"]
    app.extensions["steward.storage"] = Storage(settings.files_url)


def store() -> Storage:
    """The application's store."""
    found: Storage = current_app.extensions["steward.storage"]
    return found
