"""What an operator sees: one command starts everything, one line says what is wrong."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.running.support import Installation, eventually, free_port

pytestmark = pytest.mark.running

SECOND_START_SECONDS = 5.0
SECOND_START_IMPORTS = 6
"""On a machine so slow that this is more: as many times what it takes to load Flask-AppBuilder alone."""


def seconds_to_load_flask_appbuilder() -> float:
    """Of a fresh process; the least of three, so that what else happens on the machine says little."""
    times = []
    for _number in range(3):
        began = time.monotonic()
        subprocess.run([sys.executable, "-c", "import flask_appbuilder.api"], check=True)
        times.append(time.monotonic() - began)
    return min(times)


def assert_refused(steward: Installation, variable: str, *arguments: str) -> str:
    """The command ends with exit code 2 and one line that begins with the setting; nothing is left."""
    done = steward.command(*arguments)
    assert done.returncode == 2, done.stderr
    lines = done.stderr.strip().splitlines()
    assert len(lines) == 1
    assert lines[0].startswith(f"steward: {variable}: ")
    assert not done.stdout
    assert not steward.processes()
    return lines[0]


def test_a_taken_port(fresh: Installation) -> None:
    with socket.create_server(("127.0.0.1", fresh.port)):
        assert str(fresh.port) in assert_refused(fresh, "PORT")
        assert_refused(fresh, "PORT", "web")


@pytest.mark.parametrize("command", [(), ("worker",), ("migrate",)])
def test_a_data_folder_that_cannot_be_one(fresh: Installation, command: tuple[str, ...]) -> None:
    Path(fresh.environment["DATA_DIR"]).write_text("a file stands where the folder should be")
    assert_refused(fresh, "DATA_DIR", *command)


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://root:s3cret-word@127.0.0.1:1/none",
        "postgresql://root@no-such-host.invalid/none",
        "sqlite:////no/such/folder/steward.db",
    ],
)
def test_a_database_that_does_not_answer(make: Callable[..., Installation], url: str) -> None:
    line = assert_refused(make(DATABASE_URL=url), "DATABASE_URL")
    assert "s3cret-word" not in line


def test_a_database_file_that_is_none(make: Callable[..., Installation], tmp_path: Path) -> None:
    file = tmp_path / "letter.db"
    file.write_text("Dear Sir or Madam, " * 100)
    assert_refused(make(DATABASE_URL=f"sqlite:///{file}"), "DATABASE_URL", "migrate")


def test_a_kind_of_file_store_that_is_not_known(make: Callable[..., Installation]) -> None:
    assert "nope" in assert_refused(make(FILES_URL="nope://x"), "FILES_URL")


def test_a_queue_that_does_not_answer(make: Callable[..., Installation]) -> None:
    steward = make(REDIS_URL=f"redis://:s3cret-word@127.0.0.1:{free_port()}/0")
    for command in ((), ("worker",)):
        assert "s3cret-word" not in assert_refused(steward, "REDIS_URL", *command)


def test_a_setting_that_makes_no_sense(make: Callable[..., Installation]) -> None:
    done = make(PORT="eight thousand").command()
    assert done.returncode == 2
    assert done.stderr == (
        "steward: PORT must be a whole number from 1 to 65535, not “eight thousand”.\n"
    )


def test_everything_starts_and_says_the_password_once(fresh: Installation) -> None:
    steward = fresh
    first = steward.start()
    assert steward.until_ready() == {
        "status": "ok",
        "database": "ok",
        "queue": "ok",
        "worker": "ok",
    }
    assert steward.get("/healthz") == (200, {"status": "ok"})
    eventually(lambda: "Ctrl-C" in steward.printed, 10)
    printed = steward.printed
    assert f"http://127.0.0.1:{steward.port}" in printed
    assert re.search(r"^ +user +admin$", printed, re.MULTILINE)
    password = re.search(r"^ +password +(\S{10,}) +\(", printed, re.MULTILINE)
    assert password

    first.send_signal(signal.SIGINT)
    assert first.wait(20) == 0
    assert not steward.processes()

    steward.start()
    steward.until_ready()
    assert steward.printed.count(password[1]) == 1


def test_a_second_start_is_quick(steward: Installation) -> None:
    """To the first page. Where others keep the machine busy, the time that our own processes took counts."""
    began = time.monotonic()
    steward.start()
    eventually(lambda: steward.get("/healthz")[0] == 200)
    seconds = time.monotonic() - began
    if os.getloadavg()[0] > (os.cpu_count() or 1):
        times = [process.cpu_times() for process in steward.processes()]
        seconds = min(seconds, sum(each.user + each.system for each in times))
    if seconds >= SECOND_START_SECONDS:
        assert seconds < SECOND_START_IMPORTS * seconds_to_load_flask_appbuilder()


def test_a_given_password_is_not_printed(make: Callable[..., Installation]) -> None:
    steward = make(ADMIN_PASSWORD="given by the operator")
    steward.start()
    steward.until_ready()
    eventually(lambda: "Ctrl-C" in steward.printed, 10)
    assert "password" not in steward.printed
    assert "given by" not in steward.printed


def test_no_second_owner_of_a_data_folder(steward: Installation) -> None:
    steward.start()
    steward.until_ready()
    eventually(lambda: "Ctrl-C" in steward.printed, 10)
    steward.environment["PORT"] = str(free_port())
    done = steward.command()
    assert done.returncode == 2
    assert len(done.stderr.strip().splitlines()) == 1
    assert "in use by another Steward" in done.stderr
    assert steward.get("/readyz")[0] == 200


def test_parts_started_one_by_one_share_the_embedded_queue(steward: Installation) -> None:
    steward.start("worker")
    steward.start("web")
    steward.until_ready()
    steward.close()
    assert not steward.processes()


def test_help_names_every_command(fresh: Installation) -> None:
    done = fresh.command("--help")
    assert done.returncode == 0
    for command in (
        *("web", "worker", "scheduler", "migrate", "seed", "user"),
        *("entities", "import", "export", "undo"),
    ):
        assert re.search(rf"^ +{command}\b", done.stdout, re.MULTILINE)
