"""Runs the parts of one installation as child processes: starts, watches, starts again, stops.

The supervisor has one thread and does nothing else, so that it outlives its parts and can fork. A part that is Python
is forked rather than started anew: modules are imported once, before the first fork, and their memory is shared.
Each part leads a session of its own: Ctrl-C in the terminal reaches only the supervisor, which stops them in order.
"""

from __future__ import annotations

import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import FrameType

from app.engine.adapters import forked, leash
from app.engine.adapters.forked import Forked

FIRST_PAUSE = 0.5  # seconds before a part that ended is started again; doubled each time …
LONGEST_PAUSE = 5.0  # … up to this …
SETTLED_AFTER = 10.0  # … and forgotten once it has run for so long
GRACE = 8.0  # seconds a part has to end when asked
GRACE_AFTER_SECOND_CALL = 2.0
SIGNALS_TO_STOP = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class PartFailed(Exception):
    """A part ended, or did not get ready, while the installation was being started."""


@dataclass
class Part:
    """One child: the function or the program that it runs."""

    name: str
    runs: Callable[[], int] | Sequence[str]
    leaned_on: bool = False  # the other parts need it to end well
    pass_files: tuple[int, ...] = ()
    process: Forked | subprocess.Popen[bytes] | None = None
    started: float = 0.0
    pause: float = FIRST_PAUSE
    due: float = 0.0

    @property
    def running(self) -> bool:
        """Whether the child lives; collects it when it has ended."""
        return self.process is not None and self.process.poll() is None

    def launch(self) -> None:
        """Start the child; it ends when this process does."""
        self.started = time.monotonic()
        if callable(self.runs):
            self.process = forked.start(self.name, self.runs)
        else:
            self.process = _execute(self.runs, self.pass_files)

    def kill_group(self) -> None:
        """End, by force, the child and what it left behind; its number is that of the group."""
        if self.process is None:
            return
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            return  # nothing is left of it (macOS answers with the latter for a group of the dead)

    @property
    def how_it_ended(self) -> str:
        """The exit code or signal, in words."""
        code = self.process.poll() if self.process else None
        if code is None:
            return "unknown"
        return f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"


class Supervisor:
    """Parts in the order in which they are started; they are ended together."""

    def __init__(self) -> None:
        self.parts: list[Part] = []
        self.stopping: int = 0
        self._wake, self._woken = socket.socketpair()
        self._wake.setblocking(False)
        self._woken.setblocking(False)
        signal.set_wakeup_fd(self._wake.fileno(), warn_on_full_buffer=False)
        for number in SIGNALS_TO_STOP:
            signal.signal(number, self._ask_to_stop)
        signal.signal(signal.SIGCHLD, lambda *_: None)  # wakes `_rest`

    def start(self, part: Part) -> None:
        """Start a part and watch it from now on."""
        self.parts.append(part)
        part.launch()

    def complete(self, part: Part) -> None:
        """Run a part to its end; raises `PartFailed` when it failed. Ends it early when asked to stop."""
        part.launch()
        while part.running and not self.stopping:
            self._rest(1.0)
        if self.stopping:
            end([part])
        elif part.process and part.process.poll():
            raise PartFailed(f"The {part.name} failed ({part.how_it_ended}); see above.")

    def wait_until(self, ready: Callable[[], bool], part: Part, seconds: float) -> None:
        """Wait for a part's first sign of life.

        Raises `PartFailed` when it ends first or takes longer; returns early when asked to stop.
        """
        deadline = time.monotonic() + seconds
        while not self.stopping and not ready():
            if not part.running:
                raise PartFailed(f"The {part.name} ended at once ({part.how_it_ended}); see above.")
            if time.monotonic() > deadline:
                raise PartFailed(f"The {part.name} did not get ready in {seconds:.0f} seconds.")
            self._rest(0.05)

    def run(self) -> None:
        """Keep every part running until asked to stop."""
        while not self.stopping:
            self._rest(self._restart_ended() - time.monotonic())

    def stop(self) -> None:
        """End every part and everything that it started; what the others lean on comes last."""
        end([part for part in self.parts if not part.leaned_on])
        end([part for part in self.parts if part.leaned_on])
        self.parts.clear()

    def _ask_to_stop(self, number: int, _frame: FrameType | None) -> None:
        self.stopping = number

    def _rest(self, seconds: float) -> None:
        """Sleep until a signal comes (a child's end is one) or the time is over."""
        pause = min(max(seconds, 0.05), LONGEST_PAUSE)
        if select.select([self._woken], [], [], pause)[0]:
            self._woken.recv(4096)

    def _restart_ended(self) -> float:
        """Start again what ended and has paused for long enough; returns when to look next."""
        next_look = time.monotonic() + LONGEST_PAUSE
        for part in self.parts:
            if part.running:
                continue
            if part.process is not None:
                self._note_end(part)
            if time.monotonic() >= part.due:
                part.launch()
            else:
                next_look = min(next_look, part.due)
        return next_look

    def _note_end(self, part: Part) -> None:
        now = time.monotonic()
        if now - part.started > SETTLED_AFTER:
            part.pause = FIRST_PAUSE
        part.due = now + part.pause
        say(f"The {part.name} ended ({part.how_it_ended}); starting it again in {part.pause:g} s.")
        part.pause = min(part.pause * 2, LONGEST_PAUSE)
        part.kill_group()
        part.process = None


def end(parts: Sequence[Part]) -> None:
    """Ask, ask again (an RQ worker then drops its job), and end by force what is left of each group."""
    for seconds in (GRACE, GRACE_AFTER_SECOND_CALL):
        for part in parts:
            if part.running and part.process:
                part.process.terminate()
        deadline = time.monotonic() + seconds
        while any(part.running for part in parts) and time.monotonic() < deadline:
            time.sleep(0.02)
    for part in parts:
        part.kill_group()
        if part.process:
            part.process.wait()


def say(message: str) -> None:
    """One line for the operator, apart from what the parts print."""
    print(f"steward: {message}", file=sys.stderr, flush=True)


def _execute(program: Sequence[str], pass_files: tuple[int, ...]) -> subprocess.Popen[bytes]:
    """Start a program that knows nothing of us. It is asked to end, not killed, when we die: it may have to save."""
    parent = os.getpid()

    def bind() -> None:
        leash.bind(parent, signal.SIGTERM)

    if sys.platform != "linux":
        program = [sys.executable, leash.__file__, *program]
    return subprocess.Popen(
        program,
        stdin=subprocess.DEVNULL,
        start_new_session=True,
        pass_fds=pass_files,
        preexec_fn=bind if sys.platform == "linux" else None,  # noqa: PLW1509  we have one thread
    )
