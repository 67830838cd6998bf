"""A large file is kept, put together and given out in pieces: memory stays as it was."""

from __future__ import annotations

import hashlib
import io
import os
import time
from pathlib import Path
from typing import Any

import psutil
import pytest

from app.engine import files, registry
from app.engine.changes import change_set
from app.engine.files import uploads

pytestmark = [pytest.mark.once, pytest.mark.proof]

FULL = os.environ.get("STEWARD_PROOF") == "full"
SIZE = 2 * 2**30 if FULL else 48 * 2**20
PART = 8 * 2**20
GROWN = 60 * 2**20
"""So many bytes more than before, whatever the size of the file."""

_PIECE = bytes(range(256)) * 4096


class Stream(io.RawIOBase):
    """So many bytes that nobody holds at once."""

    def __init__(self, size: int) -> None:
        self.left = size

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        count = min(len(buffer), self.left, len(_PIECE))
        buffer[:count] = _PIECE[:count]
        self.left -= count
        return count


def digest_of(size: int) -> str:
    digest = hashlib.sha256()
    stream = Stream(size)
    while piece := stream.read(len(_PIECE)):
        digest.update(piece)
    return digest.hexdigest()


class Memory:
    """The most that this process has held since it was made, over what it held then."""

    def __init__(self) -> None:
        self.process = psutil.Process()
        self.before = self.most = self.process.memory_info().rss

    def look(self, *_anything: Any) -> None:
        self.most = max(self.most, self.process.memory_info().rss)

    @property
    def grown(self) -> int:
        self.look()
        return self.most - self.before


def test_memory_stays_flat(as_admin: Any, client: Any, settings: Any) -> None:
    memory, begun = Memory(), time.monotonic()
    upload = uploads.begin("录像.bin", SIZE)
    for at in range(0, SIZE, PART):
        uploads.take(upload, at, io.BytesIO(_PIECE * (PART // len(_PIECE))))
        upload = uploads.find(upload.token)
        memory.look()
    sent = time.monotonic()
    stored = uploads.finish(upload)
    memory.look()
    joined = time.monotonic()
    assert (stored.size, stored.sha256) == (SIZE, digest_of(SIZE))
    with change_set("form") as changes:
        definition = registry.current().entity("Leaf")
        record = changes.create(definition, {"content": stored.id})
    digest, size = hashlib.sha256(), 0
    started = time.monotonic()
    answer = client.get(f"/leaf/{record.id}/file/content")
    for piece in answer.iter_encoded():
        digest.update(piece)
        size += len(piece)
        memory.look()
    taken = time.monotonic()
    assert (size, digest.hexdigest()) == (SIZE, stored.sha256)
    print(
        f"\n{SIZE / 1e6:.0f} MB: sent in {sent - begun:.1f} s, put together in {joined - sent:.1f} s, "
        f"given out in {taken - started:.1f} s, {memory.grown / 1e6:.1f} MB more memory"
    )
    assert memory.grown < GROWN
    answer.close()
    Path(settings.data_dir, "files", files.models.path_of(stored.sha256)).unlink()
