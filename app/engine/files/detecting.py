"""What kind of file a content is: found in the content, whatever the file is called."""

from __future__ import annotations

import csv
import io
import re
import struct
import zipfile
from collections.abc import Collection
from typing import BinaryIO

import puremagic
from charset_normalizer import from_bytes

from app.engine.files.kinds import ODF, OOXML, SEALED_OFFICE, UNKNOWN

_HEAD = 64 * 1024


def kind_of(file: BinaryIO) -> str:
    """The media type of a file that can be read from any place."""
    file.seek(0)
    head = file.read(_HEAD)
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")):
        return _in_archive(file, head)
    if head.startswith(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"):
        return _in_compound(file, head)
    if b"%PDF-" in head[:1024]:
        return "application/pdf"
    for start, kind in _STARTS:
        if head.startswith(start):
            return kind
    if head[:4] == b"RIFF":
        return _RIFF.get(head[8:12], UNKNOWN)
    if head[4:8] == b"ftyp":
        return _FTYP.get(head[8:12], "video/mp4")
    text = _as_text(head)
    if text is not None:
        return _in_text(text)
    return _by_others(head)


_STARTS = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"II*\x00", "image/tiff"),
    (b"MM\x00*", "image/tiff"),
    (b"BM", "image/bmp"),
    (b"{\\rtf", "application/rtf"),
    (b"MZ", "application/x-executable"),
    (b"\x7fELF", "application/x-executable"),
    (b"\xfe\xed\xfa\xce", "application/x-executable"),
    (b"\xfe\xed\xfa\xcf", "application/x-executable"),
    (b"\xcf\xfa\xed\xfe", "application/x-executable"),
    (b"\xca\xfe\xba\xbe", "application/x-executable"),
    (b"\x1f\x8b", "application/gzip"),
    (b"7z\xbc\xaf\x27\x1c", "application/x-7z-compressed"),
    (b"Rar!\x1a\x07", "application/x-rar-compressed"),
    (b"BZh", "application/x-bzip2"),
    (b"\xfd7zXZ\x00", "application/x-xz"),
    (b"ID3", "audio/mpeg"),
    (b"fLaC", "audio/flac"),
    (b"OggS", "audio/ogg"),
)
_RIFF = {b"WEBP": "image/webp", b"WAVE": "audio/wav", b"AVI ": "video/x-msvideo"}
_FTYP = {
    b"qt  ": "video/quicktime", b"M4A ": "audio/mp4", b"heic": "image/heic", b"heix": "image/heic",
    b"mif1": "image/heic", b"avif": "image/avif",
}  # fmt: skip


def _by_others(head: bytes) -> str:
    if head[257:262] == b"ustar":
        return "application/x-tar"
    try:
        found = puremagic.magic_string(head[:8192])
    except (puremagic.PureError, ValueError):
        return UNKNOWN
    sure = [one.mime_type for one in found if one.mime_type and one.confidence >= 0.7]
    return sure[0] if sure and len(sure[0]) <= 100 else UNKNOWN


# -- archives, and the documents that are archives ---------------------------------------------

_MOST_CATALOGUE = 32 * 1024 * 1024
"""So large a list of members is not read: no document has one."""


def _in_archive(file: BinaryIO, head: bytes) -> str:
    """Which kind of ZIP: each Office has its own members in it."""
    if head[30:38] == b"mimetype" and head[8:10] == b"\0\0":
        told = head[38 : 38 + struct.unpack("<I", head[18:22])[0]][:100]
        kind = told.decode("ascii", "replace").strip()
        if kind.startswith(ODF) or kind == "application/epub+zip":
            return kind.removesuffix("-template")
    names = _members(file)
    for inside, kind in _MEMBERS:
        if any(name == inside or name.startswith(f"{inside}/") for name in names):
            return kind
    return "application/zip"


_MEMBERS = (
    ("word", f"{OOXML}wordprocessingml.document"),
    ("xl", f"{OOXML}spreadsheetml.sheet"),
    ("ppt", f"{OOXML}presentationml.presentation"),
    ("OFD.xml", "application/ofd"),
)


def _members(file: BinaryIO) -> Collection[str]:
    """The names of what an archive holds; of one that is broken or made to hurt, none."""
    size = file.seek(0, io.SEEK_END)
    file.seek(max(0, size - 66_000))
    end = file.read()
    at = end.rfind(b"PK\x05\x06")
    if at < 0 or len(end) < at + 22:
        return ()
    count, length = struct.unpack("<HI", end[at + 10 : at + 16])
    if length > _MOST_CATALOGUE:
        return ()
    file.seek(0)
    try:
        with zipfile.ZipFile(file) as archive:
            names = set(archive.namelist())
    except (zipfile.BadZipFile, NotImplementedError, ValueError, OSError, struct.error):
        return ()
    office = "[Content_Types].xml" in names
    return {name for name in names if office or name == "OFD.xml"} if count else ()


def _in_compound(file: BinaryIO, head: bytes) -> str:
    """Which kind of OLE2 file, by the streams that its folder names."""
    names = _streams(file, head)
    for stream, kind in _STREAMS:
        if stream in names:
            return kind
    return "application/x-ole-storage"


_STREAMS = (
    ("EncryptedPackage", SEALED_OFFICE),
    ("WordDocument", "application/msword"),
    ("Workbook", "application/vnd.ms-excel"),
    ("Book", "application/vnd.ms-excel"),
    ("PowerPoint Document", "application/vnd.ms-powerpoint"),
    ("__properties_version1.0", "application/vnd.ms-outlook"),
)
_MOST_SECTORS = 256


