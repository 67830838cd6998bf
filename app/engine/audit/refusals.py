"""What was refused and is noted, but so that nobody can fill the log by trying again and again.

Of one asker one entry of a kind a minute, of all askers together so many a minute in each process:
what came beyond is counted, and the next entry says how many there were.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from flask import current_app, g, has_request_context, request

from app.engine.audit.recording import record

WINDOW = 60.0
"""Seconds."""

MOST = 30
"""Entries of one kind in a window, in one process, whoever asks."""

_KEPT = "steward.refusals"


@dataclass
class Throttle:
    """Which entries are due. It forgets by itself: never more keys than entries of one window."""

    clock: Callable[[], float] = time.monotonic
    _began: float = float("-inf")
    _seen: dict[str, set[str]] = field(default_factory=dict)
    _left_out: dict[str, int] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def due(self, kind: str, asker: str) -> int | None:
        """How many were left out since the last entry of the kind; None where this is, too."""
        with self._lock:
            if self.clock() - self._began >= WINDOW:
                self._began, self._seen = self.clock(), {}
            seen = self._seen.setdefault(kind, set())
            if asker in seen or len(seen) >= MOST:
                self._left_out[kind] = self._left_out.get(kind, 0) + 1
                return None
            seen.add(asker)
            return self._left_out.pop(kind, 0)


def refused(kind: str, details: Mapping[str, Any] | None = None) -> None:
    """Note what was refused, at the end of the request whatever becomes of it. Raises KeyError."""
    throttle: Throttle = current_app.extensions.setdefault(_KEPT, Throttle())
    left_out = throttle.due(kind, _asker())
    if left_out is None:
        return
    said = dict(details or {})
    if has_request_context():
        # Not the address: one with a link for a password tells the link.
        said |= {"method": request.method, "page": request.endpoint or ""}
    if left_out:
        said["left_out"] = left_out
    record(kind, details=said, apart=True)


def _asker() -> str:
    if not has_request_context():
        return ""
    from flask_login import current_user

    known = not g.get("without_user") and current_user.is_authenticated
    return str(current_user.id) if known else request.remote_addr or ""


__all__ = ["MOST", "WINDOW", "Throttle", "refused"]
