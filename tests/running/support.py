"""Starting Steward as an operator does, and looking at what it leaves behind."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil

from config import ROOT

PATIENCE = 90  # seconds; a busy machine of two cores takes its time


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


def eventually(true: Callable[[], Any], seconds: float = PATIENCE, what: str = "it") -> Any:
    """Wait until a condition holds; returns what it gave."""
    deadline = time.monotonic() + seconds
    while not (answer := true()):
        assert time.monotonic() < deadline, f"{what} did not happen within {seconds} s"
        time.sleep(0.05)
    return answer


class Installation:
    """`run.py` with a data folder and a port of its own; everything it prints is kept in a file."""

    def __init__(self, folder: Path, database: Path | None = None, **environment: str) -> None:
        self.folder = folder
        self.port = free_port()
        inherited = {"PATH", "HOME", "LANG", "TMPDIR", "VIRTUAL_ENV"}
        self.environment = {name: value for name, value in os.environ.items() if name in inherited}
        self.environment |= {
            "DATA_DIR": str(folder / "data"),
            "PORT": str(self.port),
            "DEMO": "0",
            "PYTHONUNBUFFERED": "1",
            **environment,
        }
        self.started: list[subprocess.Popen[bytes]] = []
        if database:
            self.data.mkdir()
            shutil.copyfile(database, self.data / database.name)

    @property
    def data(self) -> Path:
        """Its data folder."""
        return Path(self.environment["DATA_DIR"])

    def command(
        self, *arguments: str, timeout: float = PATIENCE
    ) -> subprocess.CompletedProcess[str]:
        """Run one sub-command to its end."""
        return subprocess.run(
            [sys.executable, str(ROOT / "run.py"), *arguments],
            env=self.environment,
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )

    def start(self, *arguments: str) -> subprocess.Popen[bytes]:
        """Start everything, or one part, and return at once."""
        with (self.folder / "printed").open("ab") as printed:
            process = subprocess.Popen(
                [sys.executable, str(ROOT / "run.py"), *arguments],
                env=self.environment,
                cwd=self.folder,
                stdout=printed,
                stderr=printed,
                start_new_session=True,
            )
        self.started.append(process)
        return process

    @property
    def printed(self) -> str:
        """All that its processes have said so far."""
        return (self.folder / "printed").read_text(encoding="utf-8")

    def get(self, path: str) -> tuple[int, dict[str, Any]]:
        """Status and JSON of a page; status 0 while nobody listens."""
        try:
            with urllib.request.urlopen(
                f"http://127.0.0.1:{self.port}{path}", timeout=10
            ) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            with error:
                return error.code, json.load(error)
        except (urllib.error.URLError, OSError):
            return 0, {}

    def until_ready(self) -> dict[str, Any]:
        """Wait until database, queue and worker answer."""
        process = self.started[-1]

        def ready() -> dict[str, Any] | None:
            assert process.poll() is None, self.printed
            status, body = self.get("/readyz")
            return body if status == 200 else None

        answer: dict[str, Any] = eventually(ready, what=f"ready; printed: {self.printed}")
        return answer

    def processes(self) -> list[psutil.Process]:
        """Every process of this installation, whoever is its parent now."""
        return [process for process in psutil.process_iter() if self._is_ours(process)]

    def _is_ours(self, process: psutil.Process) -> bool:
        try:
            if process.status() == psutil.STATUS_ZOMBIE:
                return False
            return Path(process.cwd()).is_relative_to(self.folder)
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            return False

    def close(self) -> None:
        """End what a test has left running."""
        for process in self.started:
            if process.poll() is None:
                process.terminate()
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(20)
        for process in self.processes():
            with contextlib.suppress(psutil.NoSuchProcess):
                process.send_signal(signal.SIGKILL)
        for process in self.started:
            process.wait()