def _streams(file: BinaryIO, head: bytes) -> set[str]:
    """Names in the folder of an OLE2 file, which is a chain of sectors through the table at its head."""
    if len(head) < 512:
        return set()
    size = 1 << min(struct.unpack("<H", head[30:32])[0], 16)
    (sector,) = struct.unpack("<I", head[48:52])
    table = struct.unpack("<109I", head[76:512])
    names: set[str] = set()
    for _turn in range(_MOST_SECTORS):
        file.seek((sector + 1) * size)
        block = file.read(size)
        for at in range(0, len(block) - 127, 128):
            length = min(struct.unpack("<H", block[at + 64 : at + 66])[0], 64)
            names.add(block[at : at + max(0, length - 2)].decode("utf-16-le", "replace"))
        place, within = divmod(sector, size // 4)
        if place >= len(table) or table[place] >= 0xFFFFFFFA:
            break
        file.seek((table[place] + 1) * size + within * 4)
        following = file.read(4)
        if len(following) < 4:
            break
        (sector,) = struct.unpack("<I", following)
        if sector >= 0xFFFFFFFA:
            break
    return names


# -- texts -------------------------------------------------------------------------------------

_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1a\x1c-\x1f]")
_HTML = re.compile(r"<(!doctype html|html|head|body|script|iframe|table|div)[\s>]", re.IGNORECASE)
_MAIL = re.compile(
    r"(from|to|subject|received|return-path|delivered-to|mime-version|date|message-id|dkim-signature"
    r"|content-type|x-[a-z-]+|reply-to|cc|sender|arc-[a-z-]+|list-[a-z-]+):",
    re.IGNORECASE,
)
_TELLING = ("from:", "received:", "return-path:", "delivered-to:", "message-id:")
_MARKS = (
    re.compile(r"^#{1,6} \S", re.MULTILINE),
    re.compile(r"^```", re.MULTILINE),
    re.compile(r"\[[^\]\n]+\]\([^)\s]+\)"),
    re.compile(r"^[-*+] \S", re.MULTILINE),
    re.compile(r"^\|? *:?-{3,}:? *\|", re.MULTILINE),
    re.compile(r"\*\*[^*\n]+\*\*"),
)
_ENOUGH_MARKS = 2
_LINES_LOOKED_AT = 30


def _as_text(head: bytes) -> str | None:
    """The text that a file begins with; None where it is none."""
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        text = head[: len(head) // 2 * 2].decode("utf-16", "replace")
        return None if _CONTROL.search(text) else text
    if b"\0" in head:
        return None
    try:
        text = head.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        cut = len(head) == _HEAD and error.start > len(head) - 4
        text = head[: error.start].decode("utf-8-sig") if cut else _in_another_coding(head)
    return None if not text or _CONTROL.search(text) else text


def _in_another_coding(head: bytes) -> str:
    """GB18030 first: it is what files come in; nothing where the bytes are no text at all."""
    for cut in range(4):
        try:
            return head[: len(head) - cut].decode("gb18030")
        except UnicodeDecodeError:
            continue
    found = from_bytes(head[:8192]).best()
    return "" if found is None else str(found)


def _in_text(text: str) -> str:
    start = text.lstrip()
    first = start[:1024].lower()
    if start.startswith("#!"):
        return "text/x-script"
    if first.startswith("<") and (marked := _marked_up(first)) is not None:
        return marked
    if start.startswith("BEGIN:VCARD"):
        return "text/vcard"
    if start.startswith("BEGIN:VCALENDAR"):
        return "text/calendar"
    if _is_mail(start):
        return "message/rfc822"
    if _is_table(text):
        return "text/csv"
    marks = sum(bool(mark.search(text)) for mark in _MARKS)
    return "text/markdown" if marks >= _ENOUGH_MARKS else "text/plain"


def _marked_up(first: str) -> str | None:
    """Which kind of text with tags, if it is one."""
    page, drawing = _HTML.search(first), first.find("<svg")
    if page and not 0 <= drawing < page.start():  # a drawing inside a page makes it no drawing
        return "text/html"
    if drawing >= 0:
        return "image/svg+xml"
    return "application/xml" if first.startswith("<?xml") else None


def _is_mail(text: str) -> bool:
    """Whether it begins with the headers of a mail."""
    headers: list[str] = []
    for line in text.splitlines()[:100]:
        if not line.strip():
            break
        if line[0] in " \t" and headers:
            continue
        if not _MAIL.match(line) and not re.match(r"[A-Za-z][A-Za-z0-9-]*:\s", line):
            return False
        headers.append(line.lower())
    known = [line for line in headers if _MAIL.match(line)]
    return len(known) >= 3 and any(line.startswith(_TELLING) for line in headers)


def _is_table(text: str) -> bool:
    """Whether the first lines have the same number of columns, two at least."""
    lines = [line for line in text.splitlines()[:_LINES_LOOKED_AT] if line.strip()]
    for delimiter in (",", "\t", ";", "|"):
        if len(lines) < 2 or delimiter not in lines[0]:
            continue
        try:
            widths = [len(row) for row in csv.reader(lines[:-1] or lines, delimiter=delimiter)]
        except csv.Error:
            continue
        if widths and min(widths) == max(widths) > 1 and not _is_prose(lines, delimiter):
            return True
    return False


def _is_prose(lines: list[str], delimiter: str) -> bool:
    """Whether these are sentences: their commas have a blank behind them and the lines are long."""
    if delimiter != ",":
        return delimiter == "|" and lines[0].lstrip().startswith("|")
    blanks = sum(line.count(", ") for line in lines)
    return blanks * 2 > sum(line.count(",") for line in lines)
