"""Cells of an XLSX sheet that show an error, or a formula that no program has worked out yet.

The reading library gives both as empty. Nobody should find that out from what is missing afterwards.
"""

from __future__ import annotations

import html
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

_SHEET = re.compile(rb"<(?:\w+:)?sheet\b([^>]*)>")
_RELATION = re.compile(rb"<(?:\w+:)?Relationship\b([^>]*)>")
_ATTRIBUTE = re.compile(rb'([\w:]+)\s*=\s*"([^"]*)"')
_ERROR = re.compile(rb'<c r="([A-Z]{1,3}[0-9]{1,7})"[^>]*\st="e"')
_NO_VALUE = re.compile(
    rb'<c r="([A-Z]{1,3}[0-9]{1,7})"[^>]*><f[^>]*>[^<]*</f>(?:<v\s*/>|<v></v>|</c>)'
)
_CHUNK = 1024 * 1024
_OVERLAP = 16 * 1024
_MOST_READ = 256 * _CHUNK
_MOST_NAMES = 4 * _CHUNK


def faulty_cells(path: Path, sheet: str, most: int = 10) -> list[str]:
    """The places, such as D3, of the first such cells of the sheet."""
    found: dict[str, None] = {}
    try:
        with zipfile.ZipFile(path) as archive:
            part = _part(archive, sheet)
            for text in _chunks(archive, part) if part else ():
                for place in _places(text):
                    found[place] = None
                if len(found) >= most:
                    break
    except (zipfile.BadZipFile, KeyError, OSError, RuntimeError, ValueError):
        return []  # whatever is wrong with the file, reading it says so
    return list(found)[:most]


def _places(text: bytes) -> Iterator[str]:
    """Looked for only where there is a trace of them: most sheets hold none."""
    if b't="e"' in text:
        yield from (match.group(1).decode() for match in _ERROR.finditer(text))
    if b"<f" in text:
        yield from (match.group(1).decode() for match in _NO_VALUE.finditer(text))


def _chunks(archive: zipfile.ZipFile, part: str) -> Iterator[bytes]:
    """The sheet's text, each piece with the end of the one before it."""
    tail, read = b"", 0
    with archive.open(part) as stream:
        while read < _MOST_READ and (chunk := stream.read(_CHUNK)):
            read += len(chunk)
            yield tail + chunk
            tail = chunk[-_OVERLAP:]


def _part(archive: zipfile.ZipFile, sheet: str) -> str | None:
    """The file in the workbook that holds the sheet."""
    relations = {
        one.get("Id"): one.get("Target", "")
        for one in _elements(archive, "xl/_rels/workbook.xml.rels", _RELATION)
    }
    for one in _elements(archive, "xl/workbook.xml", _SHEET):
        if one.get("name") == sheet:
            target = relations.get(one.get("r:id", ""), "")
            return (
                target.lstrip("/") if target.startswith("/") else str(PurePosixPath("xl", target))
            )
    return None


def _elements(
    archive: zipfile.ZipFile, name: str, pattern: re.Pattern[bytes]
) -> list[dict[str, str]]:
    with archive.open(name) as stream:
        text = stream.read(_MOST_NAMES)
    return [
        {
            key.decode(): html.unescape(value.decode("utf-8", "replace"))
            for key, value in _ATTRIBUTE.findall(match.group(1))
        }
        for match in pattern.finditer(text)
    ]
