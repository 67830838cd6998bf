"""What a file may be called, whoever named it."""

from __future__ import annotations

import re
import unicodedata

LONGEST = 120
"""Characters; three bytes each of the 255 that file systems take, and room for what we add."""

_LONGEST_ENDING = 10
_FORBIDDEN = re.compile(r'[<>:"|?*]')
_DEVICES = frozenset(
    ("con", "prn", "aux", "nul", *(f"{port}{n}" for port in ("com", "lpt") for n in range(10)))
)
"""What Windows takes for a device, with any ending."""


def safe_name(name: str, otherwise: str = "file") -> str:
    """A file's name without its folders, and without what deceives the eye or a file system.

    Control characters and the marks that turn the direction of writing go (“invoice\u202excl.exe”
    reads as “invoiceexe.lcx”), what no file may be called is made harmless, long ones are cut
    before their ending.
    """
    last = unicodedata.normalize("NFC", name).replace("\\", "/").rpartition("/")[2]
    visible = "".join(" " if sign.isspace() else sign for sign in last if _is_seen(sign))
    plain = " ".join(_FORBIDDEN.sub("_", visible).split()).strip(". ")
    stem, dot, ending = plain.rpartition(".")
    if not dot or len(ending) > _LONGEST_ENDING:
        stem, dot, ending = plain, "", ""
    if stem.partition(".")[0].strip().lower() in _DEVICES:
        stem = f"_{stem}"
    return f"{stem[: LONGEST - len(dot + ending)].rstrip('. ')}{dot}{ending}" if stem else otherwise


def _is_seen(sign: str) -> bool:
    return sign.isspace() or unicodedata.category(sign) not in ("Cc", "Cf", "Cs", "Co", "Cn")
