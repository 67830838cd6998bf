"""Which process runs a job, so that whoever looks on the same machine sees at once that it has died."""

from __future__ import annotations

import functools
import os
from pathlib import Path

_PROC = Path("/proc")
_BOOT = _PROC / "sys/kernel/random/boot_id"
_STATE, _STARTED = 0, 19  # places in /proc/…/stat after the name, which is in brackets
_DEAD = ("Z", "X")


def mark() -> str | None:
    """This process, told from every other one there was; None where the system does not say."""
    place, facts = _place(), _facts(os.getpid())
    return None if place is None or facts is None else f"{place}/{os.getpid()}/{facts[_STARTED]}"


def is_dead(noted: str | None) -> bool:
    """Whether that process ran here and is gone. Of another machine's, and in doubt: no."""
    place = _place()
    if noted is None or place is None or not noted.startswith(f"{place}/"):
        return False
    number, started = noted.removeprefix(f"{place}/").split("/")
    facts = _facts(int(number))
    return facts is None or facts[_STARTED] != started or facts[_STATE] in _DEAD


@functools.cache
def _place() -> str | None:
    """This boot of this machine, and the name space in which process numbers count."""
    try:
        return f"{_BOOT.read_text().strip()}/{(_PROC / 'self/ns/pid').readlink()}"
    except OSError:
        return None  # not Linux: the lease alone tells


def _facts(number: int) -> list[str] | None:
    try:
        text = (_PROC / str(number) / "stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return text.rpartition(")")[2].split()
