"""No process outlives its parent, what ends is started again, what was queued stays."""

from __future__ import annotations

import contextlib
import os
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
import redis

from app.engine.adapters import embedded_queue
from app.engine.adapters.embedded_queue import EmbeddedQueue, QueueOwned
from config import ROOT, Settings
from tests.running.support import Installation, eventually

pytestmark = pytest.mark.running

PARTS = 3 + 2 + 1 + 1 + 1  # web master and its two, two workers, scheduler, queue, supervisor


def running(steward: Installation) -> psutil.Process:
    """Start everything; returns the supervisor."""
    process = steward.start()
    steward.until_ready()
    eventually(lambda: len(steward.processes()) >= PARTS, what="the start of every part")
    return psutil.Process(process.pid)


def queue_of(steward: Installation) -> redis.Redis:
    address = (steward.data / "queue" / "address").read_text()
    return redis.Redis.from_url(address)


def part(steward: Installation, word: str) -> psutil.Process:
    """The process of that name, as the kernel keeps it."""
    return parts(steward, word)[0]


def parts(steward: Installation, word: str) -> list[psutil.Process]:
    """All of that name, oldest first."""
    found = [process for process in steward.processes() if process.name().startswith(word)]
    return sorted(found, key=lambda process: process.create_time())


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_when_the_parent_ends_so_does_everything(
    steward: Installation, number: signal.Signals
) -> None:
    supervisor = running(steward)
    supervisor.send_signal(number)
    steward.started[-1].wait(20)
    eventually(lambda: not steward.processes(), 5, "the end of every child")


def test_when_make_is_killed_so_is_everything(steward: Installation) -> None:
    """As in the Makefile: a parent that is not ours starts run.py and is killed."""
    steward.environment["RUN"] = str(ROOT / "run.py")
    script = 'env STEWARD_ENDS_WITH=$$ "$PYTHON" "$RUN"; true'
    steward.environment["PYTHON"] = sys.executable
    with (steward.folder / "printed").open("ab") as printed:
        shell = subprocess.Popen(
            ["sh", "-c", script], env=steward.environment, stdout=printed, stderr=printed
        )
    steward.started.append(shell)
    steward.until_ready()
    shell.kill()
    shell.wait()
    eventually(lambda: not steward.processes(), 15, "the end of every process")


def test_a_part_that_dies_is_started_again(steward: Installation) -> None:
    running(steward)
    for word in (
        "worker",
        "urgent worker",
        "scheduler",
        "valkey",
        "a child of the web server",
        "web server",
    ):
        if word.startswith("a child"):
            victim = next(each for each in parts(steward, "web server") if not each.children())
        else:
            victim = part(steward, word)
        kill_and_wait_for_another(steward, victim)
        steward.until_ready()


def kill_and_wait_for_another(steward: Installation, victim: psutil.Process) -> None:
    before = {process.pid for process in steward.processes()}
    what = victim.name()
    victim.send_signal(signal.SIGKILL)
    eventually(lambda: not victim.is_running(), 10, f"the end of {what}")
    eventually(lambda: new_ones(steward, before), what=f"a new {what}")
    eventually(lambda: len(steward.processes()) >= PARTS, what=f"the restart of {what}")


def new_ones(steward: Installation, before: set[int]) -> set[int]:
    return {process.pid for process in steward.processes()} - before


def test_readyz_says_what_is_missing(steward: Installation) -> None:
    steward.environment["WORKERS"] = "0"
    steward.start()
    eventually(lambda: steward.get("/healthz")[0] == 200, what=steward.printed)
    status, body = steward.get("/readyz")
    assert status == 503
    assert body == {
        "status": "unavailable",
        "database": "ok",
        "queue": "ok",
        "worker": "no worker is running",
    }
    queue = part(steward, "valkey")
    queue.suspend()
    try:
        status, body = steward.get("/readyz")
    finally:
        queue.resume()
    assert status == 503
    assert body["queue"].startswith("does not answer")


def test_what_was_queued_survives_a_kill(steward: Installation) -> None:
    steward.environment["WORKERS"] = "0"
    process = steward.start()
    eventually(lambda: steward.get("/healthz")[0] == 200, what=steward.printed)
    queued = [f"job {number}" for number in range(300)]
    queue_of(steward).rpush("kept", *queued)
    # Valkey writes at once and lets the disk settle each second: a killed process loses nothing.
    process.kill()
    process.wait()
    eventually(lambda: not steward.processes(), 5)
    steward.start()
    eventually(lambda: steward.get("/healthz")[0] == 200, what=steward.printed)
    kept = queue_of(steward).lrange("kept", 0, -1)
    assert [item.decode() for item in kept] == queued


def test_queue_data_that_cannot_be_read_are_set_aside(steward: Installation) -> None:
    running(steward)
    steward.started[-1].terminate()
    steward.started[-1].wait(20)
    data = steward.data / "queue" / "appendonlydir"
    manifest = next(data.glob("*.manifest"))
    manifest.write_text("this is not a manifest\n")
    steward.start()
    steward.until_ready()
    aside = next(data.parent.glob("damaged-*/appendonlydir/*.manifest"))
    assert aside.read_text() == "this is not a manifest\n"
    assert "could not read its data" in steward.printed


@pytest.mark.parametrize("name", ["data", "数据", "with a space", "d" * 120, "100%#?"])
def test_the_queue_is_reached_by_nobody_else(tmp_path: Path, name: str) -> None:
    """In any data folder: on a socket in a folder of ours, and on no port."""
    with hold(Settings(data_dir=tmp_path / name)) as queue:
        place = queue.address.socket
        assert place
        assert stat.S_IMODE(place.parent.stat().st_mode) == 0o700
        assert (place.parent == queue.folder) == (name in ("data", "数据"))
        assert "port 0\n" in Path(queue.command()[1]).read_text()
    assert place.parent.exists() == (place.parent == queue.folder)


def test_where_sockets_cannot_be_had_a_password_guards_the_port(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedded_queue, "SOCKET_PATH_LIMIT", 0)
    with hold(Settings(data_dir=tmp_path)) as queue:
        assert queue.address.socket is None
        assert len(queue.address.password) >= 32
        configuration = Path(queue.command()[1])
        assert queue.address.password not in " ".join(queue.command())
        assert stat.S_IMODE(configuration.stat().st_mode) == 0o600
        server = subprocess.Popen(queue.command())
        try:
            eventually(lambda: embedded_queue.answers(queue.address.url), 10)
            assert not embedded_queue.answers(f"redis://127.0.0.1:{queue.address.port}/0")
        finally:
            server.terminate()
            server.wait(10)


def test_one_owner_by_lock(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path)
    with hold(settings), pytest.raises(QueueOwned, match=str(os.getpid())):
        EmbeddedQueue.acquire(settings)
    with hold(settings):
        pass


@contextlib.contextmanager
def hold(settings: Settings) -> Iterator[EmbeddedQueue]:
    queue = EmbeddedQueue.acquire(settings)
    try:
        yield queue
    finally:
        queue.release()


def test_a_folder_with_a_space_will_do(steward: Installation) -> None:
    odd = steward.folder / "客户 data 100%"
    steward.data.rename(odd)
    steward.environment["DATA_DIR"] = str(odd)
    running(steward)
