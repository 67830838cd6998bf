"""Work done ahead of whoever uses it: in a process of its own where that is safe, else in a thread.

Reading a file and taking texts apart keeps one processor busy; so does the database. A process
beside ours lets both go on at once, which threads of one interpreter do not.
"""

from __future__ import annotations

import contextlib
import fcntl
import gc
import os
import pickle
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from typing import Any, NoReturn, TypeVar

from app.engine.adapters import leash

BEAT = "beat"
"""The thread that says that a job is alive: it touches nothing that such work does, so that a fork
beside it is safe."""

_Item = TypeVar("_Item")
_END = object()
_PIPE_BYTES = 1_048_576
_MADE_BETWEEN = 10_000
"""Objects made, beyond those gone, between two looks; the default is 700."""


class BesideEnded(ChildProcessError):
    """The process that worked ahead was ended from outside, as for want of memory."""


@contextlib.contextmanager
def ahead(work: Callable[[], Iterator[_Item]]) -> Iterator[Iterator[_Item]]:
    """What `work` gives, each item made while the one before it is used.

    What `work` raises is raised where its items are used. It must use no connection of ours and
    keep nothing for us but its items, which must be fit for `pickle`. Raises BesideEnded.
    """
    with (_by_process if _fork_helps() else _by_thread)(work) as items:
        yield items


def _fork_helps() -> bool:
    """Where processors are several, and no other thread could hold what the child would wait for."""
    if not hasattr(os, "fork") or (os.cpu_count() or 1) < 2:
        return False
    own = threading.current_thread()
    return all(thread is own or thread.name == BEAT for thread in threading.enumerate())


@contextlib.contextmanager
def collecting_seldom() -> Iterator[None]:
    """Inside, Python looks for cycles less often: where many objects live for a moment, as rows do."""
    before = gc.get_threshold()
    gc.set_threshold(_MADE_BETWEEN, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)


@contextlib.contextmanager
def _by_thread(work: Callable[[], Iterator[_Item]]) -> Iterator[Iterator[_Item]]:
    with ThreadPoolExecutor(1, "ahead") as executor:
        items = work()
        # On the same person's behalf and in the same language as here.
        context = copy_context()

        def submit() -> Future[Any]:
            return executor.submit(lambda: context.run(next, items, _END))

        def later() -> Iterator[_Item]:
            following = submit()
            while (item := following.result()) is not _END:
                following = submit()
                yield item

        yield later()


@contextlib.contextmanager
def _by_process(work: Callable[[], Iterator[_Item]]) -> Iterator[Iterator[_Item]]:
    receiver, sender = Pipe(duplex=False)
    _widen(receiver)
    parent = os.getpid()
    # A look for cycles marks every object, and what is marked is no longer shared with the child:
    # what is here already, modules and dictionaries mostly, is left out of it meanwhile.
    frozen = gc.get_freeze_count()
    gc.freeze()
    pid = os.fork()
    if pid == 0:
        receiver.close()
        _live(work, sender, parent)
    sender.close()
    with receiver, ThreadPoolExecutor(1, "receiver") as executor:
        try:
            yield _received(receiver, executor)
        finally:  # the child first: its end is what the thread that waits for it is told
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
            if not frozen:
                gc.unfreeze()


def _widen(pipe: Connection) -> None:
    """Fewer steps to hand over a large item, where the system lets a pipe hold more than 64 kB."""
    with contextlib.suppress(AttributeError, OSError):
        fcntl.fcntl(pipe.fileno(), fcntl.F_SETPIPE_SZ, _PIPE_BYTES)


def _received(receiver: Connection, executor: ThreadPoolExecutor) -> Iterator[Any]:
    """The items, each fetched and unpacked by a thread while the one before it is used.

    A pipe holds less than an item: the child would stand still at every one until we ask.
    """
    following = executor.submit(receiver.recv)
    while True:
        try:
            kind, item = following.result()
        except EOFError as error:
            raise BesideEnded("the process that reads ahead has ended") from error
        if kind == "error":
            raise item
        if kind == "end":
            return
        following = executor.submit(receiver.recv)
        yield item


def _live(work: Callable[[], Iterator[Any]], sender: Connection, parent: int) -> NoReturn:
    """The child's life; never returns to the code of its parent, nor closes what is the parent's."""
    try:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGALRM, signal.SIGCHLD):
            signal.signal(number, signal.SIG_DFL)
        leash.bind(parent)
        gc.disable()  # it would touch, and so copy, what we share; rows hold no cycles
        for item in work():
            sender.send(("item", item))
        sender.send(("end", None))
    except BaseException as error:  # noqa: BLE001  for the parent, which is above
        with contextlib.suppress(BrokenPipeError):  # nobody wants it any more
            sender.send(("error", _portable(error)))
    finally:
        os._exit(0)


def _portable(error: BaseException) -> BaseException:
    """The error itself, where it can be sent."""
    try:
        pickle.loads(pickle.dumps(error))  # noqa: S301  our own
    except Exception:  # noqa: BLE001  whatever an error's own class may raise
        return RuntimeError(f"{type(error).__name__}: {error}")
    return error
