"""Why a file cannot be read or shown, by codes that are kept with it and words for whoever looks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask_babel import lazy_gettext as _

PROBLEMS: Mapping[str, Any] = {
    "encrypted": _("The file is protected by a password: what is in it can't be read."),
    "damaged": _("The file is damaged: what is in it can't be read."),
    "empty": _("The file is empty."),
    "no_pages": _("The file has no pages."),
    "no_text": _("The file holds no text, as scanned pages don't."),
    "too_large": _("The file is too large to be read, or would be once unpacked."),
    "too_long": _("Reading the file took too long and was stopped."),
    "encoding": _("The encoding of the text is unknown."),
    "archive": _("An archive is kept as it is: what is in it is not read."),
    "kind": _("Files of this kind are not read."),
}


def told(code: str) -> Any:
    """A reason in the reader's language."""
    return PROBLEMS[code]
