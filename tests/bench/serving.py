"""Starting and ending the servers that are measured."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from tests.bench.client import Client, Failed

ROOT = Path(__file__).resolve().parents[2]
SECONDS_TO_START = 90
PASSWORD = "Bench-only-pass-1"  # of databases that hold nothing else
ADMINISTRATOR = "admin"


def free_port() -> int:
    """A port of the loopback address that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def environment(**settings: str) -> dict[str, str]:
    """Ours without Steward's settings, and with these."""
    dropped = ("DATABASE_URL", "REDIS_URL", "FILES_URL", "DATA_DIR", "PORT", "HOST", "DEMO")
    kept = {name: value for name, value in os.environ.items() if name not in dropped}
    return {**kept, "ADMIN_PASSWORD": PASSWORD, "PYTHONUNBUFFERED": "1", **settings}


def run(arguments: Sequence[str], settings: Mapping[str, str]) -> None:
    """Run a Python program of ours to its end. Raises CalledProcessError."""
    subprocess.run([sys.executable, *arguments], cwd=ROOT, env=environment(**settings), check=True)


@contextlib.contextmanager
def served(
    arguments: Sequence[str], ready: str, log: Path, settings: Mapping[str, str]
) -> Iterator[int]:
    """A server's port, from when `ready` answers until the block ends. Raises Failed."""
    port = free_port()
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, *arguments],
            cwd=ROOT,
            env=environment(**settings, PORT=str(port), STEWARD_ENDS_WITH=str(os.getpid())),
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        try:
            _wait(process, port, ready, log)
            yield port
        finally:
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _wait(process: subprocess.Popen[bytes], port: int, ready: str, log: Path) -> None:
    client = Client(port)
    until = time.monotonic() + SECONDS_TO_START
    while time.monotonic() < until and process.poll() is None:
        try:
            if client.get(ready).status < 400:
                client.close()
                return
        except (OSError, EOFError):
            client.close()
        time.sleep(0.2)
    raise Failed(f"{log.name}: it did not start\n{log.read_text(errors='replace')[-2000:]}")
