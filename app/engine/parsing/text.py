"""Text out of cells: trimmed, free of control characters, and folded where width has no meaning."""

from __future__ import annotations

import re
import unicodedata
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from flask_babel import lazy_gettext as _

from app.engine.errors import ValueProblem

# What no value may hold: C0 and C1 controls, and lone surrogates, which no database takes.
# Tab, line feed and carriage return are judged apart: several lines may hold them.
_FORBIDDEN = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")
_LINE_BREAKS = re.compile(r"[\t\r\n]+")
# Around a value these say nothing: blanks of any width, the byte order mark, zero-width blanks.
_AROUND = " \t\r\n\x0b\x0c\x85\xa0\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009"
_AROUND += "\u200a\u200b\u2028\u2029\u202f\u205f\u2060\u3000\ufeff"
_HEADER_NOISE = re.compile(r"[\s_\-*:\u200b\ufeff\u2010-\u2015]+")
# Width only. Full NFKC would also read 5² as 52 and ① as 1.
_HALF_WIDTH = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)} | {
    0x3000: " ",
    0xFFE0: "¢",
    0xFFE1: "£",
    0xFFE5: "¥",
    0xFFE6: "₩",
}
_SHOWN_LENGTH = 60


def is_empty(cell: object) -> bool:
    """Whether a cell holds nothing: None, or text of blanks only."""
    return cell is None or (isinstance(cell, str) and not cell.strip(_AROUND))


def shown(cell: object) -> str:
    """A cell for use inside a message: short, on one line, without control characters."""
    text = _FORBIDDEN.sub("\ufffd", _LINE_BREAKS.sub(" ", str(cell)[: _SHOWN_LENGTH * 2]))
    return text if len(text) <= _SHOWN_LENGTH else text[: _SHOWN_LENGTH - 1] + "…"


def clean(text: str, lines: bool = False) -> str:
    """Text as a name or note is kept: trimmed, its own characters (full-width too) unchanged.

    With `lines` it may have several lines (ends made `\\n`); otherwise a run of breaks inside it
    becomes one blank. Raises ValueProblem where it holds a control character.
    """
    text = text.strip(_AROUND)
    if text.isascii() and text.isprintable():
        return text
    found = _FORBIDDEN.search(text)
    if found:
        code = f"U+{ord(found.group()):04X}"
        if found.group() == "\x00":
            raise ValueProblem(_("The text holds a NUL character."))
        raise ValueProblem(
            _("The text holds a character that cannot be kept (%(code)s).", code=code)
        )
    if lines:
        return text.replace("\r\n", "\n").replace("\r", "\n")
    return _LINE_BREAKS.sub(" ", text)


def fold(text: str) -> str:
    """Text in which width has no meaning (numbers, dates, codes): full-width becomes half-width."""
    text = clean(text)
    return text if text.isascii() else text.translate(_HALF_WIDTH).strip(_AROUND)


def header_key(text: str) -> str:
    """What two headers are compared by: without case, width, blanks, underscores and hyphens."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    return _HEADER_NOISE.sub("", folded)


def cell_text(cell: Any) -> str:
    """A cell as text. A workbook holds 600000 as 600000.0 and a date as a date: written plainly."""
    if cell is None:
        return ""
    if isinstance(cell, str):
        return cell
    if isinstance(cell, bool):
        return "TRUE" if cell else "FALSE"
    if isinstance(cell, float):
        return number_text(cell)
    if isinstance(cell, Decimal):
        return format(cell, "f")
    if isinstance(cell, datetime):
        day = cell.date().isoformat()
        moment = cell.timetz()
        return day if moment == time() else f"{day} {moment.isoformat()}"
    if isinstance(cell, date | time):
        return cell.isoformat()
    if isinstance(cell, timedelta):
        return str(cell)
    return str(cell)


def number_text(number: float) -> str:
    """A float as a spreadsheet shows it: 15 significant digits, no exponent, no needless `.0`."""
    if number != number or number in (float("inf"), float("-inf")):
        return str(number)
    text = format(Decimal(f"{number:.15g}"), "f")
    return text.rstrip("0").rstrip(".") if "." in text else text
