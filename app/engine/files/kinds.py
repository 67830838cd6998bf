"""Kinds of files: their names, the endings that go with each, and what a field may take."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping

UNKNOWN = "application/octet-stream"
SEALED_OFFICE = "application/x-office-encrypted"
"""A document of Office that only opens with a password: nobody can look into it."""

OOXML = "application/vnd.openxmlformats-officedocument."
ODF = "application/vnd.oasis.opendocument."

ENDINGS: Mapping[str, tuple[str, ...]] = {
    "application/pdf": ("pdf",),
    f"{OOXML}wordprocessingml.document": ("docx", "docm", "dotx"),
    f"{OOXML}spreadsheetml.sheet": ("xlsx", "xlsm", "xltx"),
    f"{OOXML}presentationml.presentation": ("pptx", "pptm", "ppsx", "potx"),
    f"{ODF}text": ("odt", "ott"),
    f"{ODF}spreadsheet": ("ods", "ots"),
    f"{ODF}presentation": ("odp", "otp"),
    f"{ODF}graphics": ("odg",),
    "application/msword": ("doc", "dot", "wps"),
    "application/vnd.ms-excel": ("xls", "xlt", "et"),
    "application/vnd.ms-powerpoint": ("ppt", "pps", "dps"),
    "application/vnd.ms-outlook": ("msg",),
    "application/x-ole-storage": ("doc", "xls", "ppt", "msg", "vsd", "mpp", "db"),
    SEALED_OFFICE: ("docx", "xlsx", "pptx", "docm", "xlsm", "pptm"),
    "application/rtf": ("rtf", "doc"),
    "application/epub+zip": ("epub",),
    "application/zip": ("zip", "jar", "apk", "kmz", "ofd", "vsdx", "xps", "pages", "numbers", "key"),
    "application/ofd": ("ofd",),
    "application/gzip": ("gz", "tgz"),
    "application/x-tar": ("tar",),
    "application/x-7z-compressed": ("7z",),
    "application/x-rar-compressed": ("rar",),
    "application/x-bzip2": ("bz2",),
    "application/x-xz": ("xz",),
    "image/png": ("png",),
    "image/jpeg": ("jpg", "jpeg", "jpe", "jfif"),
    "image/gif": ("gif",),
    "image/webp": ("webp",),
    "image/tiff": ("tif", "tiff"),
    "image/bmp": ("bmp",),
    "image/heic": ("heic", "heif"),
    "image/svg+xml": ("svg",),
    "text/plain": ("txt", "log", "ini", "conf", "json", "yml", "yaml", "sql"),
    "text/csv": ("csv", "tsv", "txt"),
    "text/markdown": ("md", "markdown", "txt"),
    "text/html": ("html", "htm", "xhtml", "mht", "mhtml"),
    "text/calendar": ("ics",),
    "text/vcard": ("vcf",),
    "text/x-script": ("sh", "py", "pl", "rb", "js", "php"),
    "application/xml": ("xml", "xsd", "xsl", "xslt", "rdf"),
    "message/rfc822": ("eml", "mht", "mhtml"),
    "audio/mpeg": ("mp3",),
    "audio/wav": ("wav",),
    "audio/mp4": ("m4a",),
    "audio/ogg": ("ogg", "oga"),
    "audio/flac": ("flac",),
    "video/mp4": ("mp4", "m4v"),
    "video/quicktime": ("mov", "qt"),
    "video/x-msvideo": ("avi",),
    "video/webm": ("webm",),
    "video/x-matroska": ("mkv", "webm"),
    "application/x-executable": ("exe", "dll", "so", "bin", "elf", "o", "com", "scr", "sys"),
}  # fmt: skip
"""What files of each kind are called at the end, the usual one first."""

FAMILIES: Mapping[str, Callable[[str], bool]] = {
    "pdf": lambda kind: kind == "application/pdf",
    "office": lambda kind: (
        kind.startswith((OOXML, ODF, "application/vnd.ms-"))
        or kind in ("application/msword", "application/rtf", "application/x-ole-storage",
                    "application/ofd", SEALED_OFFICE)
    ),
    "image": lambda kind: kind.startswith("image/"),
    "text": lambda kind: (kind.startswith("text/") or kind == "application/xml")
    and kind != "text/x-script",
    "mail": lambda kind: kind in ("message/rfc822", "application/vnd.ms-outlook"),
    "archive": lambda kind: kind in (
        "application/zip", "application/gzip", "application/x-tar", "application/x-7z-compressed",
        "application/x-rar-compressed", "application/x-bzip2", "application/x-xz",
    ),
    "sound": lambda kind: kind.startswith("audio/"),
    "video": lambda kind: kind.startswith("video/"),
    "program": lambda kind: kind in ("application/x-executable", "text/x-script"),
}  # fmt: skip
"""Names under which a field says what it takes, beside the kinds themselves."""

RUNNING = frozenset((
    "exe", "com", "scr", "pif", "cpl", "msi", "bat", "cmd", "ps1", "vbs", "vbe", "js", "jse", "wsf",
    "wsh", "hta", "lnk", "reg", "jar", "apk", "dll", "sh", "command", "app", "iso",
))  # fmt: skip
"""Endings by which a system runs what it is given: the content of most is a text like any other."""


def ending_of(name: str) -> str:
    """What stands behind the last dot, in small letters."""
    stem, dot, ending = name.rpartition(".")
    return ending.lower() if dot and stem else ""


def label_of(media_type: str) -> str:
    """What people call the kind: by the usual ending."""
    found = ENDINGS.get(media_type)
    return found[0].upper() if found else media_type.rpartition("/")[2].removeprefix("x-").upper()


def fits(media_type: str, allowed: Collection[str]) -> bool:
    """Whether one of these families or kinds is that of the file."""
    return any(
        FAMILIES[one](media_type) if one in FAMILIES else one == media_type for one in allowed
    )


def runs(name: str, media_type: str) -> bool:
    """Whether it is something that a machine would run."""
    return FAMILIES["program"](media_type) or ending_of(name) in RUNNING


def contradicts(name: str, media_type: str) -> bool:
    """Whether the name promises another kind than the content is; of an unknown ending nothing is promised."""
    ending = ending_of(name)
    promised = {kind for kind, endings in ENDINGS.items() if ending in endings}
    if not promised or media_type in promised:
        return False
    # A text says little of what it is meant as, and every Office document is a ZIP.
    if media_type.startswith("text/") and any(kind.startswith("text/") for kind in promised):
        return False
    return not (ending == "zip" and (media_type.startswith(OOXML) or "+zip" in media_type))
