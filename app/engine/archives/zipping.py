"""A ZIP file as a stream: written as it is read, so that it goes into any store at constant memory.

Nothing in it is compressed: a file can be taken out by any tool, and its bytes stand there as they are.
"""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, cast

from app.engine.archives.checking import CHUNK

_MOMENT = (1980, 1, 1, 0, 0, 0)
"""Of every file: the same contents make the same package, whenever it is written."""

_MODE = 0o644 << 16


@dataclass(frozen=True)
class Member:
    """A file to be put in. `payload`: its bytes are vouched for by the manifest."""

    name: str
    place: Path
    payload: bool


class _Sink:
    """What zipfile writes to: keeps the bytes until they are fetched, and hashes those that the seal covers."""

    def __init__(self) -> None:
        self.parts: list[bytes] = []
        self.payload = False
        self.seal = hashlib.sha256()

    def write(self, data: Any) -> int:
        data = bytes(data)
        if not self.payload:
            self.seal.update(data)
        self.parts.append(data)
        return len(data)

    def flush(self) -> None:
        """Called by the library."""


class ZipStream:
    """The ZIP file of the members, which are read as they are asked for; `seal` and `size` at the end."""

    def __init__(self, members: Iterable[Member]) -> None:
        self.size = 0
        self._sink = _Sink()
        self._steps = self._written(members)
        self._rest = b""

    @property
    def seal(self) -> str:
        """See `checking.seal_of`."""
        return self._sink.seal.hexdigest()

    def read(self, count: int) -> bytes:
        """The next bytes; fewer than that only at the end."""
        parts, have = [self._rest], len(self._rest)
        while have < count and next(self._steps, None) is not None:
            parts += self._sink.parts
            have += sum(map(len, self._sink.parts))
            self._sink.parts.clear()
        data = parts[-1] if len(parts) == 2 and not parts[0] else b"".join(parts)
        data, self._rest = (data, b"") if len(data) <= count else (data[:count], data[count:])
        self.size += len(data)
        return data

    def _written(self, members: Iterable[Member]) -> Iterator[bool]:
        sink = cast(BinaryIO, self._sink)
        with zipfile.ZipFile(sink, "w", zipfile.ZIP_STORED) as archive:
            for member in members:
                yield from self._put(archive, member)
        yield True

    def _put(self, archive: zipfile.ZipFile, member: Member) -> Iterator[bool]:
        info = zipfile.ZipInfo(member.name, _MOMENT)
        info.external_attr = _MODE
        with member.place.open("rb") as source:
            with archive.open(info, "w", force_zip64=True) as target:
                while chunk := source.read(CHUNK):
                    self._sink.payload = member.payload
                    target.write(chunk)
                    self._sink.payload = False
                    yield True
            yield True
