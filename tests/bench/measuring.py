"""Measuring two servers in turn, so that whatever else the machine does falls on both."""

from __future__ import annotations

import contextlib
import html
import re
import statistics
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from tests.bench.client import Answer, Client, Failed

WARM = 4
"""Requests before the measured ones: enough to reach both processes of a server."""


@dataclass(frozen=True)
class Pair:
    """Medians of two servers' times for the same work, in milliseconds."""

    ours: float
    theirs: float
    rounds: int

    @property
    def ratio(self) -> float:
        return self.ours / self.theirs


def timed(client: Client, path: str) -> float:
    """Milliseconds until the whole answer is there. Raises Failed."""
    began = time.perf_counter()
    answer = client.get(path)
    took = (time.perf_counter() - began) * 1000
    check(answer, path)
    return took


def check(answer: Answer, path: str) -> None:
    """Raises Failed for anything but the page asked for."""
    if answer.status != 200:
        raise Failed(f"{path}: {answer.status} {answer.text[:300]}")


def in_turn(
    ours: Callable[[], float], theirs: Callable[[], float], rounds: int, seconds: float
) -> Pair:
    """A B A B …: `rounds` of them, fewer when the time is up, but at least three."""
    for _turn in range(WARM):
        ours(), theirs()
    until = time.monotonic() + seconds
    times: tuple[list[float], list[float]] = ([], [])
    while len(times[0]) < rounds and (len(times[0]) < 3 or time.monotonic() < until):
        times[0].append(ours())
        times[1].append(theirs())
    return Pair(statistics.median(times[0]), statistics.median(times[1]), len(times[0]))


def following(client: Client, path: str) -> str:
    """The address that a list's page gives for its next one. Raises Failed."""
    answer = client.get(path)
    check(answer, path)
    found = re.search(r'href="([^"]*[?&;]after=[^"]*)"[^>]*rel="next"', answer.text) or re.search(
        r'rel="next"[^>]*href="([^"]*after=[^"]*)"', answer.text
    )
    if found is None:
        raise Failed(f"{path}: no next page by cursor")
    return html.unescape(found[1])


def per_second(
    make_client: Callable[[], Client],
    ask: Callable[[Client, int], None],
    clients: int,
    seconds: float,
) -> float:
    """How many times a second `ask` is done by so many clients at once. Raises Failed."""
    ready = threading.Barrier(clients + 1)
    counts = [0] * clients
    failures: list[BaseException] = []
    ends = [0.0]

    def work(place: int) -> None:
        client = make_client()
        try:
            ready.wait()
            while time.perf_counter() < ends[0] and not failures:
                ask(client, place)
                counts[place] += 1
        except (Failed, OSError, EOFError) as error:
            failures.append(error)
        finally:
            client.close()

    threads = [threading.Thread(target=work, args=(place,)) for place in range(clients)]
    for thread in threads:
        thread.start()
    ends[0] = time.perf_counter() + seconds
    began = time.perf_counter()
    ready.wait()
    for thread in threads:
        thread.join()
    took = time.perf_counter() - began
    if failures:
        raise Failed(str(failures[0]))
    return sum(counts) / took


def medians(values: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """The median of each side."""
    return statistics.median(a for a, _ in values), statistics.median(b for _, b in values)


def own_memory(process_id: int) -> int:
    """Bytes that a process and those it has started hold for themselves.

    What they share counts once; a file that the database maps into memory is the system's.
    """
    process = psutil.Process(process_id)
    held = 0
    for one in (process, *process.children(recursive=True)):
        with contextlib.suppress(OSError):  # it has just ended
            rollup = Path(f"/proc/{one.pid}/smaps_rollup").read_text()
            held += 1024 * int(re.findall(r"^Pss_Anon:\s+(\d+)", rollup, re.MULTILINE)[0])
    return held
