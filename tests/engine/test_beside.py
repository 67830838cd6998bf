"""Work done ahead, in a process of its own and in a thread: the same items, the same errors."""

from __future__ import annotations

import gc
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager

import pytest

from app.engine.adapters import beside
from app.engine.errors import InvalidInput

Way = Callable[[Callable[[], Iterator[object]]], AbstractContextManager[Iterator[object]]]
BOTH = pytest.mark.parametrize("way", [beside._by_process, beside._by_thread])


@BOTH
def test_the_items_come_in_their_order_however_large(way: Way) -> None:
    wanted = [(number, "润" * 200_000) for number in range(5)]
    with way(lambda: iter(wanted)) as items:
        assert list(items) == wanted


@BOTH
def test_an_error_is_raised_where_the_items_are_used(way: Way) -> None:
    def work() -> Iterator[object]:
        yield 1
        raise InvalidInput.of("name", "This must be text.")

    with way(work) as items:
        assert next(items) == 1
        with pytest.raises(InvalidInput) as caught:
            next(items)
    assert [(p.field, str(p.message)) for p in caught.value.problems] == [
        ("name", "This must be text.")
    ]


def test_who_has_enough_leaves_no_process_behind() -> None:
    def endless() -> Iterator[object]:
        while True:
            yield os.getpid()

    left_out = gc.get_freeze_count()
    with beside._by_process(endless) as items:
        child = next(items)
    assert isinstance(child, int)
    with pytest.raises(ProcessLookupError):
        os.kill(child, 0)
    assert (
        gc.get_freeze_count() == left_out
    )  # what was left out of looks for cycles is in them again


def test_a_process_that_is_killed_is_an_error_and_not_an_end() -> None:
    def work() -> Iterator[object]:
        yield os.getpid()
        time.sleep(60)

    with beside._by_process(work) as items:
        child = next(items)
        assert isinstance(child, int)
        os.kill(child, signal.SIGKILL)
        with pytest.raises(beside.BesideEnded):
            next(items)


def test_nothing_is_forked_beside_threads_that_may_hold_a_lock() -> None:
    over = threading.Event()
    other = threading.Thread(target=over.wait)
    other.start()
    try:
        with beside.ahead(lambda: iter([os.getpid()])) as items:
            assert list(items) == [os.getpid()]
    finally:
        over.set()
        other.join()
