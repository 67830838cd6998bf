"""Bounds this process and becomes an office program, which whoever started it then waits for.

Run by its path. Arguments: the process that it must not outlive, bytes of memory, seconds of work,
bytes of a file it may write; then the program with its own arguments.
"""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import sys

PR_SET_PDEATHSIG = 1


def main(numbers: list[int], command: list[str]) -> None:
    """Never returns."""
    parent, memory, seconds, output = numbers
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0)
        if os.getppid() != parent:
            sys.exit(1)
    for kind, most in (
        (resource.RLIMIT_AS, memory),
        (resource.RLIMIT_CPU, seconds),
        (resource.RLIMIT_FSIZE, output),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(kind, (most, most))
    os.execv(command[0], command)  # noqa: S606  found on the PATH, and given no shell


if __name__ == "__main__":
    main([int(number) for number in sys.argv[1:5]], sys.argv[5:])
