"""Archiving beside plain copying plus SHA-256 of the same files, in the same run; and what memory it takes.

`python -m tests.bench.archiving` runs it alone. Packing is what is measured, from the stored files to the
sealed package in the store: rows are numbered and archived some thousands a second beside it.
"""

from __future__ import annotations

import hashlib
import io
import os
import random
import resource
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from flask import Flask

from tests.bench.report import Line

NAMES = ("archiving, MB", "archiving, above idle")
LEAST, MOST_MEGABYTES = 0.8, 100
ROUNDS = 5
FILES, SIZE = 1_000, 500_000
"""Of a package: half a gigabyte of documents as they are scanned."""


def lines(only: str) -> list[Line]:
    """The two lines."""
    if not any(only in name for name in NAMES):
        return []
    print(f"  {NAMES[0]} …", file=sys.stderr)
    with tempfile.TemporaryDirectory(prefix="steward-bench-") as name:
        return _measured(Path(name))


def _measured(folder: Path) -> list[Line]:
    from app.engine.adapters import storage

    app = Flask("bench")
    app.config["STEWARD"] = type("Settings", (), {"files_url": f"file://{folder / 'store'}"})()
    storage.init(app)
    with app.app_context():
        names = [_stored(number) for number in range(FILES)]
        idle = _memory()
        pairs = [(_plain(folder, names), _archived(names)) for _round in range(ROUNDS)]
        above = _memory() - idle
    megabytes = FILES * SIZE / 1e6
    theirs = statistics.median(pair[0] for pair in pairs)
    ours = statistics.median(pair[1] for pair in pairs)
    return [
        Line(NAMES[0], megabytes / ours, megabytes / theirs, "MB/s", theirs / ours, LEAST, True),
        Line(NAMES[1], above, None, "MB", above, MOST_MEGABYTES),
    ]


def _stored(number: int) -> str:
    from app.engine.adapters.storage import store
    from app.engine.files.models import path_of

    content = random.Random(number).randbytes(SIZE)
    sha256 = hashlib.sha256(content).hexdigest()
    store().save(path_of(sha256), io.BytesIO(content))
    return sha256


def _plain(folder: Path, names: list[str]) -> float:
    """Seconds of copying each file and working out its hash, as a script would do it."""
    from app.engine.adapters.storage import store
    from app.engine.files.models import path_of

    target = folder / "plain"
    os.sync()
    began = time.perf_counter()
    target.mkdir()
    for number, sha256 in enumerate(names):
        with store().local(path_of(sha256)) as place:
            copy = target / f"{number}.pdf"
            shutil.copyfile(place, copy)
        with copy.open("rb") as file:
            assert hashlib.file_digest(file, "sha256").hexdigest() == sha256
    took = time.perf_counter() - began
    shutil.rmtree(target)
    return took


def _archived(names: list[str]) -> float:
    """Seconds of packing the same files."""
    from app.engine.adapters.storage import store
    from app.engine.archives import Order, Packed, Piece, pack
    from app.engine.files.models import path_of

    def records() -> Iterator[Packed]:
        for number, sha256 in enumerate(names, 1):
            about = {"name": "合同.pdf", "version": 1}
            piece = Piece("合同.pdf", path_of(sha256), sha256, SIZE, about)
            yield Packed(f"R001-HT-2026-Y-{number:04}", {"title": f"合同 {number}"}, [piece])

    os.sync()
    began = time.perf_counter()
    pack(Order("A2026-0001", {}, {}, records), "archives/bench.zip")
    took = time.perf_counter() - began
    store().remove("archives/bench.zip")
    return took


def _memory() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    for line in lines(""):
        print(line)
