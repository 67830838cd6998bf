"""No process outlives the one that started it, even when that one is killed without warning."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence

PR_SET_PDEATHSIG = 1
POLL_SECONDS = 0.5
VARIABLE = "STEWARD_ENDS_WITH"  # process id of a parent, such as make, that we must not outlive


def bind(parent: int, end: signal.Signals = signal.SIGKILL) -> None:
    """Send this process `end` once its parent, the process `parent`, has died.

    On Linux the kernel does it; it holds over exec. Elsewhere a thread watches. To be called from
    the process itself, straight after it was started.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, int(end), 0, 0, 0)
        if os.getppid() != parent:  # it died before the kernel was asked
            os.kill(os.getpid(), end)
    else:
        watch(parent, end)


def watch(parent: int, end: signal.Signals) -> None:
    """The same by looking twice a second who our parent is; only for a process that runs Python."""

    def look() -> None:
        while os.getppid() == parent:
            time.sleep(POLL_SECONDS)
        os.kill(os.getpid(), end)

    threading.Thread(target=look, name="leash", daemon=True).start()


def lead(command: Sequence[str]) -> int:
    """Run a program that cannot watch for itself, and stop it when our own parent dies or asks us to end."""
    parent = os.getppid()
    child = subprocess.Popen(command)
    signal.signal(signal.SIGTERM, lambda *_: child.terminate())
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    while True:
        try:
            return child.wait(POLL_SECONDS)
        except subprocess.TimeoutExpired:
            if os.getppid() != parent:
                child.terminate()


if __name__ == "__main__":
    sys.exit(lead(sys.argv[1:]))
