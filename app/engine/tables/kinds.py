"""What a file is, told by its bytes and not by its name."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path
from typing import Any, Literal

from flask_babel import lazy_gettext as _

from app.engine.tables.problems import Limits, TableProblem

Kind = Literal["text", "xlsx", "xls", "ods"]

_MAX_ENTRIES = 10_000
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_ENCRYPTED_PACKAGE = "EncryptedPackage".encode("utf-16-le")
# The first record of a workbook in XLS, after it the one that says that all others are encrypted;
# between them may stand one that only keeps people from writing.
_FILE_PASS = re.compile(rb"\x09\x08[\x08\x10]\x00\x00[\x05\x06].{6}(?:.{8})?(?:\x86\x00\x00\x00)?"
                        rb"\x2f\x00.[\x00\x01]", re.DOTALL)  # fmt: skip
_OVERLAP = 64
_ODS = b"application/vnd.oasis.opendocument.spreadsheet"
_OTHERS: tuple[tuple[bytes, Any], ...] = (
    (b"%PDF", _("a PDF document")),
    (b"\x89PNG", _("a picture")),
    (b"\xff\xd8\xff", _("a picture")),
    (b"GIF8", _("a picture")),
    (b"RIFF", _("a picture, sound or film")),
    (b"\x1f\x8b", _("a compressed archive")),
    (b"7z\xbc\xaf", _("a compressed archive")),
    (b"Rar!", _("a compressed archive")),
    (b"BZh", _("a compressed archive")),
    (b"\xfd7zXZ", _("a compressed archive")),
    (b"\x7fELF", _("a program")),
    (b"MZ\x90", _("a program")),
    (b"#!/", _("a program")),
    (b"\xca\xfe\xba\xbe", _("a program")),
    (b"\xcf\xfa\xed\xfe", _("a program")),
    (b"PK\x05\x06", _("a compressed archive")),
    (b"\x28\xb5\x2f\xfd", _("a compressed archive")),
    (b"SQLite format 3", _("a database file")),
    (b"{\\rtf", _("a text document")),
)
_MARKUP = (
    b"<!doctype", b"<html", b"<table", b"<?xml", b"<meta", b"<head", b"<body", b"<script", b"<svg",
    b"<!--", b"<iframe",
)  # fmt: skip


def file_kind(path: Path, limits: Limits) -> tuple[Kind, list[Any]]:
    """The kind of table in the file, and warnings. Raises TableProblem for anything else."""
    size = path.stat().st_size
    if size == 0:
        raise TableProblem(_("The file is empty."))
    if size > limits.file_bytes:
        megabytes = limits.file_bytes // (1024 * 1024)
        raise TableProblem(
            _("The file is larger than the limit of %(megabytes)s MB.", megabytes=megabytes)
        )
    with path.open("rb") as file:
        head = file.read(4096)
    for magic, name in _OTHERS:
        if head.startswith(magic):
            raise _not_a_table(name)
    if head.startswith(b"PK\x03\x04"):
        return _zipped_kind(path, limits)
    if head.startswith(_OLE):
        return _old_workbook(path), []
    if head.lstrip(b"\xef\xbb\xbf \t\r\n").lower().startswith(_MARKUP):
        raise TableProblem(
            _(
                "The file is a web page or XML under another name. Open it in a spreadsheet "
                "program and save it as XLSX or CSV."
            )
        )
    return "text", []


def _zipped_kind(path: Path, limits: Limits) -> tuple[Kind, list[Any]]:
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
            names = {entry.filename for entry in entries}
            mimetype = archive.read("mimetype")[:200] if "mimetype" in names else b""
            locked = _locked(archive, entries, names)
    except (zipfile.BadZipFile, RuntimeError, NotImplementedError, OSError, ValueError):
        raise TableProblem(_("The workbook is damaged and cannot be read.")) from None
    if locked:
        raise _password()
    if len(entries) > _MAX_ENTRIES or sum(e.file_size for e in entries) > limits.unpacked_bytes:
        raise TableProblem(_("The workbook is too large once unpacked."))
    if "xl/workbook.xml" in names:
        macros = "xl/vbaProject.bin" in names
        return "xlsx", [_("The workbook holds macros. They were not read.")] if macros else []
    if mimetype.startswith(_ODS):
        return "ods", []
    if "xl/workbook.bin" in names:
        raise TableProblem(
            _("Binary workbooks (XLSB) cannot be read. Save the file as XLSX and try again.")
        )
    if "word/document.xml" in names:
        raise _not_a_table(_("a text document"))
    raise _not_a_table(_("a compressed archive"))


def _locked(archive: zipfile.ZipFile, entries: list[zipfile.ZipInfo], names: set[str]) -> bool:
    """Whether a password protects the content: of the archive, or (ODS) of its parts."""
    if any(entry.flag_bits & 1 for entry in entries):
        return True
    manifest = "META-INF/manifest.xml"
    if manifest not in names or archive.getinfo(manifest).file_size > 1024 * 1024:
        return False
    return b"encryption-data" in archive.read(manifest)


def _old_workbook(path: Path) -> Kind:
    """XLS and, in the same container, XLSX; one behind a password is told here, before all others.

    The reading library tries one format after the other and gives the fault of the last.
    """
    tail = b""
    with path.open("rb") as file:
        while chunk := file.read(1024 * 1024):
            seen = tail + chunk
            if _ENCRYPTED_PACKAGE in seen or _FILE_PASS.search(seen):
                raise _password()
            tail = seen[-_OVERLAP:]
    return "xls"


def _password() -> TableProblem:
    return TableProblem(
        _("The workbook is protected by a password. Remove the password and try again.")
    )


def _not_a_table(name: Any) -> TableProblem:
    return TableProblem(
        _("The file is %(kind)s, not a table. Choose a CSV, TSV, XLSX, XLS or ODS file.", kind=name)
    )
