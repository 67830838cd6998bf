"""Which reader opens which kind of file, by the media type that its content has."""

from __future__ import annotations

from collections.abc import Mapping

_OPEN = "application/vnd.openxmlformats-officedocument."
_ODF = "application/vnd.oasis.opendocument."

PDF = "application/pdf"

READERS: Mapping[str, str] = {
    PDF: "pdf",
    f"{_OPEN}wordprocessingml.document": "word",
    f"{_OPEN}wordprocessingml.template": "word",
    "application/vnd.ms-word.document.macroenabled.12": "word",
    f"{_OPEN}presentationml.presentation": "slides",
    f"{_OPEN}presentationml.slideshow": "slides",
    "application/vnd.ms-powerpoint.presentation.macroenabled.12": "slides",
    f"{_OPEN}spreadsheetml.sheet": "sheets",
    f"{_OPEN}spreadsheetml.template": "sheets",
    "application/vnd.ms-excel": "sheets",
    "application/vnd.ms-excel.sheet.macroenabled.12": "sheets",
    "application/vnd.ms-excel.sheet.binary.macroenabled.12": "sheets",
    f"{_ODF}spreadsheet": "sheets",
    f"{_ODF}text": "opendocument",
    f"{_ODF}presentation": "opendocument",
    "text/html": "markup",
    "application/xhtml+xml": "markup",
    "message/rfc822": "mail",
    "application/rtf": "rich_text",
    "text/rtf": "rich_text",
    "application/json": "plain",
    "application/xml": "plain",
    "text/xml": "plain",
    "text/plain": "plain",
    "text/markdown": "plain",
    "text/csv": "plain",
    "text/tab-separated-values": "plain",
}
"""What text is read by."""

PICTURES = frozenset(
    {"image/png", "image/jpeg", "image/gif", "image/webp", "image/bmp", "image/tiff"}
)
ARCHIVES = frozenset(
    {
        "application/zip", "application/x-7z-compressed", "application/vnd.rar", "application/x-rar-compressed",
        "application/x-tar", "application/gzip", "application/x-gzip", "application/x-bzip2", "application/x-xz",
        "application/zstd", "application/x-zip-compressed",
    }
)  # fmt: skip
SEALED_OFFICE = "application/x-office-encrypted"

SHOWN = frozenset({"plain", "markup", "mail", "sheets"})
"""Readers that also lay out what they read; of the others the text alone is shown, or pages."""

PAGED = frozenset({"pdf", "slides"})
"""Readers whose pages are those of the file, and can be named by their number."""

OFFICE = frozenset(
    {
        media_type
        for media_type, reader in READERS.items()
        if reader in ("word", "slides", "sheets", "opendocument", "rich_text")
    }
    | {"application/msword", "application/vnd.ms-powerpoint", f"{_ODF}graphics"}
)
"""What an office program can turn into pages, where one is installed."""

_TABLES = {"text/csv": "table.csv", "text/tab-separated-values": "table.tsv"}


def reader_of(media_type: str) -> str | None:
    """The reader of text, None for kinds that hold none or that nobody reads."""
    if media_type in READERS:
        return READERS[media_type]
    return "plain" if media_type.startswith("text/") else None


def drawer_of(media_type: str) -> str | None:
    """What draws the pages of such files without any other program; None where nothing does."""
    if media_type == PDF:
        return "pdf"
    return "pictures" if media_type in PICTURES else None


def table_name(media_type: str) -> str | None:
    """For files that are tables of text: a name by which their separator is found."""
    return _TABLES.get(media_type)


def unread(media_type: str) -> str:
    """The code of why nothing reads such files."""
    if media_type == SEALED_OFFICE:
        return "encrypted"
    return "archive" if media_type in ARCHIVES else "kind"
