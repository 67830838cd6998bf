"""A child process made by fork, with the few methods of `subprocess.Popen` that its supervisor uses."""

from __future__ import annotations

import gc
import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

from app.engine.adapters import leash
from app.engine.adapters.logs import redacted

FAILED = 1


class Forked:
    """Our hold on a child: ask whether it lives, end it, wait for it."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.returncode: int | None = None

    def poll(self) -> int | None:
        """Its exit code, negative for a signal; None while it lives."""
        if self.returncode is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.returncode = os.waitstatus_to_exitcode(status)
        return self.returncode

    def terminate(self) -> None:
        """Ask it to end."""
        if self.poll() is None:
            os.kill(self.pid, signal.SIGTERM)

    def wait(self) -> int:
        """Wait for its end; returns the exit code."""
        while (code := self.poll()) is None:
            time.sleep(0.01)
        return code


def start(name: str, main: Callable[[], int]) -> Forked:
    """Run a function in a child that leads a session of its own and does not outlive this process.

    Raises `RuntimeError` in a process with several threads: they would be missing in the child, their locks would not.
    """
    if threading.active_count() > 1:
        raise RuntimeError("a process with several threads cannot be forked safely")
    parent = os.getpid()
    sys.stdout.flush()
    sys.stderr.flush()
    gc.freeze()  # what is here now stays shared: the child's collector does not touch it
    pid = os.fork()
    if pid == 0:
        _live(name, main, parent)
    gc.unfreeze()
    return Forked(pid)


def _live(name: str, main: Callable[[], int], parent: int) -> NoReturn:
    """The child's life; never returns to the code of its parent."""
    code = FAILED
    try:
        _begin(name, parent)
        code = main()
    except SystemExit as leave:
        code = leave.code if isinstance(leave.code, int) else FAILED
    except BaseException:  # noqa: BLE001  said here, since nobody is above
        sys.stderr.write(redacted(traceback.format_exc()))
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _begin(name: str, parent: int) -> None:
    """Leave behind what is the parent's: its session, signal handlers and standard input."""
    signal.set_wakeup_fd(-1)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGCHLD):
        signal.signal(number, signal.SIG_DFL)
    os.setsid()
    leash.bind(parent)
    if sys.platform == "linux":  # as `top` and `ps -e` call it; the kernel keeps 15 letters
        Path("/proc/self/comm").write_text(name[:15])
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.close(null)
