"""Runs a reader over one file in a process of its own, within limits, and gathers what it says."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import orjson

_CHILD = Path(__file__).with_name("child.py")


@dataclass(frozen=True)
class Limits:
    """Within which a file is read or drawn: bytes, seconds, characters, pages."""

    file_bytes: int = 500 * 1024 * 1024
    memory: int = 2 * 1024 * 1024 * 1024
    seconds: int = 60
    """Of work; by the clock it may be twice as many."""
    characters: int = 1_000_000
    """Of the text so many are kept."""
    pages: int = 3000
    output: int = 64 * 1024 * 1024
    """Bytes of what a reader may say, or of one picture."""


LIMITS = Limits()


@dataclass
class Said:
    """What a reader said of a file. `cut`: it had more to say than is kept, or was stopped in time."""

    pages: list[str] = field(default_factory=list)
    parts: list[dict[str, Any]] = field(default_factory=list)
    drawn: list[int] = field(default_factory=list)
    count: int | None = None
    cut: bool = False
    problem: str | None = None


def run(task: str, reader: str, path: Path, limits: Limits, **options: Any) -> Said:
    """Have the file read or drawn. What was said before it went wrong stays, with the reason."""
    size = path.stat().st_size
    if size == 0:
        return Said(problem="empty")
    if size > limits.file_bytes:
        return Said(problem="too_large")
    order = {
        "task": task, "reader": reader, "path": str(path), "options": options, "parent": os.getpid(),
        "memory": limits.memory, "seconds": limits.seconds, "output": limits.output,
        "characters": limits.characters, "pages": limits.pages,
    }  # fmt: skip
    with tempfile.TemporaryFile() as output:
        ended = _run(order, output, limits)
        output.seek(0)
        said = _gathered(output)
    if said.problem is None and ended is not None:
        said.problem = ended
    if said.problem is not None and (said.pages or said.parts or said.drawn):
        said.cut, said.problem = True, None
    return said


def _run(order: Mapping[str, Any], output: IO[bytes], limits: Limits) -> str | None:
    """Why the process ended before it was done; None if it was."""
    process = subprocess.Popen(
        [sys.executable, str(_CHILD), json.dumps(order)],
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.DEVNULL,
        # Nothing of ours: the process that reads a stranger's file knows no address and no key.
        env={"PYTHONIOENCODING": "utf-8", "RUST_BACKTRACE": "0", "PATH": os.defpath},
    )
    try:
        code = process.wait(limits.seconds * 2)
    except subprocess.TimeoutExpired:
        return "too_long"
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
    if code in (-signal.SIGXCPU, -signal.SIGKILL):  # the kernel's word for work without end
        return "too_long"
    return None if code == 0 else "damaged"


def _gathered(output: IO[bytes]) -> Said:
    said = Said()
    for line in _lines(output):
        if "page" in line:
            said.pages.append(line["page"])
        elif "part" in line:
            said.parts.append(line["part"])
        elif "drawn" in line:
            said.drawn.append(line["drawn"])
        elif "count" in line:
            said.count = line["count"]
        elif "problem" in line:
            said.problem = line["problem"]
        elif line.get("end") == "full":
            said.cut = True
    return said


def _lines(output: IO[bytes]) -> Iterator[dict[str, Any]]:
    """Whole lines; the last may be cut short by a limit."""
    for line in output:
        if line.endswith(b"\n"):
            yield orjson.loads(line)
