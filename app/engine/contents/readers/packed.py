"""Parts of a zipped document, each read as a stream that ends before it fills the memory."""

from __future__ import annotations

import contextlib
import zipfile
import zlib
from collections.abc import Iterator
from typing import IO, Any, cast
from xml.etree.ElementTree import Element, ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import iterparse

from app.engine.contents.readers.output import Unreadable

PART = 200 * 1024 * 1024
"""Bytes of one part once unpacked."""

ENTRIES = 20_000
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_DAMAGED = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, OSError, ValueError)


class _Bounded:
    """A stream that refuses to give more than it may."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self._left = PART

    def read(self, size: int = -1) -> bytes:
        chunk = self._stream.read(min(size, 1024 * 1024) if size > 0 else 1024 * 1024)
        self._left -= len(chunk)
        if self._left < 0:
            raise Unreadable("too_large")
        return chunk


class Package:
    """A zipped document. Raises Unreadable for what is none, is locked or unpacks to too much."""

    def __init__(self, path: str) -> None:
        with open(path, "rb") as file:  # noqa: PTH123  a child process loads as little as it can
            if file.read(len(_OLE)) == _OLE:  # so Office keeps a document behind a password
                raise Unreadable("encrypted")
        with _damage_told():
            self._archive = zipfile.ZipFile(path)
        entries = self._archive.infolist()
        if any(entry.flag_bits & 1 for entry in entries):
            raise Unreadable("encrypted")
        if len(entries) > ENTRIES:
            raise Unreadable("too_large")
        self.names = {entry.filename for entry in entries}

    def events(self, name: str) -> Iterator[tuple[str, Element]]:
        """Starts and ends of a part's elements; each is emptied by whoever has used it up."""
        with _damage_told(), self._archive.open(name) as stream:
            found: Any = iterparse(_Bounded(stream), events=("start", "end"), forbid_dtd=True)
            yield from cast(Iterator[tuple[str, Element]], found)

    def small(self, name: str) -> bytes:
        """A small part as a whole, such as a list of relations; nothing where there is none."""
        if name not in self.names:
            return b""
        with _damage_told(), self._archive.open(name) as stream:
            return stream.read(1024 * 1024)


@contextlib.contextmanager
def _damage_told() -> Iterator[None]:
    """Faults of an archive or of the XML in it as a reason."""
    try:
        yield
    except RuntimeError as error:  # how zipfile asks for a password
        raise Unreadable("encrypted") from error
    except (ParseError, DefusedXmlException, *_DAMAGED) as error:
        raise Unreadable("damaged") from error


def local(element: Element) -> str:
    """An element's name without its namespace."""
    return str(element.tag).rpartition("}")[2]


def attribute(element: Element, name: str) -> str | None:
    """An attribute by its name without the namespace."""
    for key, value in element.attrib.items():
        if key.rpartition("}")[2] == name:
            return value
    return None
