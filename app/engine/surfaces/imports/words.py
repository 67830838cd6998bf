"""The words that the pages of an import offer and show."""

from __future__ import annotations

from typing import Any

from flask_babel import lazy_gettext as _

from app.engine.surfaces.imports.models import (
    CHECKED,
    CHECKING,
    DONE,
    REVERSED,
    REVERSING,
    RUNNING,
    UPLOADED,
)

ENCODINGS = {
    "utf-8": "UTF-8",
    "gb18030": "GB18030 / GBK",
    "utf-16": "UTF-16",
    "big5": "Big5",
    "cp1252": "Windows-1252",
}
DELIMITERS = {
    ",": _("Comma"),
    "\t": _("Tab"),
    ";": _("Semicolon"),
    "|": _("Vertical bar"),
    " ": _("Blanks"),
}
STATES: dict[str, tuple[Any, str]] = {
    UPLOADED: (_("Columns to be chosen"), "neutral"),
    CHECKING: (_("Being checked"), "accent"),
    CHECKED: (_("Ready to start"), "accent"),
    RUNNING: (_("Being imported"), "accent"),
    REVERSING: (_("Being taken back"), "warn"),
    REVERSED: (_("Taken back: a row was refused"), "warn"),
    DONE: (_("Imported"), "good"),
}
COUNTS = {
    "new": _("New"),
    "changed": _("Changed"),
    "unchanged": _("Unchanged"),
    "duplicate": _("Duplicate"),
    "refused": _("Refused"),
}
MODE_WORDS = {
    "both": _("Added, or changed if they are there already"),
    "add": _("Added; refused if they are there already"),
    "update": _("Changed only; refused if they are not there"),
    "skip": _("Added; left as they are if they are there already"),
}
NEAR_WORDS = {
    "add": _("Added all the same"),
    "leave": _("Left out"),
    "update": _("Taken for the record that they resemble"),
}
NEAR_BECOMES = {
    "new": _("Is added"),
    "changed": _("Changes that record"),
    "unchanged": _("That record has it already"),
    "duplicate": _("Left out"),
}
"""What becomes of a row that resembles something, by the kind of its outcome."""
